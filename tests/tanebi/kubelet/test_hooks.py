"""What a container's hooks do, and in which words they fail."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import anyio
import pytest
from anyio.abc import SocketAttribute

from tanebi.api.core.kinds import POD
from tanebi.kubelet.hooks import Hooks
from tanebi.kubelet.podruntime import Sandbox
from tanebi.kubelet.runtime import ExecResult, Exit

pytestmark = pytest.mark.anyio


@dataclass
class Tools:
    """The runtime and the clock of a hook; its command ends with `result`."""

    result: ExecResult = field(default_factory=lambda: ExecResult(Exit(0), ""))
    slept: list[float] = field(default_factory=list)

    @property
    def pods(self) -> Any:
        return self

    @property
    def clock(self) -> Any:
        return self

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    async def execute(self, *args: Any, timeout_s: float) -> ExecResult:
        return self.result


def hooks(tools: Tools, **lifecycle: Any) -> Hooks:
    pod = POD.view(
        {
            "metadata": {"name": "p", "namespace": "ns", "uid": "u"},
            "spec": {"containers": [{"name": "c", "image": "i", "lifecycle": lifecycle}]},
        }
    )
    found: Any = tools
    return Hooks(pod, pod.spec.containers[0], Sandbox("127.0.0.1", {}), found)


async def ran(tools: Tools, **hook: Any) -> str:
    one = hooks(tools, preStop=hook)
    assert one.after_start is None
    assert one.before_stop is not None
    return await one.run(one.before_stop, timeout_s=5)


WHERE = 'for Container "c" in Pod "p_ns(u)" failed - error: '


@pytest.mark.parametrize(
    ("result", "failure"),
    [
        (ExecResult(Exit(0), "fine"), ""),
        (ExecResult(Exit(3), "no"), "command 'do it' exited with 3, message: \"no\""),
        (ExecResult(None, "command timed out after 5s"), "command timed out after 5s"),
    ],
)
async def test_a_command(result: ExecResult, failure: str) -> None:
    said = await ran(Tools(result), exec={"command": ["do", "it"]})
    assert said == (failure and f"Exec lifecycle hook ([do it]) {WHERE}{failure}")


@pytest.mark.parametrize(("asked", "slept", "fails"), [(3, 3, False), (9, 5, True)])
async def test_a_pause_is_no_longer_than_there_is_time(asked: int, slept: int, fails: bool) -> None:
    tools = Tools()
    said = await ran(tools, sleep={"seconds": asked})
    assert tools.slept == [slept]
    assert said.startswith(f"Sleep lifecycle hook ({asked})") is fails


@pytest.mark.parametrize("status", [200, 503])
async def test_any_answer_to_a_request_will_do(status: int) -> None:
    heard: list[bytes] = []

    async def answer(stream: anyio.abc.SocketStream) -> None:
        async with stream:
            heard.append(await stream.receive())
            await stream.send(b"HTTP/1.1 %d x\r\n\r\n" % status)

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    port = listener.extra(SocketAttribute.local_port)
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, answer)
        assert await ran(Tools(), httpGet={"path": "/bye", "port": port, "scheme": "HTTP"}) == ""
        tasks.cancel_scope.cancel()
    assert heard[0].startswith(b"GET /bye HTTP/1.1\r\n")
    assert b"User-Agent: kube-lifecycle/1.32" in heard[0]


async def test_nobody_answers() -> None:
    said = await ran(Tools(), httpGet={"path": "/bye", "port": 1})
    assert said.startswith(f'HTTP lifecycle hook (/bye) {WHERE}Get "http://127.0.0.1:1/bye": ')
    assert "couldn't find port: web" in await ran(Tools(), httpGet={"port": "web"})


async def test_an_empty_hook() -> None:
    assert await ran(Tools()) == "Cannot run handler: invalid handler"
