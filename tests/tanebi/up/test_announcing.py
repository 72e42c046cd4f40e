import pytest

from tanebi.testing.clock import FakeClock
from tanebi.up.announcing import Announcer


def test_parts_are_announced_with_the_time_they_took(capsys: pytest.CaptureFixture[str]) -> None:
    clock = FakeClock()
    say = Announcer(clock)
    clock.advance(0.25)
    say.part("gateway", "http://127.0.0.1:8080")
    say.stopping()
    say.still_ending(70)
    say.still_ending(1)
    say.stopped()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "  0.250s ✅ gateway          http://127.0.0.1:8080"
    assert lines[-3:-1] == [
        "  0.250s ⏳ 70 pods are still ending",
        "  0.250s ⏳ 1 pod is still ending",
    ]
    assert lines[-1] == "  0.250s ✅ stopped"


def test_after_a_failure_nobody_is_told_that_it_stopped(capsys: pytest.CaptureFixture[str]) -> None:
    Announcer(FakeClock()).stopped()
    assert capsys.readouterr().out == ""
