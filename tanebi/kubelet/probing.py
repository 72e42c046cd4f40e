"""Asks one container's probes at their rhythm and yields what the answers come to.

Caller: tanebi.kubelet.worker, which cancels it when the container has ended.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final, Protocol

from tanebi.api.core.pod import Container, Pod, Probe
from tanebi.base.clock import Clock
from tanebi.kubelet import probes
from tanebi.kubelet.grpchealth import ask_grpc
from tanebi.kubelet.podruntime import PodRuntime, Sandbox
from tanebi.kubelet.pods import Aspect
from tanebi.kubelet.ports import container_port
from tanebi.kubelet.probes import Answer, Rhythm, Tally

PERIOD_S: Final = 10.0
TIMEOUT_S: Final = 1.0


class ProbeTools(Protocol):
    @property
    def clock(self) -> Clock: ...
    @property
    def pods(self) -> PodRuntime: ...


class Prober:
    """The probes of one running container."""

    def __init__(
        self,
        pod: Pod,
        container: Container,
        sandbox: Sandbox,
        tools: ProbeTools,
    ) -> None:
        self._pod = pod
        self._container = container
        self._sandbox = sandbox
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
        host = getattr(action, "host", "") or self._sandbox.address
        real = self._sandbox.ports.get(declared, declared)
        if probe.http_get is not None:
            return await probes.ask_http(probe.http_get, host, real, timeout_s=timeout_s)
        if probe.grpc is not None:
            service = probe.grpc.service or ""
            return await ask_grpc(host, real, service, timeout_s=timeout_s)
        return await probes.ask_tcp(host, real, timeout_s=timeout_s)

    async def _run(self, command: list[str], timeout_s: float) -> Answer:
        result = await self._tools.pods.execute(
            self._pod, self._container, command, self._sandbox, timeout_s=timeout_s
        )
        return Answer(result.exit is not None and result.exit.code == 0, result.output.strip())
