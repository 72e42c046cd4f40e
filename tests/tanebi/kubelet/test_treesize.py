"""Walking a folder for its size."""

from __future__ import annotations

from pathlib import Path

from tanebi.kubelet.treesize import tree_bytes


def test_what_is_below_counts_and_what_is_linked_does_not(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "a/b").mkdir(parents=True)
    empty = tree_bytes(home)
    (home / "a/b/file").write_bytes(bytes(100_000))
    (tmp_path / "elsewhere").write_bytes(bytes(500_000))
    (home / "link").symlink_to(tmp_path / "elsewhere")
    assert 100_000 <= tree_bytes(home) - empty < 150_000


def test_nothing_there(tmp_path: Path) -> None:
    assert tree_bytes(tmp_path / "none") == 0


def test_a_walk_has_an_end(tmp_path: Path) -> None:
    for number in range(20):
        (tmp_path / str(number)).write_bytes(bytes(4096))
    assert 0 < tree_bytes(tmp_path, entries_max=5) <= 5 * 8192
