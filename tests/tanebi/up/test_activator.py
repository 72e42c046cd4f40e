from pathlib import Path

import pytest

from tanebi.base.errors import UserError
from tanebi.up.activator import run
from tanebi.up.options import ActivatorOptions


def test_a_missing_token_is_named(tmp_path: Path) -> None:
    options = ActivatorOptions("x", ("127.0.0.1", 1), tmp_path / "missing", tmp_path / "config")
    with pytest.raises(UserError, match="cannot read the token"):
        run(options)
