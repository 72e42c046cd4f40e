"""All parts of one platform, from the ground up. What a part is given here is all it knows of the others.

Caller: tanebi.up.run.
"""

from __future__ import annotations

import json
import os
from functools import partial
from pathlib import Path

import tanebi
from activator.role import Activator
from autoscaler.api import POD_AUTOSCALER
from autoscaler.loop import Autoscaler
from eventing.broker import BrokerService
from eventing.sqlitelog import SqliteEventLog
from importers.checkpoint import Checkpoints
from importers.context import Tools
from importers.manager import ImporterManager
from importers.registry import kinds_of, load
from serving.api.names import LABEL_REVISION
from tanebi.api.core.pod import Pod
from tanebi.api.kind import Kinds
from tanebi.api.meta import Key
from tanebi.api.validators import build
from tanebi.base.clock import Clock
from tanebi.base.rng import Rng
from tanebi.base.settings import DataDir, environment
from tanebi.base.stages import Stages
from tanebi.kube.cache import Cache
from tanebi.kube.client import Kube
from tanebi.kube.configs import LiveConfigs
from tanebi.kube.engine import Engine
from tanebi.kubelet.drain import Drain
from tanebi.kubelet.images import ImageStore, ImageWatch
from tanebi.kubelet.kubelet import Kubelet
from tanebi.kubelet.logs import LogStore
from tanebi.kubelet.node import NodeKeeper
from tanebi.kubelet.podruntime import PodRuntime
from tanebi.kubelet.podstreams import KubeletStreams
from tanebi.kubelet.requestlines import RequestLines
from tanebi.kubelet.volumefolders import VolumeFolders
from tanebi.up.announcing import Announcer
from tanebi.up.api import ApiPart
from tanebi.up.children import Children
from tanebi.up.controllers import NODE, add_controllers, revision_reconciler
from tanebi.up.handover import Handover
from tanebi.up.issuing import OwnIssuer
from tanebi.up.kinds import CONFIGS, KINDS, OF_A_WAKE
from tanebi.up.network import BROKER_HOST
from tanebi.up.options import UpOptions
from tanebi.up.plane import PlanePart
from tanebi.up.pods import LOCAL_HOST, PodPart
from tanebi.up.requestlogging import apply_request_log
from tanebi.up.stale import forget_endpoints
from tanebi.up.system import publish


