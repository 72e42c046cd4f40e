"""Facts of a machine."""

from __future__ import annotations

from pathlib import Path

from tanebi.kubelet.machine import look, memory_of, os_image_of


def test_texts_of_the_system() -> None:
    assert memory_of("MemFree: 1 kB\nMemTotal:       2048 kB\n") == 2048 * 1024
    assert memory_of("") == 0
    assert os_image_of('NAME=x\nPRETTY_NAME="Some Linux 1"\n') == "Some Linux 1"
    assert os_image_of("") == "Linux"


def test_this_machine(tmp_path: Path) -> None:
    found = look(tmp_path)
    assert found.cpus >= 1
    assert found.memory_bytes > 0
    assert found.disk_bytes > 0
    assert found.hostname == found.hostname.lower() != ""
