from pathlib import Path

from tanebi.up.options import UpOptions


def test_only_the_machine_itself_is_served_unless_told_otherwise() -> None:
    assert UpOptions(Path()).host == "127.0.0.1"
