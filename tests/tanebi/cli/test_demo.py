from __future__ import annotations

from pathlib import Path

import pytest

from tanebi.cli import demo_story
from tanebi.cli.demo import STORY, Step, perform
from tanebi.cli.demo_stage import Stage, StepFailed


def says(*lines: str, took_s: float | None = None) -> Step:
    return Step("good", lambda stage: demo_story.Said(list(lines), took_s))


def fails(*, vital: bool = False) -> Step:
    def play(stage: Stage) -> demo_story.Said:
        raise StepFailed("it did not hold", hint="look there")

    return Step("bad", play, vital=vital)


@pytest.mark.parametrize(
    ("story", "failed"),
    [
        ((says(), says()), 0),
        ((says(), fails(), says()), 1),
        ((fails(vital=True), says(), says()), 3),
        ((says(), fails(vital=True), fails()), 2),
    ],
)
def test_failures_are_counted_and_vital_ones_end_it(
    tmp_path: Path, story: tuple[Step, ...], failed: int
) -> None:
    assert perform(Stage(tmp_path), story) == failed


def test_each_step_is_told_with_its_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    perform(Stage(tmp_path), (says("one", "two", took_s=0.0123), says("long", took_s=2), fails()))
    first, more, second, third, hint = capsys.readouterr().out.splitlines()
    assert first.split() == ["✅", "good", "12.3", "ms", "one"]
    assert more.strip() == "two"
    assert second.split() == ["✅", "good", "2.00", "s", "long"]
    assert third.startswith("  ✗ bad")
    assert third.endswith("it did not hold")
    assert hint.strip() == "look there"


def test_the_story_tells_what_was_promised() -> None:
    names = [step.name for step in STORY]
    assert names[:2] == ["up", "deploy"]
    assert len(names) == len(set(names)) == 12