class Platform:
    """All parts of one platform in this process. Inert until `start`."""

    def __init__(
        self,
        options: UpOptions,
        data: DataDir,
        clock: Clock,
        rng: Rng,
        handover: Handover | None = None,
    ) -> None:
        """`handover`: what the run left that this one succeeds in the same process."""
        self._handover = handover
        self.options = options
        self.data = data
        self.clock = clock
        self.rng = rng
        self.gateway_url = ""
        self.plane: PlanePart | None = None
        self._children: Children | None = None
        self._node_pods: Kubelet | None = None
        self.installed = load(environment().get("TANEBI_IMPORTERS"))
        extra = [kind for kind in kinds_of(self.installed) if kind not in KINDS]
        self.kinds = Kinds((*KINDS, *extra))
        self.logs = LogStore(data.logs, clock=clock)
        self.images = ImageStore(data.images, clock=clock)
        self.image_watch = ImageWatch(self.images, clock)
        self.streams = KubeletStreams()
        self.api = ApiPart(
            options,
            data,
            clock,
            rng,
            kinds=self.kinds,
            logs=self.logs,
            streams=self.streams,
            handover=handover,
        )
        self.pods = PodPart(options, data, clock, images=self.images, logs=self.logs)

    @property
    def kubeconfig(self) -> Path:
        return self.data.kubeconfig

    @property
    def pods_at_work(self) -> int:
        return self._node_pods.pods if self._node_pods is not None else 0

    async def hand_over(self) -> Handover:
        """Finish what is under way, and keep what the next run in this process needs. Stop after it."""
        assert self.plane is not None, "not started"
        backends = self.plane.activator.gateway.router.backends()
        addresses = {address for backend in backends for address in backend.pods}
        kept = await self.plane.hand_over(addresses)
        return Handover({**kept.sockets, "api": [self.api.sock]}, kept.children)

    def kill(self) -> None:
        """End the processes that serve requests, at once."""
        if self._children is not None and self._children.supervisor is not None:
            self._children.supervisor.kill()

    def endpoints(self) -> bytes:
        """The content of endpoints.json."""
        found = {
            "gateway": self.gateway_url,
            "gatewayTls": (self.plane.tls_url or "") if self.plane is not None else "",
            "api": self.api.url,
            "pid": os.getpid(),
            "activators": self.plane.described() if self.plane is not None else [],
        }
        return f"{json.dumps(found)}\n".encode()

    async def start(self, stages: Stages, say: Announcer) -> None:
        """Bring up every part, ground floor first; `stages` takes them down in the reverse order."""
        children = await self._start_children(stages)
        build((*(kind.model for kind in self.kinds), *OF_A_WAKE))
        kube = await self.api.start(stages)
        say.part("kubernetes api", self.api.url)
        cache = Cache(kube, self.clock)
        for kind in self.kinds:
            cache.watch(kind)
        configs = LiveConfigs(cache, CONFIGS)
        engine = Engine(kube, cache, configs, self.clock, self.rng)
        scaler = Autoscaler(
            cache, configs, clock=self.clock, on_change=partial(engine.enqueue, POD_AUTOSCALER)
        )
        plane_part = self._plane(cache, configs, scaler, children)
        stages.at_end(plane_part.close)
        plane = plane_part.activator
        await stages.start(cache.run)
        await cache.wait_synced(*self.kinds)
        await forget_endpoints(kube, cache)
        await plane_part.start_others(stages)
        broker = self._broker(cache, plane)
        await stages.start(self.image_watch.run)
        await stages.start(self.logs.run)
        await stages.start(VolumeFolders(cache, self.data.volumes).run)
        pods = await self.pods.start(
            stages, kube, cache, lambda: plane_part.port, api_port=self.api.port
        )
        await stages.start(self._node(kube).run)
        await stages.start(self._kubelet(kube, cache, engine, plane_part.drain, pods, scaler).run)
        say.part("kubelet", self.pods.words)
        await plane_part.start(stages)
        self.gateway_url = plane_part.url
        self.plane = plane_part
        say.part("gateway", plane_part.words)
        await publish(
            kube,
            self.options.host,
            plane_part.port,
            plane_part.tls_port,
            inside=self.pods.way_to_gateway(plane_part.port),
        )
        await stages.start(scaler.run)
        say.part("autoscaler", "decides every 2 s and on each first request")
        self._add_controllers(engine, cache, plane, scaler)
        await stages.start(engine.run)
        say.part("controllers", "services, routes, revisions, brokers, triggers, sources")
        await stages.start(broker.run)
        say.part("broker", str(self.data.events_db))
        await stages.start(self._importers(cache, plane).run)
        say.part("importers", ", ".join(one.name for one in self.installed) or "none installed")
        await plane_part.start_last(stages)

    async def _start_children(self, stages: Stages) -> Children:
        """First of all: they load their modules while this process builds the rest."""
        self._children = Children(self.options, self.data, self.clock, self._handover)
        stages.at_end(self._children.close)
        await self._children.start(stages)
        return self._children

    def _plane(
        self, cache: Cache, configs: LiveConfigs, scaler: Autoscaler, children: Children
    ) -> PlanePart:
        plane = PlanePart(
            self.options,
            self.data,
            self.clock,
            self.rng,
            cache=cache,
            sink=scaler,
            woken=scaler.woke,
            children=children,
            logged=RequestLines(self.logs, self.clock).keep,
        )
        configs.on_change(partial(apply_request_log, configs, plane))
        return plane

    def _broker(self, cache: Cache, plane: Activator) -> BrokerService:
        log = SqliteEventLog(self.data.events_db, clock=self.clock)
        broker = BrokerService(cache, log, sender=plane.courier, clock=self.clock)
        plane.gateway.mount((BROKER_HOST, LOCAL_HOST), broker.ingress)
        return broker

    def _kubelet(
        self,
        kube: Kube,
        cache: Cache,
        engine: Engine,
        drain: Drain,
        pods: PodRuntime,
        scaler: Autoscaler,
    ) -> Kubelet:
        self._node_pods = Kubelet(
            kube.as_manager("kubelet"),
            cache,
            pods=pods,
            image_watch=self.image_watch,
            logs=self.logs,
            drain=drain,
            recorder=engine.recorder,
            quiet=engine.quiet,
            clock=self.clock,
            folder=self.data.pods,
            node=NODE,
            host=self.pods.node_address,
            streams=self.streams,
            tokens=self.pods.tokens,
            started=partial(_tell_started, scaler),
        )
        return self._node_pods

    def _node(self, kube: Kube) -> NodeKeeper:
        return NodeKeeper(
            kube.as_manager("kubelet"),
            clock=self.clock,
            name=NODE,
            runtime=f"tanebi://{tanebi.__version__}",
            folder=self.data.root,
            address=self.pods.node_address,
        )

    def _importers(self, cache: Cache, plane: Activator) -> ImporterManager:
        tools = Tools(
            sender=plane.courier,
            clock=self.clock,
            rng=self.rng,
            checkpoints=Checkpoints(self.data.checkpoints),
        )
        return ImporterManager(self.installed, cache=cache, tools=tools)

    def _add_controllers(
        self, engine: Engine, cache: Cache, plane: Activator, scaler: Autoscaler
    ) -> None:
        revisions = revision_reconciler(
            engine,
            cache,
            images=self.images,
            watch=self.image_watch,
            foreign=self.pods.engine_images,
        )
        add_controllers(
            engine,
            kinds=self.kinds,
            plane=plane,
            scaler=scaler,
            installed=self.installed,
            revisions=revisions,
            issuer=OwnIssuer(self.data.pki) if plane.gateway.tls_port is not None else None,
            volumes=str(self.data.volumes),
        )


def _tell_started(scaler: Autoscaler, pod: Pod) -> None:
    """Pods of a revision are part of its cold start."""
    revision = pod.metadata.labels.get(LABEL_REVISION)
    if revision:
        scaler.started(Key(pod.metadata.namespace, revision))
