"""The door for sources of events.

An importer is a class that the entry-point group `tanebi.importers` names. Import and constructor have no side effects;
then settings are parsed and validated (at admission), and `run` lives in a task of its own until it is cancelled. Cancelled
= clean stop. An importer that returns or raises is started again with back-off. The contract as tests:
`tanebi.testing.importer_contract`.

Built-in importers come through the same door: importers.ping. The manager that runs them is importers.manager.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Protocol

from importers.api.event import Event
from importers.api.source_types import Source, SourceSpec
from tanebi.api.kind import Kind
from tanebi.base.clock import Clock
from tanebi.base.errors import PeerError
from tanebi.base.rng import Rng
from tanebi.http.messages import Sender


class Undelivered(PeerError):
    """The sink refused the event, or did not take it in the time that retries are given."""


class Context(Protocol):
    """What an importer may use. There are no globals besides."""

    @property
    def clock(self) -> Clock: ...

    @property
    def rng(self) -> Rng: ...

    @property
    def log(self) -> Any:
        """A structured logger that already carries the source's namespace and name."""

    @property
    def http(self) -> Sender:
        """For the outside world that the importer imports from."""

    async def emit(self, event: Event) -> None:
        """Return when the sink has accepted the event; ceOverrides are applied on the way.

        A sink that is busy or away is retried with back-off, within bounds. Raises Undelivered after the last try or when
        the sink refuses, and UserError when the event breaks the CloudEvents specification.
        """

    async def load(self) -> Any:
        """The last saved checkpoint (JSON), or None. It survives crashes and restarts."""

    async def save(self, checkpoint: Any) -> None:
        """Return when `checkpoint` is on disk. Raises OSError when it cannot be written."""


class Importer(ABC):
    """One importer of one source object.

    `kind`: the resource that asks for this importer. `Settings`: its spec. `emits`: the event types it may send.
    """

    kind: ClassVar[Kind[Any]]
    Settings: ClassVar[type[SourceSpec]]
    emits: ClassVar[tuple[str, ...]]

    def __init__(self, source: Source) -> None:
        """Keep `source`; do nothing else."""
        self.source = source

    @classmethod
    @abstractmethod
    def attributes(cls, source: Source) -> list[tuple[str, str]]:
        """Type and source of the events that this object will send, for its status.ceAttributes."""

    @abstractmethod
    async def run(self, ctx: Context) -> None:
        """Emit until cancelled."""
