from __future__ import annotations

import click
import pytest

from tanebi.cli.options import Duration


def test_a_duration_is_seconds() -> None:
    assert Duration().convert("1m30s", None, None) == 90
    assert Duration().convert(5, None, None) == 5
    with pytest.raises(click.BadParameter, match="not a duration"):
        Duration().convert("soon", None, None)
