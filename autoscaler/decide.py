"""How many pods a revision wants.

Pure: `decide(spec, state, load, now) -> (Decision | None, State)` is Knative's algorithm, step by step
(reference/knative-serving.md §3.2), one small function a step. No load means no data: nothing is decided and nothing forgotten.
Bounds (min, max, initial scale) and scaling to zero are not here: see `autoscaler.zero`. Caller: autoscaler.loop.

Modes: *stable* follows the long window. *Panic* begins when the short window needs `panic_threshold` times the ready pods, lasts
until it has not needed them for one stable window, and never lets the number of pods fall.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final, Literal

from autoscaler.api.limits import UNLIMITED_BURST

DELAY_GRANULARITY_S: Final = 2

Mode = Literal["stable", "panic"]
Peaks = tuple[tuple[int, int], ...]
"""(bucket, pods), oldest first, pods strictly falling: the maxima that can still matter."""


@dataclass(frozen=True, slots=True)
class Spec:
    """What one revision asks for. `target`: load that one pod should carry; `total`: what it can carry."""

    target: float
    total: float
    up_rate: float
    down_rate: float
    panic_threshold: float
    stable_window_s: float
    activation: int = 1
    burst: float = 211.0
    reachable: bool = True
    down_delay_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Load:
    """What is measured: average demand over both windows, and pods that are ready."""

    stable: float
    panic: float
    ready: int


@dataclass(frozen=True, slots=True)
class State:
    """What one decision leaves for the next. `panic_at` is None in stable mode."""

    panic_at: float | None = None
    panic_peak: int = 0
    delay: Peaks = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """`want` pods. `spare` is the burst that ready pods can take beyond what is asked; below 0 the activator stays in the path.

    `why` is for people: sentences with the numbers that mattered, the deciding one first.
    """

    want: int
    spare: int
    mode: Mode
    why: tuple[str, ...]


def begin(ready: int, now: float) -> State:
    """The state of a revision that is met for the first time.

    With several pods running (we have restarted) it panics at once, so that they are kept until a stable window has been seen.
    """
    return State(panic_at=now, panic_peak=ready) if ready > 1 else State()


def decide(
    spec: Spec, state: State, load: Load | None, now: float
) -> tuple[Decision | None, State]:
    """The decision for this moment, None without data, and the state for the next call."""
    if load is None:
        return None, state
    stable, panic, wanted = _clamped(spec, load)
    stable, panic = _activation_floor(spec, load, stable, panic)
    state = _panic_transition(spec, state, load, now)
    held, state = _panic_hold(state, stable, panic)
    want, state = _down_delay(spec, state, held, now)
    why = _explain(spec, state, load, _Steps(wanted, stable, held, want), now)
    mode: Mode = "stable" if state.panic_at is None else "panic"
    return Decision(want, spare_burst(spec, load), mode, why), state


def _needed(load: float, target: float) -> int:
    return math.ceil(load / target)


def _clamped(spec: Spec, load: Load) -> tuple[int, int, int]:
    """Rate limits: pods by each window, and what the stable window asked for before them."""
    ready = max(1, load.ready)
    most = math.ceil(spec.up_rate * ready)
    least = math.floor(ready / spec.down_rate) if spec.reachable else 0
    stable = _needed(load.stable, spec.target)
    panic = _needed(load.panic, spec.target)
    return min(max(stable, least), most), min(max(panic, least), most), stable


def _activation_floor(spec: Spec, load: Load, stable: int, panic: int) -> tuple[int, int]:
    """Whoever leaves zero gets at least `activation` pods."""
    if spec.activation <= 1:
        return stable, panic
    if _needed(load.stable, spec.target) > 0:
        stable = max(stable, spec.activation)
    if _needed(load.panic, spec.target) > 0:
        panic = max(panic, spec.activation)
    return stable, panic


def _panic_transition(spec: Spec, state: State, load: Load, now: float) -> State:
    """Enter, extend or leave panic. What the short window needs counts before any rate limit."""
    over = _needed(load.panic, spec.target) / max(1, load.ready) >= spec.panic_threshold
    if over:
        return replace(state, panic_at=now)
    if state.panic_at is not None and state.panic_at + spec.stable_window_s < now:
        return replace(state, panic_at=None, panic_peak=0)
    return state


def _panic_hold(state: State, stable: int, panic: int) -> tuple[int, State]:
    """While panicking, the number of pods only rises."""
    if state.panic_at is None:
        return stable, state
    peak = max(stable, panic, state.panic_peak)
    return peak, replace(state, panic_peak=peak)


def _down_delay(spec: Spec, state: State, want: int, now: float) -> tuple[int, State]:
    """Fewer pods must have sufficed for `down_delay_s` before there are fewer."""
    if not spec.reachable or spec.down_delay_s <= 0:
        return want, replace(state, delay=()) if state.delay else state
    peaks = record_peak(state.delay, want, spec.down_delay_s, now)
    return peaks[0][1], replace(state, delay=peaks)


def record_peak(peaks: Peaks, value: int, length_s: float, now: float) -> Peaks:
    """Add `value` now; the first of the result is the maximum of the last `length_s` seconds."""
    bucket = math.floor(now / DELAY_GRANULARITY_S)
    oldest = bucket - math.ceil(length_s / DELAY_GRANULARITY_S) + 1
    kept = tuple(p for p in peaks if p[0] >= oldest and p[1] > value)
    return (*kept, (bucket, value))


def spare_burst(spec: Spec, load: Load) -> int:
    """Excess burst capacity: what the ready pods could take on top of the short window's load and the asked-for burst."""
    if spec.burst == 0:
        return 0
    if spec.burst < 0:
        return int(UNLIMITED_BURST)
    return math.floor(load.ready * spec.total - spec.burst - load.panic)


def initial_spare(spec: Spec, initial_scale: int) -> int:
    """The same before anything was measured."""
    if spec.burst in (0, UNLIMITED_BURST):
        return int(spec.burst)
    return math.floor(initial_scale * spec.total - spec.burst)


@dataclass(frozen=True, slots=True)
class _Steps:
    """How the number came about: asked for, after limits, after panic, after the delay."""

    asked: int
    limited: int
    held: int
    want: int


def _explain(spec: Spec, state: State, load: Load, steps: _Steps, now: float) -> tuple[str, ...]:
    pods = _pods(steps.want)
    measured = (
        f"{load.stable:.2f} at once over {spec.stable_window_s:g} s at {spec.target:g} a pod "
        f"needs {_pods(steps.asked)}"
    )
    reasons = [measured]
    if steps.limited > steps.asked:
        activated = steps.limited == spec.activation and steps.asked > 0
        floor = "activation-scale" if activated else "the rate of scaling down"
        reasons.insert(0, f"{floor} keeps {_pods(steps.limited)}")
    elif steps.limited < steps.asked:
        reasons.insert(0, f"the rate of scaling up allows {_pods(steps.limited)} now")
    if state.panic_at is not None:
        left = max(0.0, state.panic_at + spec.stable_window_s - now)
        reasons.insert(
            0,
            f"panic: {load.panic:.2f} at once in the short window, {load.ready} ready; "
            f"no fewer than {_pods(state.panic_peak)} for {left:.0f} s",
        )
    if steps.want > steps.held:
        reasons.insert(0, f"scale-down-delay {spec.down_delay_s:g} s keeps {pods}")
    return tuple(reasons)


def _pods(count: int) -> str:
    return f"{count} pod" if count == 1 else f"{count} pods"
