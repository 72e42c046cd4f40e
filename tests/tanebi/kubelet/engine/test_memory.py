from __future__ import annotations

from pathlib import Path

import pytest

from tanebi.kubelet.engine import memory
from tanebi.testing.network import network_missing


@network_missing()
@pytest.mark.parametrize("limit", [None, "2Mi", 4096])
def test_a_mount_and_its_end(tmp_path: Path, limit: str | int | None) -> None:
    folder = tmp_path / "with space"
    folder.mkdir()
    memory.mount(folder, limit)
    memory.mount(folder, limit)
    assert memory.mounted().count(folder) == 1
    memory.release(tmp_path)
    memory.release(tmp_path)
    assert folder not in memory.mounted()


def test_what_is_mounted_elsewhere_stays(tmp_path: Path) -> None:
    before = memory.mounted()
    memory.release(tmp_path)
    assert memory.mounted() == before
