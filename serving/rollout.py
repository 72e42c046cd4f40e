"""Gradual rollout: how much of a share that follows the latest revision each of its revisions gets now. Pure.

Knative's arithmetic (knative/serving pkg/reconciler/route/traffic/rollout.go). A new revision begins with one percent, taken from
the newest that has any. How long that took to reach the gateway is the shortest step worth taking; from it follow the number of
steps and their size, so that the whole takes the asked duration. Each step takes from the second newest backwards. Shares are
percent of all traffic; times are nanoseconds since the epoch.

The state travels in the Ingress's annotation `networking.internal.knative.dev/rollout`, as Knative's JSON.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

NANO: Final = 10**9


@dataclass(frozen=True, slots=True)
class Share:
    revision: str
    percent: int


@dataclass(frozen=True, slots=True)
class Part:
    """One configuration's share of one host. `shares` are oldest first; more than one: it is rolling.

    `start_ns` is when the newest came; until the gateway has followed, `step_ns` is 0 and nothing moves.
    """

    configuration: str
    tag: str
    percent: int
    shares: tuple[Share, ...]
    start_ns: int = 0
    next_ns: int = 0
    step_ns: int = 0
    step_percent: int = 0

    @property
    def is_done(self) -> bool:
        return len(self.shares) < 2


Rollout = tuple[Part, ...]


def is_done(rollout: Rollout) -> bool:
    return all(part.is_done for part in rollout)


def observe_ready(rollout: Rollout, *, now_ns: int, duration_s: float) -> Rollout:
    """The gateway has what was wanted: a rollout that began now knows its steps."""
    return tuple(
        _with_steps(part, now_ns, duration_s)
        if part.step_ns == 0 and part.start_ns > 0 and not part.is_done
        else part
        for part in rollout
    )


def _with_steps(part: Part, now_ns: int, duration_s: float) -> Part:
    """steps = min(max(1, D / shortest), percent - 1) with D what is left of the duration after the shortest step."""
    shortest_s = max(1.0, math.ceil((now_ns - part.start_ns) / NANO))
    left_s = max(1.0, duration_s - shortest_s)
    steps = max(1.0, min(max(1.0, left_s / shortest_s), part.percent - 1.0))
    step_ns = int(left_s / steps * NANO)
    return replace(
        part,
        step_ns=step_ns,
        next_ns=now_ns + step_ns,
        step_percent=max(1, _round((part.percent - 1) / steps)),
    )


def _round(number: float) -> int:
    """Half away from zero, as Go's math.Round."""
    return math.floor(number + 0.5)


def step(wanted: Rollout, previous: Rollout, *, now_ns: int) -> Rollout:
    """Where the rollout is now. `wanted` has one revision in each part; what `previous` does not know begins whole."""
    known = {(part.tag, part.configuration): part for part in previous}
    found: list[Part] = []
    for part in wanted:
        before = known.get((part.tag, part.configuration))
        if before is None or part.percent <= 1:
            found.append(part)  # one percent is the least a new revision can have: nothing to roll
        else:
            found.append(_stepped(part, before, now_ns))
    return tuple(found)


def next_step_ns(rollout: Rollout) -> int | None:
    """When the next step is due."""
    return min((part.next_ns for part in rollout if part.next_ns), default=None)


def _stepped(wanted: Part, previous: Part, now_ns: int) -> Part:
    shares = _adjusted(previous.shares, wanted.percent - previous.percent)
    newest = wanted.shares[-1].revision
    if not shares:
        return wanted
    current = replace(previous, percent=wanted.percent, shares=shares)
    if shares[-1].revision != newest:
        return _begun(wanted, shares, newest, now_ns)
    if current.is_done:
        return wanted
    return _moved(current, now_ns)


def _adjusted(shares: Sequence[Share], difference: int) -> tuple[Share, ...]:
    """More goes to the newest, less is taken from the oldest."""
    if difference >= 0:
        return (
            (*shares[:-1], replace(shares[-1], percent=shares[-1].percent + difference))
            if shares
            else ()
        )
    return _taken(shares, -difference)


