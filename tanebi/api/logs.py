"""How the API server gets at the output of containers, which somebody else keeps.

Callers: tanebi.apiserver (`/log` of a pod), tanebi.cli (`tanebi logs`). Implemented by tanebi.kubelet.logs.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from tanebi.api.selectors import Selector
from tanebi.base.errors import UserError


@dataclass(frozen=True, slots=True)
class LogOptions:
    """PodLogOptions. An empty `container` means the only one. None means without that bound."""

    container: str = ""
    follow: bool = False
    previous: bool = False
    timestamps: bool = False
    since: datetime | None = None
    tail_lines: int | None = None
    limit_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class LoggedPod:
    """A pod whose output is kept, whether it still exists or not. `inits` are those of `containers` that run first; `shown` are
    more, which are only shown (tanebi.kubelet.shown) and whose output others write."""

    namespace: str
    name: str
    uid: str
    labels: Mapping[str, str] = field(default_factory=dict)
    containers: tuple[str, ...] = ()
    inits: tuple[str, ...] = ()
    created: str = ""
    gone: bool = False
    shown: tuple[str, ...] = ()


class NoLogs(UserError):
    """There is no such output; the message is Kubernetes' own. Answered with 400, or 404 when the pod is unknown."""

    def __init__(self, message: str, *, pod_unknown: bool = False) -> None:
        super().__init__("no-logs", message)
        self.pod_unknown = pod_unknown


class LogSource(Protocol):
    async def open(self, namespace: str, pod: str, options: LogOptions) -> AsyncIterator[bytes]:
        """Chunks of whole lines; with `follow` until the container has ended. Raises NoLogs before the first chunk."""

    def pods(self, namespace: str | None, selector: Selector) -> Sequence[LoggedPod]:
        """Pods with kept output, oldest first. This is how the logs of a service scaled to zero are found."""
