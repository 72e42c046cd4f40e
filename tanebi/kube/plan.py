"""What a reconciler is, and what it returns.

`desired(resource, seen, configs, now) -> Plan` is synchronous and free of I/O; `tanebi.kube.engine` reads the cache, calls it,
and makes the world look like the Plan. Level-triggered: the key is the only input, `seen` may be stale, and running `desired`
twice changes nothing. Times inside are UTC stamps, because conditions and ages are civil time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Literal, Protocol, TypeVar

from tanebi.api.kind import AnyKind, Configs, Kind
from tanebi.api.meta import Key, Obj, Resource
from tanebi.api.selectors import EVERYTHING, Selector

R = TypeVar("R", bound=Resource)


class Seen(Protocol):
    """The cached world. Typed views, never to be changed."""

    def get(self, kind: Kind[R], namespace: str, name: str) -> R | None: ...

    def list(
        self, kind: Kind[R], namespace: str | None, selector: Selector = EVERYTHING
    ) -> Sequence[R]:
        """Objects of one namespace, or of all for None, ordered by name."""

    def selecting(self, kind: Kind[R], namespace: str, labels: Mapping[str, str]) -> Sequence[R]:
        """Objects of one namespace whose `spec.selector` is a plain map and matches `labels`, ordered by name."""

    def raw(self, kind: AnyKind, namespace: str, name: str) -> Obj | None:
        """The object as JSON, for code that copies parts of it."""

    def owned(self, kind: AnyKind, uid: str) -> Sequence[Obj]:
        """Objects that name `uid` among their owners, as JSON, ordered by name."""


@dataclass(frozen=True, slots=True)
class Note:
    """A Kubernetes Event about the resource. Equal notes are counted, not repeated."""

    type: Literal["Normal", "Warning"]
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Patch:
    """A change of an object that is not a child: another owner's labels, or a `/scale`."""

    kind: AnyKind
    namespace: str
    name: str
    body: Any
    type: Literal["json", "merge"] = "merge"
    subresource: str = ""


@dataclass(frozen=True, slots=True)
class Drop:
    """An object to delete, for reconcilers that choose victims among equals instead of naming what stays."""

    kind: AnyKind
    namespace: str
    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What should be true. `children` are whole objects; owned objects of `owns` kinds that are not named here are deleted.

    `prune=False` keeps owned objects that the plan does not name; `drops` are deleted all the same.
    `status=None` leaves the status alone. `refused` is the status to write when the API refuses a child, from its words.
    """

    children: tuple[Obj, ...] = ()
    status: Obj | None = None
    events: tuple[Note, ...] = ()
    patches: tuple[Patch, ...] = ()
    requeue_after_s: float | None = None
    prune: bool = True
    drops: tuple[Drop, ...] = ()
    refused: Callable[[str], Obj] | None = None


@dataclass(frozen=True, slots=True)
class Reads:
    """A kind that `desired` looks at, and which of our keys a change of such an object concerns."""

    kind: AnyKind
    keys: Callable[[Obj, Seen], Iterable[Key]]


class Reconciler(Protocol, Generic[R]):
    """One kind's logic. `owns`: children carry our owner reference, and their changes enqueue the owner."""

    @property
    def kind(self) -> Kind[R]: ...

    @property
    def owns(self) -> tuple[AnyKind, ...]: ...

    @property
    def reads(self) -> tuple[Reads, ...]: ...

    def desired(self, resource: R, seen: Seen, configs: Configs, now: datetime) -> Plan:
        """Raises Wait or Invalid instead of returning when it cannot say."""


class Wait(Exception):
    """Not yet: run this key again after `retry_after_s` even if nothing changes."""

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Invalid(Exception):
    """Never, until the resource changes: do not retry (controller-runtime's TerminalError)."""
