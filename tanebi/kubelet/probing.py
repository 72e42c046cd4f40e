"""Asks one container's probes at their rhythm and yields what the answers come to.

Caller: tanebi.kubelet.worker, which cancels it when the container has ended.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final, Protocol

from tanebi.api.core.pod import Container, Pod, Probe
from tanebi.base.clock import Clock
from tanebi.kubelet import probes
from tanebi.kubelet.images import Image, ImageStore
from tanebi.kubelet.launch import Launcher
from tanebi.kubelet.pods import Aspect
from tanebi.kubelet.ports import POD_IP, PortMap, container_port
from tanebi.kubelet.probes import Answer, Rhythm, Tally
from tanebi.kubelet.runtime import Runtime, StartFailed

PERIOD_S: Final = 10.0
TIMEOUT_S: Final = 1.0


class ProbeTools(Protocol):
    @property
    def clock(self) -> Clock: ...
    @property
    def runtime(self) -> Runtime: ...
    @property
    def images(self) -> ImageStore: ...


class Prober:
    """The probes of one running container."""

    def __init__(
        self,
        pod: Pod,
        container: Container,
        ports: PortMap,
        launcher: Launcher,
        tools: ProbeTools,
    ) -> None:
        self._pod = pod
        self._container = container
        self._ports = ports
        self._launcher = launcher
        self._tools = tools

    async def verdicts(self, aspect: Aspect, probe: Probe) -> AsyncIterator[tuple[bool, str]]:
        """Up or down with the last answer's message, each time a threshold is reached; never ends.

        A readiness probe that has not succeeded for its period times its threshold also yields down, so that people see why.
        """
        initially = {"startup": None, "readiness": False, "liveness": True}
        tally = Tally(probe, initially[aspect])
        period_s = float(probe.period_seconds or PERIOD_S)
        rhythm = Rhythm(period_s, eager=aspect != "liveness")
        complain_s = period_s * (probe.failure_threshold or 3)
        clock = self._tools.clock
        await clock.sleep(float(probe.initial_delay_seconds or 0))
        silent_since, succeeded = clock.now(), False
        while True:
            answer = await self._ask(probe)
            verdict = tally.count(answer.ok)
            succeeded = succeeded or answer.ok
            if verdict is not None and (verdict or aspect != "startup"):
                yield verdict, answer.message
            elif not succeeded and clock.now() - silent_since >= complain_s:
                silent_since = clock.now()
                yield False, answer.message
            await clock.sleep(rhythm.pause(succeeded=succeeded))

    async def _ask(self, probe: Probe) -> Answer:
        timeout_s = float(probe.timeout_seconds or TIMEOUT_S)
        if probe.exec is not None:
            return await self._run(probe.exec.command, timeout_s)
        action = probe.http_get or probe.tcp_socket or probe.grpc
        if action is None:
            return Answer(False, "no handler")
        declared = container_port(self._container, action.port)
        if declared is None:
            return Answer(False, f"no port is called {action.port!r}")
        host = getattr(action, "host", "") or POD_IP
        real = self._ports.get(declared, declared)
        if probe.http_get is not None:
            return await probes.ask_http(probe.http_get, host, real, timeout_s=timeout_s)
        return await probes.ask_tcp(host, real, timeout_s=timeout_s)

    async def _run(self, command: list[str], timeout_s: float) -> Answer:
        image = self._tools.images.resolve(self._container.image)
        if not isinstance(image, Image):
            return Answer(False, image.message)
        asking = self._container.model_copy(update={"command": command, "args": []})
        try:
            launch = self._launcher.launch(self._pod, asking, 0, image, self._ports)
        except StartFailed as failed:
            return Answer(False, failed.message)
        result = await self._tools.runtime.execute(launch, timeout_s=timeout_s)
        return Answer(result.exit is not None and result.exit.code == 0, result.output.strip())
