"""Images as the engine has them: found, pulled, and known by digest.

`DEV_REGISTRIES` are names that no registry has: such an image is built here or it is missing, never looked up elsewhere
(Knative's registries-skipping-tag-resolving names the same). One pull of an image runs at a time, whoever asks.

Callers: tanebi.kubelet.engine.pods (starts), tanebi.up (facts for revisions).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import anyio
from anyio.abc import TaskGroup

from tanebi.api.meta import Obj
from tanebi.base.clock import Clock
from tanebi.base.log import get_logger
from tanebi.kubelet.engine.errors import EngineError, EngineGone
from tanebi.kubelet.images import Missing, full_tag, repository

if TYPE_CHECKING:
    from tanebi.kubelet.engine.client import EngineClient

DEV_REGISTRIES: Final = ("dev.local", "ko.local", "kind.local", "localhost", "tanebi.local")
PULL_S: Final = 15 * 60.0
MISSING_FRESH_S: Final = 5.0  # how long a miss is believed before it is looked up again
FACTS_MAX: Final = 10_000

_log = get_logger("images")


@dataclass(frozen=True, slots=True)
class EngineImage:
    """`reference` is by digest where the engine knows one; `id` names the image for a start."""

    id: str
    reference: str
    entrypoint: tuple[str, ...]
    command: tuple[str, ...]
    env: tuple[str, ...]
    user: str
    stop_signal: str


@dataclass(frozen=True, slots=True)
class _Fact:
    found: EngineImage | Missing
    at: float


def is_local_only(ref: str) -> bool:
    return ref.partition("/")[0] in DEV_REGISTRIES


class EngineImages:
    """Inert until `serve`. `connect` gives the client; it may start the engine."""

    def __init__(self, connect: Callable[[], Awaitable[EngineClient]], clock: Clock) -> None:
        self._connect = connect
        self._clock = clock
        self._facts: dict[str, _Fact] = {}
        self._asked: set[str] = set()
        self._pulls: dict[str, anyio.Event] = {}
        self._tasks: TaskGroup | None = None
        self._callbacks: list[Callable[[], None]] = []

    def serve(self, tasks: TaskGroup) -> None:
        """From now on questions are answered, by tasks of this group."""
        self._tasks = tasks

    def subscribe(self, callback: Callable[[], None]) -> None:
        """`callback` runs on the loop when a question of `lookup` has its answer."""
        self._callbacks.append(callback)

    def lookup(self, ref: str) -> EngineImage | Missing | None:
        """What is known now; None: it is being found out, and subscribers are told."""
        fact = self._facts.get(ref)
        stale = fact is None or (
            isinstance(fact.found, Missing) and self._clock.now() - fact.at > MISSING_FRESH_S
        )
        if stale and ref not in self._asked and self._tasks is not None:
            self._asked.add(ref)
            self._tasks.start_soon(self._answer, ref)
        return fact.found if fact is not None else None

    async def resolve(self, ref: str, *, policy: str = "") -> EngineImage | Missing:
        """The image for a start: as the engine has it, or pulled. `policy` is the container's imagePullPolicy."""
        client = await self._connect()
        if policy != "Always" or is_local_only(ref):
            found = await client.image(ref)
            if found is not None:
                return _image(ref, found)
        if is_local_only(ref):
            return Missing(
                f"no image {ref} in the engine or in this platform's store; build it: "
                f"tanebi image build DIR --tag {repository(ref)}"
            )
        if policy == "Never":
            return Missing(f'Container image "{ref}" is not present with pull policy of Never')
        failed = await self._pull(ref)
        found = await client.image(ref)
        return _image(ref, found) if found is not None else Missing(failed or f"no image {ref}")

    async def _answer(self, ref: str) -> None:
        found: EngineImage | Missing
        try:
            found = await self.resolve(ref)
        except (EngineError, EngineGone) as error:
            found = Missing(f"{ref}: {error.message}")
        self._asked.discard(ref)
        changed = ref not in self._facts or self._facts[ref].found != found
        if len(self._facts) >= FACTS_MAX:
            self._facts.clear()  # they are found again in a moment
        self._facts[ref] = _Fact(found, self._clock.now())
        if changed:
            for callback in self._callbacks:
                callback()

    async def _pull(self, ref: str) -> str:
        """Why it failed, or nothing."""
        under_way = self._pulls.get(ref)
        if under_way is not None:
            await under_way.wait()
            return ""
        self._pulls[ref] = done = anyio.Event()
        try:
            _log.info("pulling", image=ref)
            with anyio.move_on_after(PULL_S):
                return await self._pull_now(ref)
            return f'Failed to pull image "{ref}": not within {PULL_S:g} s'
        finally:
            del self._pulls[ref]
            done.set()

    async def _pull_now(self, ref: str) -> str:
        name = ref if "@" in ref else full_tag(ref)
        try:
            async with (await self._connect()).pull(name) as lines:
                async for line in lines:
                    if "error" in line:
                        return f'Failed to pull image "{ref}": {line["error"]}'
        except EngineError as error:
            return f'Failed to pull image "{ref}": {error.message}'
        _log.info("pulled", image=ref)
        return ""


def _image(ref: str, found: Obj) -> EngineImage:
    config = found.get("Config") or {}
    wanted = repository(ref)
    digests = [d for d in found.get("RepoDigests") or () if repository(d) == wanted]
    return EngineImage(
        id=str(found["Id"]),
        reference=ref if "@" in ref else digests[0] if digests else ref,
        entrypoint=tuple(config.get("Entrypoint") or ()),
        command=tuple(config.get("Cmd") or ()),
        env=tuple(config.get("Env") or ()),
        user=str(config.get("User") or ""),
        stop_signal=str(config.get("StopSignal") or "SIGTERM"),
    )
