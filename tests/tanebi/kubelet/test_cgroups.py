"""Control groups as files: what is written where, for both versions, on a folder that plays the kernel's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tanebi.api.core.pod import Container
from tanebi.kubelet.cgroups import Amounts, Groups, amounts

ALL = Amounts(memory=1 << 20, quota_us=50_000, shares=512)


def container(**resources: Any) -> Container:
    return Container.model_validate({"name": "c", "resources": resources})


def test_amounts() -> None:
    assert amounts(container()) == Amounts()
    limits = {"memory": "1Mi", "cpu": "500m"}
    assert amounts(container(limits=limits)) == ALL
    assert amounts(container(requests={"cpu": "1m"})) == Amounts(shares=2)
    assert amounts(container(limits={"cpu": "1m"})).quota_us == 1000


def text(path: Path) -> str:
    return path.read_text()


def test_version_1(tmp_path: Path) -> None:
    for name in ("memory", "cpu"):
        (tmp_path / name).mkdir()
    groups = Groups("x", tmp_path)
    assert groups.missing == ""
    made = groups.make("u", "c", ALL)
    memory, cpu = tmp_path / "memory/tanebi-x/u.c", tmp_path / "cpu/tanebi-x/u.c"
    assert text(memory / "memory.limit_in_bytes") == str(1 << 20)
    assert (text(cpu / "cpu.cfs_quota_us"), text(cpu / "cpu.shares")) == ("50000", "512")
    assert made.threads == (memory / "tasks", cpu / "tasks")
    made.join(1)
    assert not made.has_killed()
    (memory / "memory.oom_control").write_text("under_oom 0\noom_kill 1\n")
    assert made.has_killed()
    assert not groups.make("u", "c", ALL).has_killed(), "that was before"


def test_version_2(tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").touch()
    made = Groups("x", tmp_path).make("u", "c", ALL)
    home = tmp_path / "tanebi-x/u.c"
    assert text(tmp_path / "cgroup.subtree_control") == "+memory +cpu"
    assert (text(home / "memory.max"), text(home / "memory.swap.max")) == (str(1 << 20), "0")
    assert (text(home / "cpu.max"), text(home / "cpu.weight")) == ("50000 100000", "20")
    made.join(77)
    assert text(home / "cgroup.procs") == "77"
    (home / "memory.events").write_text("oom 2\noom_kill 1\n")
    assert made.has_killed()


def test_none_to_be_had(tmp_path: Path) -> None:
    assert "memory is not writable" in Groups("x", tmp_path).missing


def test_they_go_and_the_platforms_folder_with_the_last(tmp_path: Path) -> None:
    groups = Groups("x", tmp_path)
    for name in ("memory", "cpu"):
        (tmp_path / name / "tanebi-x" / "u.c").mkdir(parents=True)
        (tmp_path / name / "tanebi-x" / "v.c").mkdir()
    assert groups.remove("u")
    assert (tmp_path / "cpu/tanebi-x/v.c").exists()
    (tmp_path / "cpu/tanebi-x/v.c/busy").touch()
    assert not groups.remove_all()
    (tmp_path / "cpu/tanebi-x/v.c/busy").unlink()
    assert groups.remove_all()
    assert not (tmp_path / "cpu/tanebi-x").exists()
