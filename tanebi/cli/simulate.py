"""`tanebi simulate`: what a manifest's scaling would make of some traffic. No platform is needed, and none is touched."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import click

from tanebi.base.errors import UserError
from tanebi.cli import manifests
from tanebi.cli.options import Duration

if TYPE_CHECKING:
    from tanebi.simulate.setting import Setting
    from tanebi.simulate.traffic import Traffic

T = TypeVar("T")


SETTINGS_MAX: Final = 2


@click.command()
@click.option("-f", "--filename", metavar="FILE", help="The manifest (default: no annotations).")
@click.option(
    "--traffic",
    default="poisson:rate=10",
    show_default=True,
    metavar="NAME:KEY=VALUE,...",
    help="poisson, step, ramp, spike or diurnal; the guide lists their keys.",
)
@click.option("--trace", metavar="FILE", help="A CSV instead: arrival and service time in seconds.")
@click.option("--duration", type=Duration(), default="10m", show_default=True, help="Of traffic.")
@click.option(
    "--service-time",
    "service",
    default="100ms",
    show_default=True,
    metavar="TIME",
    help="Of a request: 100ms, exp:MEAN, uniform:LOW,HIGH, normal:MEAN,DEVIATION, lognormal:MEDIAN,SIGMA.",
)
@click.option(
    "--cold-start",
    "boot",
    default="1s",
    show_default=True,
    metavar="TIME",
    help="From the decision to a pod that answers; written like --service-time.",
)
@click.option(
    "--set",
    "sets",
    multiple=True,
    metavar="ANNOTATION=VALUE,...",
    help="Change the setting; given twice, the two are compared.",
)
@click.option("--from-deploy", is_flag=True, help="Begin with the deployment: initial pods start.")
@click.option("--compare", metavar="FILE", help="Compare with this manifest.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of chance.")
@click.option("--svg", metavar="FILE", help="Also draw the curves into this file.")
@click.option("--all", "everything", is_flag=True, help="Show every change of the pods.")
def simulate(
    filename: str | None,
    traffic: str,
    trace: str | None,
    duration: float,
    service: str,
    boot: str,
    sets: tuple[str, ...],
    from_deploy: bool,
    compare: str | None,
    seed: int,
    svg: str | None,
    everything: bool,
) -> int:
    """Try traffic on a manifest's scaling, in virtual time.

    Runs the real autoscaler and throttler; only requests, pods and time are made up. The same seed gives the same report.
    An annotation without a domain is one of autoscaling.knative.dev/; `container-concurrency` is the limit of a pod,
    `timeout-seconds` what a request may take.
    """
    from tanebi.simulate import engine, report
    from tanebi.simulate import svg as picture
    from tanebi.simulate.distribution import parse_distribution

    settings = find_settings(filename, compare, sets)
    boots = checked(lambda: parse_distribution(boot))
    offered = find_traffic(traffic, trace, duration, service, seed)
    results = [
        engine.simulate(one, offered, boots, seed=seed, from_deploy=from_deploy) for one in settings
    ]
    head = f"{offered.name}, requests of {service}, cold start {boot}, seed {seed}"
    if svg is not None:
        _write(Path(svg), picture.draw(head, results))
    shown = max(len(r.changes) for r in results) if everything else report.CHANGES_SHOWN
    click.echo(report.render(head, results, changes_max=shown), nl=False)
    return 0


def find_settings(
    filename: str | None, compare: str | None, sets: tuple[str, ...]
) -> list[Setting]:
    """One setting, or two to compare. Raises UserError."""
    from tanebi.simulate.setting import PLAIN, changed, from_objects

    if len(sets) > SETTINGS_MAX:
        raise UserError("usage", "--set can be given twice: two settings are compared")
    if compare is not None and len(sets) > 1:
        raise UserError(
            "usage", "compare with --compare FILE or with a second --set, not with both"
        )

    def load(name: str) -> Setting:
        objects = [document.obj for document in manifests.read([name])]
        return checked(lambda: from_objects(objects, name))

    base = PLAIN if filename is None else load(filename)
    tried = [checked(partial(changed, base, words)) for words in sets] or [base]
    return tried if compare is None else [*tried, load(compare)]


def find_traffic(
    traffic: str, trace: str | None, duration_s: float, service: str, seed: int
) -> Traffic:
    """Raises UserError."""
    from tanebi.simulate.distribution import parse_distribution
    from tanebi.simulate.traffic import generate, read_trace, traffic_rng

    times, rng = checked(lambda: parse_distribution(service)), traffic_rng(seed)
    if trace is None:
        return checked(lambda: generate(traffic, duration_s, times, rng))
    try:
        lines = Path(trace).read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError("trace-unreadable", f"cannot read {trace}: {error}") from error
    try:
        return read_trace(lines, trace, times, rng)
    except ValueError as error:
        raise UserError("simulation-invalid", f"{trace}: {error}") from error


def checked(make: Callable[[], T]) -> T:
    """What `make` makes; what it complains about as a UserError."""
    try:
        return make()
    except ValueError as error:
        raise UserError("simulation-invalid", str(error)) from error


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text)
    except OSError as error:
        raise UserError("svg-unwritable", f"cannot write {path}: {error.strerror}") from error
