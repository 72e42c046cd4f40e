"""A door that several platforms hold open closes with the last of them."""

from __future__ import annotations

import threading
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
    assert locks(tmp_path) == ["tanebi-bridge0.lock"]
    other.close()
    assert setting.read_text() == "0\n"
    assert locks(tmp_path) == []


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
    assert locks(tmp_path) == []


def test_what_a_killed_platform_left_open_is_closed_by_the_next(
    tmp_path: Path, setting: Path
) -> None:
    setting.write_text("1\n")
    for name in ("bridge0", "gone"):
        (tmp_path / f"tanebi-{name}.lock").touch()
    used = tmp_path / "conf" / "bridge1" / "route_localnet"
    used.parent.mkdir()
    doors = Doors(tmp_path, tmp_path / "conf")
    doors.open("bridge1")
    assert (setting.read_text(), used.read_text()) == ("0\n", "1\n")
    assert locks(tmp_path) == ["tanebi-bridge1.lock"]
    doors.close()
    assert locks(tmp_path) == []


def test_who_waits_for_a_lock_that_is_taken_away_holds_the_next_one(
    tmp_path: Path, setting: Path
) -> None:
    """Many open and close at once: whoever has it open finds it open."""
    failures: list[str] = []

    def come_and_go() -> None:
        for _ in range(50):
            doors = Doors(tmp_path, tmp_path / "conf")
            doors.open("bridge0")
            if not locks(tmp_path):
                failures.append("held, and there is no lock")
            doors.close()

    threads = [threading.Thread(target=come_and_go) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert (locks(tmp_path), setting.read_text()) == ([], "0\n")


def locks(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*.lock"))
