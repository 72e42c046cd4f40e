"""Which container is meant, and which port: Kubernetes' words, and what a pod without a network of its own gives away."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import anyio
import pytest

from tanebi.api.core.kinds import POD
from tanebi.api.core.pod import Pod
from tanebi.api.meta import Key
from tanebi.api.podstreams import NoStream, Wish
from tanebi.kubelet.podruntime import Sandbox
from tanebi.kubelet.podstreams import KubeletStreams, chosen
from tanebi.kubelet.ports import POD_IP
from tanebi.kubelet.runtime import StartFailed

pytestmark = pytest.mark.anyio

KEY = Key("ns", "p")


def pod(*names: str, init: str = "", phase: str = "Running") -> Pod:
    spec: dict[str, Any] = {"containers": [{"name": name, "image": "i"} for name in names]}
    if init:
        spec["initContainers"] = [{"name": init, "image": "i"}]
    return POD.view(
        {"metadata": {"name": "p", "namespace": "ns"}, "spec": spec, "status": {"phase": phase}}
    )


class Failing:
    """A container, and a runtime, in which nothing can be had."""

    async def attach(self, wish: Wish) -> None:
        raise StartFailed("AttachFailed", "too many")

    async def session(self, *args: Any) -> None:
        raise StartFailed("RunContainerError", 'exec: "x": not there')


def streams(found: Pod, sandbox: Sandbox | None = None, *, runs: bool = True) -> KubeletStreams:
    made = KubeletStreams()
    worker: Any = SimpleNamespace(
        pod=found,
        sandbox=sandbox or Sandbox(POD_IP, {}),
        running=lambda name: Failing() if runs else None,
    )
    runtime: Any = Failing()
    made.serve(runtime, lambda key: worker if key == KEY else None)
    return made


@pytest.mark.parametrize(
    ("found", "name", "text"),
    [
        (pod("a", "b"), "c", "container c is not valid for pod p"),
        (
            pod("a", "b"),
            "",
            "a container name must be specified for pod p, choose one of: [a b]",
        ),
        (
            pod("a", "b", init="i"),
            "",
            "a container name must be specified for pod p, choose one of: [a b] "
            "or one of the init containers: [i]",
        ),
    ],
)
def test_no_container(found: Pod, name: str, text: str) -> None:
    with pytest.raises(NoStream) as refused:
        chosen(found, name)
    assert refused.value.message == text


def test_a_container() -> None:
    assert chosen(pod("a"), "").name == "a"
    assert chosen(pod("a", init="i"), "i").name == "i"


def test_checked_before_anything_is_connected() -> None:
    streams(pod("a")).check(KEY, "")
    streams(pod("a", "b"), runs=False).check(KEY, None)
    with pytest.raises(NoStream, match='pods "q" not found') as unknown:
        streams(pod("a")).check(Key("ns", "q"), None)
    assert unknown.value.pod_unknown
    with pytest.raises(NoStream, match='container not found \\("a"\\)'):
        streams(pod("a"), runs=False).check(KEY, "a")
    with pytest.raises(NoStream, match="completed pod; current phase is Succeeded"):
        streams(pod("a", phase="Succeeded"), runs=False).check(KEY, "a")
    with pytest.raises(NoStream):
        KubeletStreams().check(KEY, None)


async def test_failures_of_the_runtime_are_told() -> None:
    with pytest.raises(NoStream, match='error executing command in container: exec: "x"'):
        await streams(pod("a")).execute(KEY, "", ["x"], Wish())
    with pytest.raises(NoStream, match="cannot attach: too many"):
        await streams(pod("a")).attach(KEY, "", Wish())


async def test_ports() -> None:
    async with await anyio.create_tcp_listener(local_host=POD_IP) as listener:
        real = listener.extra(anyio.abc.SocketAttribute.local_port)
        found = streams(pod("a"), Sandbox(POD_IP, {80: real}))
        stream = await found.dial(KEY, 80)
        async with await listener.listeners[0].accept() as peer:
            await stream.send(b"ping")
            assert await peer.receive() == b"ping"
            await stream.send_end()
            with pytest.raises(anyio.EndOfStream):
                await peer.receive()
            await peer.send(b"pong")
            assert await stream.receive() == b"pong"
        assert await stream.receive() == b""
        await stream.close()
    with pytest.raises(NoStream, match="does not declare port"):
        await found.dial(KEY, real)
    with pytest.raises(NoStream, match="failed to connect to port 80 of pod p"):
        await found.dial(KEY, 80)
