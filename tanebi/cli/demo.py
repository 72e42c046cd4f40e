"""`tanebi demo`: the whole story in a temporary data directory, with public commands and HTTP only.

Each step is one promise and its measured time. A step that fails is said so, the others still run unless they build on it, and
the exit code is 1.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from tanebi.base.errors import TanebiError
from tanebi.cli import demo_story, timing
from tanebi.cli.demo_stage import Stage

NAME_WIDTH: Final = 28


@dataclass(frozen=True, slots=True)
class Step:
    """`play` returns what to say. `vital`: without it nothing else makes sense."""

    name: str
    play: Callable[[Stage], demo_story.Said]
    vital: bool = False


STORY: Final = (
    Step("up", demo_story.up, vital=True),
    Step("deploy", demo_story.deploy, vital=True),
    Step("first request from zero", demo_story.first_request),
    Step("warm requests", demo_story.warm_requests),
    Step("scale out under load", demo_story.scale_out),
    Step("scale to zero", demo_story.scale_to_zero),
    Step("broker, triggers, services", demo_story.eventing, vital=True),
    Step("an event wakes a container", demo_story.event),
    Step("dead letter", demo_story.dead_letter),
    Step("ping importer", demo_story.ping),
    Step("kill -9 and recovery", demo_story.crash),
    Step("served again", demo_story.served_again),
)


@click.command()
@click.option("--keep", is_flag=True, help="Leave the data directory behind.")
def demo(keep: bool) -> int:
    """Play the whole story in a temporary data directory: cold start, scaling, events, crash and recovery."""
    folder = Path(tempfile.mkdtemp(prefix="tanebi-demo-"))
    stage = Stage(folder)
    started = timing.monotonic()
    click.echo("🔥 tanebi demo: one process, real containers, real events")
    click.echo()
    try:
        failed = perform(stage, STORY)
        if failed:
            click.echo()
            click.echo(f"the platform's last words:\n{stage.log_tail()}", err=True)
    finally:
        stage.close()
        if keep:
            click.echo(f"data directory: {stage.home.root}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    took = timing.monotonic() - started
    click.echo()
    done = len(STORY) - failed
    click.echo(f"{'🚀' if not failed else '✗'} {done} of {len(STORY)} steps held, in {took:.1f} s")
    return 1 if failed else 0


def perform(stage: Stage, story: tuple[Step, ...]) -> int:
    """Play the steps in order. Returns how many did not hold, those never reached included."""
    failed = 0
    for index, step in enumerate(story):
        started = timing.monotonic()
        try:
            said = step.play(stage)
        except TanebiError as error:
            failed += 1
            _tell("✗", step.name, timing.monotonic() - started, [error.message, error.hint])
            if step.vital:
                return failed + len(story) - index - 1
            continue
        took = timing.monotonic() - started if said.took_s is None else said.took_s
        _tell("✅", step.name, took, said.lines)
    return failed


def _tell(sign: str, name: str, took_s: float, lines: list[str]) -> None:
    shown = [text for line in lines for text in line.splitlines() if text]
    first, rest = (shown or [""])[0], shown[1:]
    click.echo(f"  {sign} {name:<{NAME_WIDTH}} {_seconds(took_s):>9}   {first}".rstrip())
    for line in rest:
        click.echo(f"{'':<{NAME_WIDTH + 18}}{line}")


def _seconds(took_s: float) -> str:
    return f"{took_s * 1000:.1f} ms" if took_s < 1 else f"{took_s:.2f} s"
