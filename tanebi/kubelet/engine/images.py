"""Images as the engine has them: found, pulled, and known by digest.

`DEV_REGISTRIES` are names that no registry has: such an image is built here or it is missing, never looked up elsewhere
(Knative's registries-skipping-tag-resolving names the same). One pull of an image runs at a time, whoever asks.

Callers: tanebi.kubelet.engine.pods (starts), tanebi.up (facts for revisions).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import anyio
from anyio.abc import TaskGroup

from tanebi.api.meta import Obj
from tanebi.base.clock import Clock
from tanebi.kubelet.engine import pulling
from tanebi.kubelet.engine.errors import EngineError, EngineGone
from tanebi.kubelet.images import DEFAULT_TAG, Missing, full_tag, repository
from tanebi.kubelet.podruntime import Say, silent
from tanebi.kubelet.pods import INVALID_IMAGE, NEVER_PULL

if TYPE_CHECKING:
    from tanebi.kubelet.engine.client import EngineClient

DEV_REGISTRIES: Final = ("dev.local", "ko.local", "kind.local", "localhost", "tanebi.local")
PULL_S: Final = 15 * 60.0
MISSING_FRESH_S: Final = 5.0  # how long a miss is believed before it is looked up again
TAG_FRESH_S: Final = 2.0  # how long what a tag means is believed
FACTS_MAX: Final = 10_000


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


@dataclass(slots=True)
class _Pull:
    """One that runs, for all who wait for it. `failed`: why, once it is over."""

    done: anyio.Event = field(default_factory=anyio.Event)
    failed: str = ""
    took_s: float = 0.0


async def pinned(client: EngineClient, ref: str) -> EngineImage | Missing:
    """The image as the engine has it now, without asking a registry."""
    found = await client.image(ref)
    return _image(ref, found) if found is not None else Missing(f"no image {ref}")


def is_local_only(ref: str) -> bool:
    return ref.partition("/")[0] in DEV_REGISTRIES


def moves(ref: str) -> bool:
    """A tag that a registry means to change: it is asked what it means now, where nobody says otherwise."""
    return "@" not in ref and full_tag(ref).endswith(f":{DEFAULT_TAG}") and not is_local_only(ref)


def _asked(ref: str, auth: str, policy: str = "") -> str:
    """What a question is known by: the answer to one login is not the answer to another. No reference has a space."""
    return f"{ref} {policy} {auth}" if auth or policy else ref


class EngineImages:
    """Inert until `serve`. `connect` gives the client; it may start the engine."""

    def __init__(self, connect: Callable[[], Awaitable[EngineClient]], clock: Clock) -> None:
        self._connect = connect
        self._clock = clock
        self._facts: dict[str, _Fact] = {}
        self._asked: set[str] = set()
        self._pulls: dict[str, _Pull] = {}
        self._tasks: TaskGroup | None = None
        self._callbacks: list[Callable[[], None]] = []
        self.has_found = False  # somebody asked for an image that the engine has

    def serve(self, tasks: TaskGroup) -> None:
        """From now on questions are answered, by tasks of this group."""
        self._tasks = tasks

    def subscribe(self, callback: Callable[[], None]) -> None:
        """`callback` runs on the loop when a question of `lookup` has its answer."""
        self._callbacks.append(callback)

    def lookup(self, ref: str, auth: str = "", policy: str = "") -> EngineImage | Missing | None:
        """What is known now to who pulls with `auth`; None: it is being found out, and subscribers are told."""
        asked = _asked(ref, auth, policy)
        fact = self._facts.get(asked)
        if fact is not None and not isinstance(fact.found, Missing) and self._is_old(ref, fact):
            fact = None  # the tag may have been built anew
        stale = fact is None or self._is_old(ref, fact)
        if stale and asked not in self._asked and self._tasks is not None:
            self._asked.add(asked)
            self._tasks.start_soon(self._answer, ref, auth, policy)
        return fact.found if fact is not None else None

    def forget(self, ref: str) -> None:
        """The engine does not have it any more."""
        for asked in [known for known in self._facts if known.partition(" ")[0] == ref]:
            del self._facts[asked]

    def _learn(self, ref: str, image: EngineImage) -> EngineImage:
        if "@" in ref and len(self._facts) < FACTS_MAX:
            self._facts[ref] = _Fact(image, self._clock.now())
        return image

    def _is_old(self, ref: str, fact: _Fact) -> bool:
        """Whether it must be found out again: a digest never changes its meaning."""
        if isinstance(fact.found, Missing):
            return self._clock.now() - fact.at > MISSING_FRESH_S
        return "@" not in ref and self._clock.now() - fact.at > TAG_FRESH_S

    async def resolve(
        self, ref: str, *, policy: str = "", auth: str = "", say: Say = silent
    ) -> EngineImage | Missing:
        """The image for a start: as the engine has it, or pulled. `policy` is the container's imagePullPolicy, `auth` what the
        registry is told (tanebi.kubelet.engine.registryauth)."""
        if repository(ref) != repository(ref).lower():
            return Missing(
                f'couldn\'t parse image name "{ref}": invalid reference format: repository name must be lowercase',
                INVALID_IMAGE,
            )
        known = self._facts.get(ref)
        if "@" in ref and known is not None and isinstance(known.found, EngineImage):
            say(pulling.present(ref))
            return known.found  # what a digest means does not change
        client = await self._connect()
        if policy != "Always" or is_local_only(ref):
            found = await client.image(ref) or await _by_id(client, ref)
            if found is not None:
                say(pulling.present(ref))
                return self._learn(ref, _image(ref, found))
        if policy == "Never":
            return Missing(pulling.never(ref), NEVER_PULL)
        if is_local_only(ref):
            return Missing(
                f"no image {ref} in the engine or in this platform's store; build it: "
                f"tanebi image build DIR --tag {repository(ref)}"
            )
        return await self._pull(client, ref, auth, say)

    async def _newest(self, ref: str, auth: str, policy: str) -> EngineImage | Missing:
        """What a new revision is pinned to. A registry that does not answer keeps nobody from running what is here."""
        if policy or not moves(ref):
            return await self.resolve(ref, auth=auth, policy=policy)
        found = await self.resolve(ref, auth=auth, policy="Always")
        if isinstance(found, EngineImage):
            return found
        here = await pinned(await self._connect(), ref)
        return found if isinstance(here, Missing) else here

    async def _answer(self, ref: str, auth: str, policy: str) -> None:
        found: EngineImage | Missing
        asked = _asked(ref, auth, policy)
        before = self._facts.get(asked)  # what is resolved may be learned on the way
        try:
            found = await self._newest(ref, auth, policy)
        except (EngineError, EngineGone) as error:
            found = Missing(f"{ref}: {error.message}")
        self._asked.discard(asked)
        self.has_found = self.has_found or isinstance(found, EngineImage)
        changed = before is None or before.found != found or self._is_old(ref, before)
        if len(self._facts) >= FACTS_MAX:
            self._facts.clear()  # they are found again in a moment
        self._facts[asked] = _Fact(found, self._clock.now())
        if changed:
            for callback in self._callbacks:
                callback()

    async def _pull(
        self, client: EngineClient, ref: str, auth: str, say: Say
    ) -> EngineImage | Missing:
        """One for all who ask for the image with the same login."""
        say(pulling.begun(ref))
        began = self._clock.now()
        asked = _asked(ref, auth)
        pull = self._pulls.get(asked)
        if pull is not None:
            await pull.done.wait()
        else:
            self._pulls[asked] = pull = _Pull(failed=f'the pull of "{ref}" was given up')
            try:
                pull.failed = await self._pull_now(client, ref, auth)
                pull.took_s = self._clock.now() - began
            finally:
                del self._pulls[asked]
                pull.done.set()
        found = None if pull.failed else await client.image(ref)
        if found is None:
            return Missing(pulling.advised(pull.failed) or f"no image {ref}")
        waited_s, size = self._clock.now() - began, int(found.get("Size") or 0)
        took_s = min(pull.took_s, waited_s)
        say(pulling.pulled(ref, took_s=took_s, waited_s=waited_s, size_bytes=size))
        return _image(ref, found)

    async def _pull_now(self, client: EngineClient, ref: str, auth: str) -> str:
        """Why it failed, or nothing."""
        with anyio.move_on_after(PULL_S):
            try:
                return await pull(client, ref, auth)
            except EngineError as error:
                return error.message
        return f"not within {PULL_S:g} s"


async def pull(
    client: EngineClient, ref: str, auth: str, *, progress: Callable[[Obj], None] | None = None
) -> str:
    """Why it failed, or nothing. `progress` is given each message of the engine. Raises EngineError, EngineGone."""
    async with client.pull(ref if "@" in ref else full_tag(ref), auth) as lines:
        async for line in lines:
            if "error" in line:
                return str(line["error"])
            if progress is not None:
                progress(line)
    return ""


async def _by_id(client: EngineClient, ref: str) -> Obj | None:
    """An image that was built here has no digest of a registry: then it is pinned by its id."""
    _, pinned, digest = ref.partition("@")
    return await client.image(digest) if pinned else None


def _id(found: Obj) -> str:
    bare = str(found["Id"]).removeprefix("sha256:")
    return f"sha256:{bare}"


def _image(ref: str, found: Obj) -> EngineImage:
    config = found.get("Config") or {}
    wanted = repository(ref)
    digests = [d for d in found.get("RepoDigests") or () if repository(d) == wanted]
    return EngineImage(
        id=str(found["Id"]),
        reference=ref if "@" in ref else digests[0] if digests else f"{wanted}@{_id(found)}",
        entrypoint=tuple(config.get("Entrypoint") or ()),
        command=tuple(config.get("Cmd") or ()),
        env=tuple(config.get("Env") or ()),
        user=str(config.get("User") or ""),
        stop_signal=str(config.get("StopSignal") or "SIGTERM"),
    )
