from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from tanebi.base.settings import DataDir
from tanebi.cli.diagnosis import Finding
from tanebi.cli.doctor import cgroups, doctor, examine, shown


def test_this_machine_as_people_and_programs_read_it(tmp_path: Path) -> None:
    told = CliRunner().invoke(doctor, ["--data-dir", str(tmp_path)], standalone_mode=False)
    assert told.exception is None
    assert "data directory" in told.output
    assert told.return_value == (1 if "❌" in told.output else 0)
    arguments = ["--data-dir", str(tmp_path), "-o", "json"]
    parsed = json.loads(CliRunner().invoke(doctor, arguments, standalone_mode=False).output)
    assert {"name", "state", "detail", "cost", "remedy"} == set(parsed[0])


def test_what_is_asked_leaves_nothing(tmp_path: Path) -> None:
    before = set(os.listdir("/sys/class/net"))
    facts = examine(DataDir(tmp_path))
    assert facts.fsync_ms > 0
    assert facts.disk_free_bytes > 0
    assert list(tmp_path.iterdir()) == []
    assert facts.network_error or before


def test_a_folder_that_cannot_be_is_broken(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    facts = examine(DataDir(tmp_path / "file" / "below"))
    assert "Not a directory" in facts.data_error


@pytest.mark.parametrize(
    ("folders", "version"),
    [
        ((), ""),
        (("memory",), "1"),
        (("memory", "unified"), "hybrid"),
        (("cgroup.controllers",), "2"),
    ],
)
def test_control_groups(tmp_path: Path, folders: tuple[str, ...], version: str) -> None:
    for name in folders:
        (tmp_path / "sys/fs/cgroup" / name).mkdir(parents=True)
    assert cgroups(tmp_path) == version


def test_what_is_there_takes_a_line_and_what_is_not_says_more() -> None:
    assert len(shown(Finding("kubectl", "ok", "v1"))) == 1
    lines = shown(Finding("kubectl", "missing", "none", "cost", "remedy"))
    assert [line.strip() for line in lines[1:]] == ["cost", "→ remedy"]
