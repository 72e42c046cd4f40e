"""What runs pods here, by `--runtime`: processes of this machine, a container engine, or each pod by its images."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence
from typing import Final

from serving.api.images import Missing, Resolved
from tanebi.api.core.plain import Secret
from tanebi.base.clock import Clock
from tanebi.base.errors import UserError
from tanebi.base.settings import DataDir, environment
from tanebi.base.stages import Stages
from tanebi.kube.cache import Cache
from tanebi.kube.client import Kube
from tanebi.kubelet.choice import ByImage
from tanebi.kubelet.engine import connect
from tanebi.kubelet.engine.images import EngineImage, EngineImages
from tanebi.kubelet.engine.registryauth import login_for
from tanebi.kubelet.engine.role import EngineRole, build
from tanebi.kubelet.images import Image, ImageStore
from tanebi.kubelet.images import Missing as NoImage
from tanebi.kubelet.logs import LogStore
from tanebi.kubelet.podnet import NetworkUnavailable, PodNetwork
from tanebi.kubelet.podruntime import PodRuntime
from tanebi.kubelet.process import ProcessRuntime
from tanebi.kubelet.processpods import ProcessPods
from tanebi.kubelet.tokens import PodTokens
from tanebi.up.handover import begin_anew
from tanebi.up.network import BROKER_HOST, NetworkPart
from tanebi.up.options import UpOptions

LOCAL_HOST: Final = "localhost"


class PodPart:
    """The pod runtimes of one platform. Nothing starts before `start`; without an engine there are only processes."""

    def __init__(
        self, options: UpOptions, data: DataDir, clock: Clock, *, images: ImageStore, logs: LogStore
    ) -> None:
        self._runtime = options.runtime
        self._data = data
        self._clock = clock
        self._images = images
        self._logs = logs
        self._found = engine_for(options.runtime)
        self._engine: EngineRole | None = None
        self.tokens: PodTokens | None = None  # once started
        wanted, host = options.pod_network, options.host
        self._network = NetworkPart(wanted, data, clock, host=host, lost=begin_anew)
        self._enclosed: NetworkPart | None = None
        if self._found is not None and wanted != "shared":
            through = connect.into_namespace(self._found, environment())
            if through:
                self._enclosed = NetworkPart(
                    wanted,
                    data,
                    clock,
                    host=host,
                    lost=begin_anew,
                    folder=data.engine_network,
                    through=through,
                )

    @property
    def words(self) -> str:
        """What was chosen, for a person."""
        if self._runtime == "engine" and self._found is not None:
            network = f"; {self._enclosed.words}" if self._enclosed is not None else ""
            return f"runtime engine: {self._found.words}{network}"
        engine = f" for directory images, else engine: {self._found.words}" if self._found else ""
        return f"runtime process{engine}; {self._network.words}"

    def way_to_gateway(self, port: int) -> tuple[str, int]:
        """Where pods reach the gateway, which listens at `port`."""
        part = self._enclosed if self._runtime == "engine" and self._enclosed else self._network
        return part.gateway or (str(self._network.target), port)

    @property
    def engine_images(self) -> EngineImages | None:
        """The engine's images, once started."""
        return self._engine.images if self._engine is not None else None

    @property
    def node_address(self) -> str:
        """The machine's own address as pods see it, once started."""
        return self._network.node_address

    async def start(
        self,
        stages: Stages,
        kube: Kube,
        cache: Cache,
        gateway_port: Callable[[], int],
        *,
        api_port: int,
    ) -> PodRuntime:
        """What runs pods. The engine's part and the network run as long as the pods do."""
        tokens = self.tokens = PodTokens(kube, self._clock)
        network = await self._start_networks(stages, cache, gateway_port, api_port)

        def here(url: str) -> str:
            return local_url(url, gateway_port())

        processes = ProcessPods(
            cache,
            images=self._images,
            runtime=ProcessRuntime(self._data.pods, clock=self._clock),
            logs=self._logs,
            folder=self._data.pods,
            path=environment().get("PATH", os.defpath),
            local_url=here,
            network=network,
            tokens=tokens,
        )
        if self._found is None:
            return processes
        self._engine = build(
            self._found,
            cache,
            folder=self._data.pods,
            logs=self._logs,
            environ=environment(),
            clock=self._clock,
            local_url=here,
            network=network if self._enclosed is None else None,
            enclosed=self._enclosed.on_demand if self._enclosed is not None else None,
            tokens=tokens,
        )
        await stages.start(self._engine.pods.run)
        if self._runtime == "engine":
            return self._engine.pods
        return ByImage(
            processes,
            self._engine.pods,
            is_directory=lambda ref: isinstance(self._images.resolve(ref), Image),
        )

    async def _start_networks(
        self, stages: Stages, cache: Cache, gateway_port: Callable[[], int], api_port: int
    ) -> PodNetwork | None:
        """The network of pods that are processes. That of an engine is made when there is a pod for it, unless all are."""
        enclosed = self._enclosed
        if enclosed is not None:
            await enclosed.start_later(stages, cache, gateway_port=gateway_port, api_port=api_port)
            if self._runtime == "engine":
                with contextlib.suppress(NetworkUnavailable):  # pods say so, and the start line
                    await enclosed.on_demand()
                return None
        return await self._network.start(
            stages, cache, gateway_port=gateway_port, api_port=api_port
        )


class KnownImages:
    """Implements serving.api.images.ImageFacts: the platform's image store first, then the engine, if there is one."""

    def __init__(self, store: ImageStore, engine: EngineImages | None) -> None:
        self._store = store
        self._engine = engine

    def lookup(
        self, image: str, secrets: Sequence[Secret] = (), policy: str = ""
    ) -> Resolved | Missing | None:
        stored = self._store.resolve(image)
        found: Image | EngineImage | NoImage | None = stored
        if self._engine is not None and isinstance(stored, NoImage):
            login = login_for(image, secrets)
            found = self._engine.lookup(image, login.header() if login else "", policy)
        if found is None:
            return None
        return Missing(found.message) if isinstance(found, NoImage) else Resolved(found.reference)


def engine_for(runtime: str) -> connect.Found | None:
    """The engine to use, if any. Raises UserError when one is demanded and there is none."""
    found = None if runtime == "process" else connect.find(environment())
    if found is None and runtime == "engine":
        raise UserError(
            "engine-missing",
            "no container engine on this machine",
            hint="install podman, or start Docker and set DOCKER_HOST if its socket is not in the usual place",
        )
    return found


def local_url(url: str, port: int) -> str:
    """A broker's cluster-local address in the form that works from any process of this machine; other values as they are."""
    prefix = f"http://{BROKER_HOST}/"
    return (
        f"http://{LOCAL_HOST}:{port}/{url.removeprefix(prefix)}" if url.startswith(prefix) else url
    )