def _taken(shares: Sequence[Share], percent: int) -> tuple[Share, ...]:
    """`percent` less, from the first on; what has nothing left is gone."""
    left: list[Share] = []
    for share in shares:
        less = min(percent, share.percent)
        percent -= less
        if share.percent > less:
            left.append(replace(share, percent=share.percent - less))
    return tuple(left)


def _begun(wanted: Part, shares: Sequence[Share], newest: str, now_ns: int) -> Part:
    """One percent for the new one, from the newest that has any. A revision that comes back keeps nothing of before."""
    others = [share for share in shares if share.revision != newest]
    returned = sum(share.percent for share in shares if share.revision == newest)
    if not others:
        return wanted
    rest = _taken(others[::-1], 1 - returned)[::-1] if returned < 1 else tuple(others)
    return replace(wanted, shares=(*rest, Share(newest, max(1, returned))), start_ns=now_ns)


def _moved(part: Part, now_ns: int) -> Part:
    """One step if it is due; the last one ends the rollout."""
    if part.step_ns == 0 or now_ns < part.next_ns:
        return part
    newest = part.shares[-1]
    size = min(part.step_percent, part.percent - newest.percent)
    rest = _taken(part.shares[-2::-1], size)[::-1]
    grown = replace(newest, percent=newest.percent + size)
    if not rest:
        return Part(part.configuration, part.tag, part.percent, (grown,))
    return replace(part, shares=(*rest, grown), next_ns=now_ns + part.step_ns)


def without(rollout: Rollout, exists: Callable[[str], bool]) -> Rollout:
    """A revision that was deleted leaves what it had to the newest."""
    return tuple(_pruned(part, exists) for part in rollout)


def _pruned(part: Part, exists: Callable[[str], bool]) -> Part:
    kept = [share for share in part.shares[:-1] if exists(share.revision)]
    if len(kept) == len(part.shares[:-1]):
        return part
    newest = replace(part.shares[-1], percent=part.percent - sum(s.percent for s in kept))
    left = (*kept, newest)
    if len(left) == 1:
        return Part(part.configuration, part.tag, part.percent, left)
    return replace(part, shares=left)


def to_json(rollout: Iterable[Part]) -> str:
    """Knative's form. Fields that are zero are left out."""
    return json.dumps(
        {"configurations": [_to_obj(part) for part in rollout]}, separators=(",", ":")
    )


def from_json(text: str) -> Rollout | None:
    """None for what is no rollout state: it is then begun anew."""
    try:
        found = json.loads(text)
        return tuple(_from_obj(obj) for obj in found["configurations"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _to_obj(part: Part) -> dict[str, Any]:
    timing = {
        "starttime": part.start_ns,
        "nextStepTime": part.next_ns,
        "stepDuration": part.step_ns,
        "stepSize": part.step_percent,
    }
    return {
        "configurationName": part.configuration,
        **({"tag": part.tag} if part.tag else {}),
        "percent": part.percent,
        "revisions": [{"revisionName": s.revision, "percent": s.percent} for s in part.shares],
        "stepParams": {name: value for name, value in timing.items() if value},
    }


def _from_obj(obj: dict[str, Any]) -> Part:
    timing = obj.get("stepParams") or {}
    return Part(
        configuration=str(obj["configurationName"]),
        tag=str(obj.get("tag", "")),
        percent=int(obj["percent"]),
        shares=tuple(
            Share(str(one["revisionName"]), int(one["percent"])) for one in obj.get("revisions", ())
        ),
        start_ns=int(timing.get("starttime", 0)),
        next_ns=int(timing.get("nextStepTime", 0)),
        step_ns=int(timing.get("stepDuration", 0)),
        step_percent=int(timing.get("stepSize", 0)),
    )
