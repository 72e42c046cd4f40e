"""The composition root: builds every part of the platform and owns the one task tree.

Read it as the list of parts, from the ground up; what a part is given here is all it knows of the others. Nothing imports this
module but the command line and the tests of the docs.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

import anyio

import activator.api
import autoscaler.api
import eventing.api
import importers.api
import serving.api
from activator.role import Activator
from autoscaler.api import POD_AUTOSCALER
from autoscaler.loop import Autoscaler
from autoscaler.reconcile.podautoscaler import PodAutoscalerReconciler
from autoscaler.reconcile.serverlessservice import ServerlessServiceReconciler
from eventing.broker import BrokerService
from eventing.reconcile.broker import BrokerReconciler
from eventing.reconcile.references import addressable_kinds
from eventing.reconcile.trigger import TriggerReconciler
from eventing.sqlitelog import SqliteEventLog
from importers.checkpoint import Checkpoints
from importers.context import Tools
from importers.manager import ImporterManager
from importers.reconcile.source import SourceReconciler
from importers.registry import kinds_of, load
from serving.api import REVISION
from serving.api.images import Missing, Resolved
from serving.reconcile.configuration import ConfigurationReconciler
from serving.reconcile.revision import RevisionReconciler
from serving.reconcile.route import RouteReconciler
from serving.reconcile.service import ServiceReconciler
from tanebi.api.core.kinds import KINDS as CORE_KINDS
from tanebi.api.core.pod import PodStatus
from tanebi.api.core.workload import Scale
from tanebi.api.kind import AnyKind, ConfigKind, Kinds
from tanebi.api.meta import Model
from tanebi.apiserver import kubeconfig, pki
from tanebi.apiserver.bootstrap import bootstrap
from tanebi.apiserver.https import HttpsDoor, listen
from tanebi.apiserver.server import ApiServer
from tanebi.apiserver.store import Store
from tanebi.apiserver.user import User
from tanebi.base.clock import Clock, SystemClock, process_age_s
from tanebi.base.datalock import locked, prepare
from tanebi.base.errors import UserError
from tanebi.base.files import write_atomically
from tanebi.base.limits import raise_file_limit
from tanebi.base.log import Forgiving, configure
from tanebi.base.rng import Rng, system_rng
from tanebi.base.settings import DataDir, environment
from tanebi.base.stages import Stages, first_cause
from tanebi.kube.cache import Cache
from tanebi.kube.client import Kube
from tanebi.kube.configs import LiveConfigs
from tanebi.kube.embedded import EmbeddedTransport
from tanebi.kube.engine import Engine
from tanebi.kube.plan import Reconciler
from tanebi.kubelet.choice import ByImage
from tanebi.kubelet.deployments import DeploymentReconciler
from tanebi.kubelet.endpoints import EndpointReconciler
from tanebi.kubelet.engine import connect
from tanebi.kubelet.engine.images import EngineImages
from tanebi.kubelet.engine.role import EngineRole, build
from tanebi.kubelet.images import Image, ImageStore, ImageWatch
from tanebi.kubelet.images import Missing as NoImage
from tanebi.kubelet.kubelet import Kubelet
from tanebi.kubelet.logs import LogStore
from tanebi.kubelet.podruntime import PodRuntime
from tanebi.kubelet.process import ProcessRuntime
from tanebi.kubelet.processes import kill_platform
from tanebi.kubelet.processpods import ProcessPods

KINDS: Final[tuple[AnyKind, ...]] = (
    *CORE_KINDS,
    *serving.api.KINDS,
    *activator.api.KINDS,
    *autoscaler.api.KINDS,
    *eventing.api.KINDS,
    *importers.api.KINDS,
)
CONFIGS: Final[tuple[ConfigKind[Any], ...]] = (
    *serving.api.CONFIGS,
    *activator.api.CONFIGS,
    *autoscaler.api.CONFIGS,
    *eventing.api.CONFIGS,
    *importers.api.CONFIGS,
)

CONTROLLER: Final = User("system:serviceaccount:kube-system:tanebi", ("system:masters",))
BROKER_HOST: Final = "broker-ingress.knative-eventing.svc.cluster.local"
LOCAL_HOST: Final = "localhost"
NODE: Final = "tanebi"
OF_A_WAKE: Final = (Scale, PodStatus)  # made by a first request and not before

# The commit threads of the stores hand the interpreter over at each SQLite call; at Python's default of 5 ms a write would wait
# longer for a busy loop than for the disk.
SWITCH_INTERVAL_S: Final = 0.0005

INTERRUPTED: Final = 130  # the exit code of a shell's command that Ctrl-C ended
# New objects between two young collections of garbage. Events wait in memory while they are under way; at Python's default of 700
# a seventh of a busy broker's time goes into looking at them again and again.
GC_YOUNG_MAX: Final = 20_000


@dataclass(frozen=True, slots=True)
class UpOptions:
    """What `tanebi up` was asked for. Port 0 means any free one."""

    data_dir: Path
    gateway_port: int = 8080
    api_port: int = 6443
    host: str = "127.0.0.1"
    runtime: Literal["auto", "engine", "process"] = "auto"


def run(options: UpOptions) -> int:
    """Run the platform until SIGINT or SIGTERM, and return the exit code. Raises TanebiError when it cannot start."""
    env = environment()
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    gc.set_threshold(GC_YOUNG_MAX)
    raise_file_limit()
    configure(level=env.get("TANEBI_LOG_LEVEL", "warning"), json=env.get("TANEBI_LOG") == "json")
    data = DataDir(options.data_dir.absolute())
    prepare(data.root)
    with locked(data.lock):
        try:
            anyio.run(_serve, options, data, backend_options={"use_uvloop": True})
        except BaseExceptionGroup as group:
            raise first_cause(group) from group
    return 0


async def _serve(options: UpOptions, data: DataDir) -> None:
    clock = SystemClock()
    say = Announcer(clock, age_s=process_age_s())
    platform = Platform(options, data, clock, system_rng())
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with anyio.create_task_group() as ending, Stages() as stages:
            stages.at_end(ending.cancel_scope.cancel)
            stages.at_end(say.stopped)
            await platform.start(stages, say)
            gc.freeze()  # what a start makes stays: it need not be looked at again
            write_atomically(data.endpoints, platform.endpoints())
            stages.at_end(lambda: data.endpoints.unlink(missing_ok=True))
            say.ready(platform)
            await anext(aiter(signals))
            say.stopping()
            ending.start_soon(_end_at_once, signals, data, say)


async def _end_at_once(
    signals: AsyncIterator[signal.Signals], data: DataDir, say: Announcer
) -> None:
    """On a second Ctrl-C nothing is waited for: pods are killed, and so are we. What was acknowledged is on disk."""
    await anext(aiter(signals))
    say.hurried()
    data.endpoints.unlink(missing_ok=True)
    kill_platform(data.pods)
    os._exit(INTERRUPTED)


class Platform:
    """All parts of one platform in this process. Inert until `start`."""

    def __init__(self, options: UpOptions, data: DataDir, clock: Clock, rng: Rng) -> None:
        self.options = options
        self.data = data
        self.clock = clock
        self.rng = rng
        self.api_url = ""
        self.gateway_url = ""
        self.installed = load(environment().get("TANEBI_IMPORTERS"))
        extra = [kind for kind in kinds_of(self.installed) if kind not in KINDS]
        self.kinds = Kinds((*KINDS, *extra))
        self.logs = LogStore(data.logs, clock=clock)
        self.images = ImageStore(data.images, clock=clock)
        self.image_watch = ImageWatch(self.images, clock)
        self.engine_found = engine_for(options.runtime)
        self.engine: EngineRole | None = None

    async def start(self, stages: Stages, say: Announcer) -> None:
        """Bring up every part, ground floor first; `stages` takes them down in the reverse order."""
        models: tuple[type[Model], ...] = (*(kind.model for kind in self.kinds), *OF_A_WAKE)
        for model in models:
            model.model_rebuild()  # validators are built now, not on somebody's first request
        kube = await self._start_api(stages)
        say.part("kubernetes api", self.api_url)
        cache = Cache(kube, self.clock)
        for kind in self.kinds:
            cache.watch(kind)
        configs = LiveConfigs(cache, CONFIGS)
        engine = Engine(kube, cache, configs, self.clock, self.rng)
        scaler = Autoscaler(
            cache, configs, clock=self.clock, on_change=partial(engine.enqueue, POD_AUTOSCALER)
        )
        plane = Activator(
            self.options.host,
            self._gateway_port(),
            cache=cache,
            sink=scaler,
            clock=self.clock,
            rng=self.rng,
        )
        await stages.start(cache.run)
        await cache.wait_synced(*self.kinds)
        broker = self._broker(cache, plane)
        await stages.start(self.image_watch.run)
        await stages.start(self.logs.run)
        pods = await self._pods(stages, cache, plane)
        await stages.start(self._kubelet(kube, cache, engine, plane, pods).run)
        say.part("kubelet", self._runtime_words())
        await stages.start(plane.run)
        self.gateway_url = plane.gateway.url
        say.part("gateway", self.gateway_url)
        await stages.start(scaler.run)
        say.part("autoscaler", "decides every 2 s and on each first request")
        self._add_controllers(engine, cache, plane, scaler)
        await stages.start(engine.run)
        say.part("controllers", "services, routes, revisions, brokers, triggers, sources")
        await stages.start(broker.run)
        say.part("broker", str(self.data.events_db))
        await stages.start(self._importers(cache, plane).run)
        say.part("importers", ", ".join(one.name for one in self.installed) or "none installed")

    def _gateway_port(self) -> int:
        """A port chosen now when any will do: pods that start again before the gateway listens are told its address."""
        if self.options.gateway_port:
            return self.options.gateway_port
        with listen(self.options.host, 0) as sock:
            port: int = sock.getsockname()[1]
        return port

    def endpoints(self) -> bytes:
        """The content of endpoints.json."""
        found = {"gateway": self.gateway_url, "api": self.api_url, "pid": os.getpid()}
        return f"{json.dumps(found)}\n".encode()

    async def _start_api(self, stages: Stages) -> Kube:
        store = Store.open(self.data.api_db)
        stages.at_end(store.close)
        server = ApiServer(
            store, self.kinds, CONFIGS, clock=self.clock, rng=self.rng, logs=self.logs
        )
        await stages.start(server.run)
        kube = Kube(EmbeddedTransport(server, user=CONTROLLER), field_manager="tanebi")
        await bootstrap(server, CONFIGS)
        await self._open_door(stages, server)
        return kube

    async def _open_door(self, stages: Stages, server: ApiServer) -> None:
        sock = listen(self.options.host, self.options.api_port)
        names = pki.ensure(self.data.pki, now=self.clock.wall(), extra_names=(self.options.host,))
        token = kubeconfig.ensure_token(self.data.pki)
        door = HttpsDoor(server, sock, names, token=token)
        await stages.start(door.run)
        self.api_url = f"https://{_in_url(self.options.host)}:{door.port}"
        kubeconfig.write(
            self.data.kubeconfig, server=self.api_url, ca_pem=names.ca_pem, token=token
        )

    def _broker(self, cache: Cache, plane: Activator) -> BrokerService:
        log = SqliteEventLog(self.data.events_db, clock=self.clock)
        broker = BrokerService(cache, log, sender=plane.courier, clock=self.clock)
        plane.gateway.mount((BROKER_HOST, LOCAL_HOST), broker.ingress)
        return broker

    def _kubelet(
        self, kube: Kube, cache: Cache, engine: Engine, plane: Activator, pods: PodRuntime
    ) -> Kubelet:
        return Kubelet(
            kube.as_manager("kubelet"),
            cache,
            pods=pods,
            image_watch=self.image_watch,
            logs=self.logs,
            drain=plane.drain,
            recorder=engine.recorder,
            quiet=engine.quiet,
            clock=self.clock,
            folder=self.data.pods,
            node=NODE,
        )

    async def _pods(self, stages: Stages, cache: Cache, plane: Activator) -> PodRuntime:
        """What runs pods, by `--runtime`. The engine's part runs as long as the pods do."""
        processes = self._process_pods(cache, plane)
        if self.engine_found is None:
            return processes
        self.engine = build(
            self.engine_found,
            cache,
            folder=self.data.pods,
            logs=self.logs,
            environ=environment(),
            clock=self.clock,
            local_url=lambda url: local_url(url, plane.gateway.address[1]),
        )
        await stages.start(self.engine.pods.run)
        if self.options.runtime == "engine":
            return self.engine.pods
        return ByImage(
            processes,
            self.engine.pods,
            is_directory=lambda ref: isinstance(self.images.resolve(ref), Image),
        )

    def _runtime_words(self) -> str:
        if self.engine_found is None:
            return "runtime process"
        if self.options.runtime == "engine":
            return f"runtime engine: {self.engine_found.words}"
        return f"runtime process for directory images, else engine: {self.engine_found.words}"

    def _process_pods(self, cache: Cache, plane: Activator) -> ProcessPods:
        return ProcessPods(
            cache,
            images=self.images,
            runtime=ProcessRuntime(self.data.pods, clock=self.clock),
            logs=self.logs,
            folder=self.data.pods,
            path=environment().get("PATH", os.defpath),
            local_url=lambda url: local_url(url, plane.gateway.address[1]),
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
        foreign = self.engine.images if self.engine is not None else None
        revisions = RevisionReconciler(KnownImages(self.images, foreign))

        def images_changed() -> None:
            for key in cache.keys(REVISION):
                engine.enqueue(REVISION, key)

        self.image_watch.subscribe(images_changed)
        if foreign is not None:
            foreign.subscribe(images_changed)
        addressables = addressable_kinds(self.kinds)
        # In this order their passes start when one event concerns several. What a waiting request needs comes first, and what
        # only tells how it went comes after.
        urgent: tuple[Reconciler[Any], ...] = (
            EndpointReconciler(),
            plane.ingress_reconciler,
            BrokerReconciler(self.kinds),
            TriggerReconciler(self.kinds),
            *(
                SourceReconciler(one.importer, kinds=self.kinds, addressables=addressables)
                for one in self.installed
            ),
        )
        patient: tuple[Reconciler[Any], ...] = (
            DeploymentReconciler(NODE),
            PodAutoscalerReconciler(scaler),
            ServerlessServiceReconciler(),
            revisions,
            ConfigurationReconciler(),
            RouteReconciler(external_port=plane.gateway.address[1]),
            ServiceReconciler(),
        )
        for reconciler in urgent:
            engine.add(reconciler)
        for reconciler in patient:
            engine.add(reconciler, patient=True)


def _in_url(host: str) -> str:
    """An address as a URL shows it; the unspecified address is reached by loopback from here."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"[{host}]" if ":" in host else host


class KnownImages:
    """Implements serving.api.images.ImageFacts: the platform's image store first, then the engine, if there is one."""

    def __init__(self, store: ImageStore, engine: EngineImages | None) -> None:
        self._store = store
        self._engine = engine

    def lookup(self, image: str) -> Resolved | Missing | None:
        stored = self._store.resolve(image)
        found = (
            self._engine.lookup(image) if self._engine and isinstance(stored, NoImage) else stored
        )
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


class Announcer:
    """What `tanebi up` prints: each part as it comes up, with the seconds since the process was started."""

    def __init__(self, clock: Clock, *, age_s: float = 0.0) -> None:
        """`age_s`: how long ago the process was started."""
        self._clock = clock
        self._began = clock.now() - age_s
        self._out = Forgiving(sys.stdout)
        self._stopping = False

    def part(self, name: str, detail: str) -> None:
        self._line(f"✅ {name:<16} {detail}")

    def ready(self, platform: Platform) -> None:
        took = self._clock.now() - self._began
        self._line(f"🔥 ready in {took:.2f} s")
        gateway = platform.gateway_url
        self._out.write(
            f"""
  services    http://NAME.NAMESPACE.localhost:{gateway.rsplit(":", 1)[1]}
  brokers     {gateway}/NAMESPACE/BROKER
  kubectl     kubectl --kubeconfig {platform.data.kubeconfig} get ksvc
  stop        Ctrl-C

"""
        )
        self._out.flush()

    def stopping(self) -> None:
        self._stopping = True
        self._line(
            "🛑 stopping: requests in flight are finished, then pods are stopped (Ctrl-C again: at once)"
        )

    def hurried(self) -> None:
        self._line("🛑 ended at once: pods were killed")

    def stopped(self) -> None:
        """Said only to who asked for it: after a failure the error is the last word."""
        if self._stopping:
            self._line("✅ stopped")

    def _line(self, text: str) -> None:
        self._out.write(f"{self._clock.now() - self._began:7.3f}s {text}".rstrip() + "\n")
        self._out.flush()
