"""What the data plane tells of a cold start that is over."""

from __future__ import annotations

from dataclasses import dataclass

from tanebi.api.meta import Key


@dataclass(frozen=True, slots=True)
class Wake:
    """A request found no pod and got its answer. Moments are monotonic seconds, which the processes of one machine share.

    `route_s`: finding the revision. `probe_s`: the question that the new pod answered; 0 when it was not asked.
    """

    revision: Key
    asked_at: float
    route_s: float
    granted_at: float
    probe_s: float
    answered_at: float
