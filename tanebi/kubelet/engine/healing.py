"""Containers that an engine began to remove and never finished with: it was killed in the middle of it.

Podman then fails, or waits, where it comes upon one: at lists, and when a container is to be made. What any platform made is
removed by force, with what is in its place; a container of somebody else is only named.
Callers: tanebi.kubelet.engine.places, at the first use of an engine and when a place cannot be made; tanebi.kubelet.engine.pods,
when a container cannot be started.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tanebi.api.meta import Obj
from tanebi.base.clock import Clock
from tanebi.base.log import get_logger
from tanebi.kubelet.engine.errors import EngineError
from tanebi.kubelet.engine.spec import PLATFORM_LABEL

if TYPE_CHECKING:
    from tanebi.kubelet.engine.client import EngineClient

AGAIN_S: Final = 2.0  # who is still there then is not being removed by anybody

_log = get_logger("engine")


async def heal(client: EngineClient, clock: Clock) -> int:
    """How many were removed. Raises EngineGone, EngineError."""
    seen = {str(one["Id"]) for one in await client.half_removed()}
    if not seen:
        return 0
    await clock.sleep(AGAIN_S)
    healed = 0
    for one in await client.half_removed():
        if one["Id"] not in seen:
            continue
        if PLATFORM_LABEL not in (one.get("Labels") or {}):
            _log.warning(
                "a container of somebody else is half removed, and may hold up the engine",
                container=name_of(one),
                remedy=f"podman rm --force --depend {one['Id'][:12]}",
            )
            continue
        try:
            await client.remove(str(one["Id"]))
            healed += 1
            _log.warning("removed what was half removed", container=name_of(one))
        except EngineError as error:
            _log.warning("still half removed", container=name_of(one), why=error.message)
    return healed


def name_of(container: Obj) -> str:
    names = container.get("Names") or [str(container["Id"])[:12]]
    return str(names[0]).removeprefix("/")
