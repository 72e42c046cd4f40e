from __future__ import annotations

import pytest

from tanebi.apiserver.celfunctions.marks import is_namespace, kind_of, mark, opened


def test_marks() -> None:
    made = mark("quantity", "1")
    assert (kind_of(made), kind_of({"kind": "quantity"}), kind_of(1)) == ("quantity", "", "")
    assert opened(made, "quantity") == "1"
    with pytest.raises(TypeError, match="expected url"):
        opened(made, "url")
    assert is_namespace(mark("namespace", "sets"), "sets")
    assert not is_namespace(made, "sets")
