from __future__ import annotations

from pathlib import Path

import pytest

from importers.checkpoint import SIZE_MAX_BYTES, Checkpoints

UID = "1f6e-22"


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path / "deep" / "folder")
    assert checkpoints.load(UID) is None
    for value in ({"offset": 3}, "text", [1, None], 0):
        checkpoints.save(UID, value)
        assert Checkpoints(tmp_path / "deep" / "folder").load(UID) == value


def test_removing_twice_is_fine(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save(UID, 1)
    checkpoints.remove(UID)
    checkpoints.remove(UID)
    assert checkpoints.load(UID) is None


def test_only_known_sources_keep_theirs(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path)
    for uid in ("a", "b", "c"):
        checkpoints.save(uid, uid)
    checkpoints.keep_only({"b"})
    assert [checkpoints.load(uid) for uid in ("a", "b", "c")] == [None, "b", None]


def test_too_much_is_refused_and_the_old_one_stays(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save(UID, "old")
    with pytest.raises(ValueError, match="at most"):
        checkpoints.save(UID, "x" * SIZE_MAX_BYTES)
    assert checkpoints.load(UID) == "old"
