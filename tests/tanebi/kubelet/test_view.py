"""A view by itself: what a thread in it sees, and that nothing of it stays. The contract of pods tests the rest."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tanebi.kubelet.view import Ids, Shown, View, missing
from tanebi.testing.network import network_missing

pytestmark = network_missing()


def view(folder: Path, **wishes: object) -> View:
    for name in ("scratch", "tmp", "volume"):
        (folder / name).mkdir()
    (folder / "volume/file").write_text("here")
    return View(folder / "scratch", folder / "tmp", **wishes)  # type: ignore[arg-type]


def test_a_volume_where_the_machine_has_no_such_path(tmp_path: Path) -> None:
    shown = Shown(tmp_path / "volume", "/nowhere/on/this/machine")
    one = view(tmp_path, mounts=(shown,))
    assert one.run(Path("/nowhere/on/this/machine/file").read_text) == "here"
    assert not Path("/nowhere").exists()
    assert list((tmp_path / "scratch").iterdir()) == []


def test_its_own_tmp_in_which_what_it_needs_is_still_there(tmp_path: Path) -> None:
    one = view(tmp_path, needed=(tmp_path / "volume",))
    (tmp_path / "tmp/own").touch()
    assert one.run(lambda: sorted(os.listdir("/tmp")))[0] in ("own", tmp_path.parts[2])
    assert one.run((tmp_path / "volume/file").read_text) == "here"


def test_somebody_else_reaches_what_is_needed_behind_a_closed_door(tmp_path: Path) -> None:
    one = view(tmp_path, needed=(tmp_path / "volume",), ids=Ids(1234, 77, (78,)))
    (tmp_path / "volume").chmod(0o755)
    assert one.run(lambda: (os.getuid(), os.getgid(), os.getgroups())) == (1234, 77, [78])
    assert os.getuid() == 0
    assert one.run((tmp_path / "volume/file").read_text) == "here"


def test_read_only_but_for_volumes(tmp_path: Path) -> None:
    one = view(tmp_path, read_only=True, mounts=(Shown(tmp_path / "volume", "/etc/made"),))
    with pytest.raises(OSError, match="Read-only"):
        one.run(Path("/etc/other").touch)
    one.run(Path("/etc/made/more").touch)
    assert (tmp_path / "volume/more").exists()


def test_what_cannot_be_shown_is_told(tmp_path: Path) -> None:
    one = view(tmp_path, mounts=(Shown(tmp_path / "none", "/x"),))
    with pytest.raises(FileNotFoundError):
        one.run(bool)


def test_whether_there_can_be_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert missing() == ""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert missing() == "tanebi does not run as root"
