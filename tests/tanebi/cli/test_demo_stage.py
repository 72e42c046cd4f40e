from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tanebi.cli.demo_stage import Load, Stage, StepFailed, samples


def test_the_samples_are_found_and_whole() -> None:
    found = samples()
    for app in ("hello", "order", "audit"):
        assert (found / app / "app.py").is_file()
        assert (found / app / "Procfile").read_text().startswith("web: python3 ")
    for name in ("service", "broker", "trigger", "ping"):
        assert (found / f"{name}.yaml").is_file()


def test_waiting_has_an_end(tmp_path: Path) -> None:
    with pytest.raises(StepFailed, match=r"waited 0\.1 s in vain until pigs flew"):
        Stage(tmp_path).until(lambda: False, 0.1, "pigs flew")


def test_a_platform_that_cannot_start_is_told(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("in the way")
    stage = Stage(tmp_path)
    with pytest.raises(StepFailed, match="tanebi up ended with 1"):
        stage.up()
    assert str(tmp_path / "data") in stage.log_tail()
    stage.close()


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path)
    yield stage
    stage.close()


@pytest.mark.e2e
def test_a_platform_that_is_killed_comes_back_at_the_same_address(stage: Stage) -> None:
    first = stage.up()
    assert stage.command("get", "namespaces", "-o", "name").startswith("namespace/")
    assert "default" in [o["metadata"]["name"] for o in stage.objects("namespaces")]
    stage.kill()
    with pytest.raises(StepFailed, match="no answer"):
        stage.request("hello")
    second = stage.up()
    assert first["gateway"] == second["gateway"]
    assert first["pid"] != second["pid"]
    assert stage.post_event("1", "t", b"{}") == 404


@pytest.mark.e2e
def test_commands_and_requests_that_fail_are_told(stage: Stage) -> None:
    stage.up()
    with pytest.raises(StepFailed, match="tanebi get dragons ended with 1") as raised:
        stage.command("get", "dragons")
    assert "resource type" in raised.value.hint
    with pytest.raises(StepFailed, match="answered with 404"):
        stage.warm_requests("nobody", 1)
    load = Load(stage, "nobody", "/", clients=2)
    load.start()
    stage.until(lambda: load.answered >= 4, 10, "some answers came")
    load.stop()
    assert set(load.failed) == {"status 404"}
