"""A part of the story on a real platform; the whole of it is `make demo`, which the continuous integration runs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tanebi.cli import demo_story
from tanebi.cli.demo_stage import Stage, StepFailed

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    stage = Stage(tmp_path_factory.mktemp("story"))
    demo_story.up(stage)
    yield stage
    stage.close()


@pytest.fixture(scope="module")
def hello(stage: Stage) -> str:
    return demo_story.deploy(stage).lines[0]


@pytest.fixture(scope="module")
def events(stage: Stage) -> Stage:
    demo_story.eventing(stage)
    return stage


def test_a_cold_start_is_only_told_of_what_sleeps(stage: Stage, hello: str) -> None:
    assert hello == f"http://hello.default.localhost:{stage.gateway_port}"
    said = demo_story.first_request(stage)
    assert said.lines == ["Hello World! (hello-00001)"]
    assert said.took_s is not None
    assert said.took_s < 5
    assert demo_story.warm_requests(stage).took_s is not None
    with pytest.raises(StepFailed, match="this would be no cold start"):
        demo_story.first_request(stage)


def test_events_take_the_whole_way_and_a_crash_loses_nothing(events: Stage) -> None:
    assert "order.accepted" in demo_story.event(events).lines[0]
    assert "refused 3 times with 500" in demo_story.dead_letter(events).lines[0]

    assert "every one delivered" in demo_story.crash(events).lines[0]
