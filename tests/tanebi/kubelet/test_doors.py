"""A door that several platforms hold open closes with the last of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tanebi.kubelet.doors import Doors


@pytest.fixture
def setting(tmp_path: Path) -> Path:
    found = tmp_path / "conf" / "bridge0" / "route_localnet"
    found.parent.mkdir(parents=True)
    found.write_text("0\n")
    return found


def test_the_last_one_closes_it(tmp_path: Path, setting: Path) -> None:
    one, other = (Doors(tmp_path, tmp_path / "conf") for _ in range(2))
    one.open("bridge0")
    other.open("bridge0")
    one.close()
    assert setting.read_text() == "1\n"
    one.close()
    other.close()
    assert setting.read_text() == "0\n"


def test_a_bridge_that_was_made_again_is_opened_again(tmp_path: Path, setting: Path) -> None:
    doors = Doors(tmp_path, tmp_path / "conf")
    doors.open("bridge0")
    setting.write_text("0\n")
    doors.open("bridge0")
    assert setting.read_text() == "1\n"
    setting.unlink()
    setting.parent.rmdir()
    doors.close()
    with pytest.raises(OSError, match="bridge0"):
        doors.open("bridge0")
    doors.close()
