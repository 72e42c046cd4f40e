"""A container's probes over time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tanebi.api.core.kinds import POD
from tanebi.api.meta import Obj
from tanebi.kubelet.podruntime import Sandbox
from tanebi.kubelet.probing import Prober
from tanebi.kubelet.runtime import ExecResult, Exit

pytestmark = pytest.mark.anyio


@dataclass
class Hurried:
    """A clock on which sleeping takes no time, and which writes down for how long."""

    at: float = 0.0
    slept: list[float] = field(default_factory=list)

    def now(self) -> float:
        return self.at

    def wall(self) -> Any:
        raise NotImplementedError

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds
        await asyncio.sleep(0)


@dataclass
class Tools:
    """What the prober uses; its command answers come from `answers`, the last one for ever."""

    answers: list[int | None]
    clock: Hurried = field(default_factory=Hurried)
    asked: list[Any] = field(default_factory=list)

    @property
    def pods(self) -> Any:
        return self

    async def execute(
        self, pod: Any, container: Any, command: list[str], sandbox: Any, *, timeout_s: float
    ) -> ExecResult:
        self.asked.append((command, timeout_s))
        code = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return ExecResult(None if code is None else Exit(code), "said\n")


def verdicts(tools: Tools, aspect: Any, **probe: Any) -> AsyncIterator[tuple[bool, str]]:
    container: Obj = {
        "name": "c",
        "image": "i",
        "ports": [{"name": "web", "containerPort": 8080}],
        "readinessProbe": {"exec": {"command": ["check"]}, **probe},
    }
    pod = POD.view({"metadata": {"name": "p"}, "spec": {"containers": [container]}})
    one = pod.spec.containers[0]
    assert one.readiness_probe is not None
    prober = Prober(pod, one, Sandbox("127.0.0.1", {8080: 1}), tools)
    return prober.verdicts(aspect, one.readiness_probe)


async def test_readiness_is_asked_often_until_it_first_succeeds() -> None:
    tools = Tools([1, 1, 1, 0, 0, 1, 1, 1])
    found = verdicts(tools, "readiness", periodSeconds=5, failureThreshold=3)
    assert await anext(found) == (True, "said")
    assert tools.clock.now() < 0.1
    assert await anext(found) == (False, "said")
    assert tools.clock.slept[-3:] == [5.0, 5.0, 5.0]


async def test_liveness_keeps_its_period() -> None:
    tools = Tools([0, 1, 1, None])
    found = verdicts(tools, "liveness", periodSeconds=7, failureThreshold=3, initialDelaySeconds=2)
    assert await anext(found) == (False, "said")
    assert tools.clock.slept == [2.0, 7.0, 7.0, 7.0]
    assert {timeout for _, timeout in tools.asked} == {1.0}


async def test_startup_gets_its_whole_time() -> None:
    tools = Tools([1])
    found = verdicts(tools, "startup", periodSeconds=2, failureThreshold=5)
    assert await anext(found) == (False, "said")
    assert tools.clock.now() == pytest.approx(10, abs=0.2)


async def test_a_readiness_that_never_comes_is_complained_about() -> None:
    tools = Tools([1])
    found = verdicts(tools, "readiness", periodSeconds=10, failureThreshold=3)
    assert await anext(found) == (False, "said")
    assert tools.clock.now() == pytest.approx(30, abs=0.2)
    assert await anext(found) == (False, "said")
    assert tools.clock.now() == pytest.approx(60, abs=0.4)


@pytest.mark.parametrize(
    ("probe", "words"),
    [
        ({"exec": None}, "no handler"),
        ({"exec": None, "tcpSocket": {"port": "nobody"}}, "no port is called 'nobody'"),
        ({"exec": None, "tcpSocket": {"port": "web"}}, "127.0.0.1:1: connect: connection refused"),
        ({"exec": None, "httpGet": {"port": 0}}, "connection refused"),
        ({"exec": None, "grpc": {"port": 8080}}, '"127.0.0.1:1": connection refused'),
    ],
)
async def test_what_cannot_be_asked_is_a_failure(probe: Obj, words: str) -> None:
    found = verdicts(Tools([0]), "liveness", periodSeconds=1, failureThreshold=1, **probe)
    ok, message = await anext(found)
    assert not ok
    assert words in message
