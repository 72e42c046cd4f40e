"""The parts of the engine runtime put together. Caller: tanebi.up, for `--runtime auto` and `engine`."""

from __future__ import annotations

import hashlib
import os
import platform
import resource
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tanebi.base.clock import Clock
from tanebi.kube.cache import Cache
from tanebi.kubelet.engine.connect import EngineDoor, Found
from tanebi.kubelet.engine.images import EngineImages
from tanebi.kubelet.engine.places import Enclosed
from tanebi.kubelet.engine.pods import EnginePods
from tanebi.kubelet.engine.spec import OPEN_FILES, PROCESSES, Limits
from tanebi.kubelet.engine.volumes import Volumes
from tanebi.kubelet.environment import Sources
from tanebi.kubelet.logs import LogStore
from tanebi.kubelet.podnet import PodNetwork
from tanebi.kubelet.ports import POD_IP
from tanebi.kubelet.sources import of_cache
from tanebi.kubelet.tokens import PodTokens


@dataclass(frozen=True, slots=True)
class EngineRole:
    pods: EnginePods
    images: EngineImages


def build(
    found: Found,
    cache: Cache,
    *,
    folder: Path,
    logs: LogStore,
    environ: Mapping[str, str],
    clock: Clock,
    local_url: Callable[[str], str],
    network: PodNetwork | None = None,
    enclosed: Enclosed | None = None,
    tokens: PodTokens | None = None,
) -> EngineRole:
    """`folder` is the data directory's `pods`; `local_url` tells how a URL looks where no `network` gives pods names."""
    home = folder.parent / "engine"
    door = EngineDoor(found, folder=home, environ=environ, clock=clock)
    images = EngineImages(door.client, clock)

    known = of_cache(cache, local_url, host=network.node_address if network else POD_IP)

    def sources(address: str) -> Sources:
        named = (network is not None or enclosed is not None) and address != POD_IP
        return replace(known, address=address, local_url=str if named else local_url)

    pods = EnginePods(
        door,
        images,
        sources=sources,
        volumes=Volumes(folder),
        logs=logs,
        clock=clock,
        platform=platform_name(folder),
        folder=folder,
        limits=limits(),
        machine=platform.machine(),
        network=network,
        enclosed=enclosed,
        tokens=tokens,
    )
    return EngineRole(pods, images)


def platform_name(folder: Path) -> str:
    """What tells platforms apart that share an engine: their folder, and nothing that a reader could take for a path."""
    return hashlib.sha256(os.fsencode(folder.absolute())).hexdigest()[:16]


def limits() -> Limits:
    """No more than this process may have: an engine that runs as its child cannot give more."""
    return Limits(
        open_files=_at_most(OPEN_FILES, resource.RLIMIT_NOFILE),
        processes=_at_most(PROCESSES, resource.RLIMIT_NPROC),
    )


def _at_most(wanted: int, limit: int) -> int:
    hard = resource.getrlimit(limit)[1]
    return wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
