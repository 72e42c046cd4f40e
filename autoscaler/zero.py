"""When the last pod goes, and which bounds hold.

Pure. `decide()` says how many pods the load wants; this machine says how many there shall be, and when to look again.
Theory of operation (reference/knative-serving.md §3.3). A revision is in one of three phases, which is what its condition Active
says, and a want of zero meets a different clock in each:

    activating   pods were asked for and are not there yet. A want of zero waits: whoever asked may still wait, too. After the
                 progress deadline and 30 s it is given up.
    active       a want of zero must have had a whole stable window of activity before it, otherwise one pod is kept for the
                 rest of it. Then the revision becomes inactive, but its pod stays for now.
    inactive     the pod stays until the activator has been in the path for the grace period, and at least for the pod
                 retention period. Then the number of pods becomes zero.

Knative also probes the public Service here, to be sure that requests reach the activator and not a pod that is about to go.
In this house the gateway is the activator: no request has another way, so there is nothing to probe.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from autoscaler.api.limits import SCALE_UNKNOWN
from autoscaler.api.podautoscaler_types import Phase
from autoscaler.target import Bounds

ACTIVATION_BUFFER_S: Final = 30.0
AGAIN_S: Final = 3.0

Verdict = Literal["hold", "give-up", "keep-one", "deactivate", "stay", "remove"]
Mark = Literal["active", "activating", "inactive", "timed-out"]


@dataclass(frozen=True, slots=True)
class Timing:
    """Clocks of one revision, in seconds. `proxied_s`: how long the activator has been in the path."""

    phase_age_s: float
    proxied_s: float
    stable_window_s: float
    progress_deadline_s: float
    grace_s: float
    retention_s: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """`scale` is what the status shows; `apply` says whether the target is set to it. `again_s`: look again then."""

    scale: int
    apply: bool
    again_s: float | None = None
    why: str = ""


# (phase, has its clock run out) -> what a want of zero becomes
TRANSITIONS: Final[Mapping[tuple[Phase, bool], Verdict]] = {
    ("activating", False): "hold",
    ("activating", True): "give-up",
    ("active", False): "keep-one",
    ("active", True): "deactivate",
    ("inactive", False): "stay",
    ("inactive", True): "remove",
}


def remaining_s(phase: Phase, timing: Timing) -> float:
    """Seconds until a want of zero may go one phase further; 0 or less: now."""
    match phase:
        case "activating":
            # The buffer lets the revision say why its pods did not come before they are taken away.
            return timing.progress_deadline_s + ACTIVATION_BUFFER_S - timing.phase_age_s
        case "active":
            return timing.stable_window_s - timing.phase_age_s
        case "inactive":
            return _last_pod_s(timing)


def _last_pod_s(timing: Timing) -> float:
    if timing.phase_age_s >= max(timing.grace_s, timing.retention_s):
        return 0.0
    kept = timing.retention_s - timing.phase_age_s
    return kept if kept > 0 else timing.grace_s - timing.proxied_s


def settle(
    want: int, bounds: Bounds, phase: Phase, timing: Timing, *, zero_allowed: bool
) -> Outcome:
    """How many pods there shall be. `want` SCALE_UNKNOWN: nothing was decided yet, keep what is there."""
    if want < 0 and phase != "activating":
        return Outcome(SCALE_UNKNOWN, apply=False)
    scale = bounds.clamp(want)
    if scale > 0:
        return Outcome(scale, apply=True, why=_bound_why(want, scale))
    if not zero_allowed:
        return Outcome(1, apply=True, why="enable-scale-to-zero is false: keeps 1 pod")
    left = remaining_s(phase, timing)
    return _outcome(TRANSITIONS[phase, left <= 0], left, timing)


def _outcome(verdict: Verdict, left: float, timing: Timing) -> Outcome:
    match verdict:
        case "hold":
            return Outcome(SCALE_UNKNOWN, apply=False, again_s=left)
        case "give-up":
            return Outcome(0, apply=True, why="no pod became ready within the progress deadline")
        case "keep-one":
            return Outcome(
                1, True, left, f"keeps 1 pod until it was active for {timing.stable_window_s:g} s"
            )
        case "deactivate":
            return Outcome(0, False, AGAIN_S, _silent(timing))
        case "stay":
            return Outcome(0, False, left, _silent(timing))
        case "remove":
            return Outcome(0, apply=True, why=_silent(timing))


def _silent(timing: Timing) -> str:
    return f"no requests for {timing.stable_window_s:g} s"


def _bound_why(want: int, scale: int) -> str:
    if want < 0 or want == scale:
        return ""
    return f"{'min-scale or initial-scale' if scale > want else 'max-scale'} makes it {scale}"


def pods_to_be_active(bounds: Bounds, *, initialized: bool) -> int:
    """Ready pods from which on a revision counts as active. 0: it may start with none."""
    return max(bounds.least, 1) if initialized else max(bounds.least, bounds.initial)


def active_mark(want: int, ready: int, needed: int, phase: Phase) -> Mark | None:
    """How the condition Active is to read; None leaves it as it is."""
    if want == 0 or needed == 0:
        timed_out = phase == "activating" and needed > 0
        return "timed-out" if timed_out else "inactive"
    if want <= 0 and phase == "inactive":
        return None
    return "active" if ready >= needed else "activating"
