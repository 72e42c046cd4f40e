"""Sessions and connections to the pods of this machine, for whoever asks through the API.

Implements tanebi.api.podstreams.PodStreams: finds the pod's worker, checks that the container runs, and lets the pod's runtime do
it. Made by tanebi.up before the kubelet is, which is set once it runs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import anyio
from anyio.abc import SocketStream

from tanebi.api.core.pod import Container, Pod
from tanebi.api.meta import Key
from tanebi.api.podstreams import ByteStream, NoStream, Session, Wish, must_choose
from tanebi.http import ways
from tanebi.kubelet.podruntime import PodRuntime, Sandbox
from tanebi.kubelet.ports import POD_IP
from tanebi.kubelet.runtime import StartFailed
from tanebi.kubelet.worker import PodWorker

READ_BYTES: Final = 64 * 1024


class KubeletStreams:
    """`find(key)` is the worker of a pod; before `serve` there is none."""

    def __init__(self) -> None:
        self._find: Callable[[Key], PodWorker | None] = lambda key: None
        self._runtime: PodRuntime | None = None

    def serve(self, runtime: PodRuntime, find: Callable[[Key], PodWorker | None]) -> None:
        self._runtime, self._find = runtime, find

    def check(self, pod: Key, container: str | None) -> None:
        worker = self._worker(pod)
        if container is not None:
            self._running(worker, container)

    async def execute(
        self, pod: Key, container: str, command: Sequence[str], wish: Wish
    ) -> Session:
        worker = self._worker(pod)
        found = self._running(worker, container)
        assert self._runtime is not None, "a worker was found"
        try:
            return await self._runtime.session(worker.pod, found, command, worker.sandbox, wish)
        except StartFailed as failed:
            raise NoStream(
                f"error executing command in container: {failed.message}", ours=True
            ) from failed

    async def attach(self, pod: Key, container: str, wish: Wish) -> Session:
        worker = self._worker(pod)
        running = worker.running(self._running(worker, container).name)
        assert running is not None, "asked before"
        try:
            return await running.attach(wish)
        except StartFailed as failed:
            raise NoStream(f"cannot attach: {failed.message}", ours=True) from failed

    async def dial(self, pod: Key, port: int) -> ByteStream:
        worker = self._worker(pod)
        address, real = _place(worker.pod, worker.sandbox, port)
        try:
            sock = await ways.connected(address, real)
            if sock is not None:
                return PortStream(await SocketStream.from_socket(sock))
            return PortStream(await anyio.connect_tcp(address, real))
        except OSError as error:
            why = error.strerror or str(error)
            raise NoStream(
                f"failed to connect to port {port} of pod {pod.name}: {why}", ours=True
            ) from error

    def _worker(self, pod: Key) -> PodWorker:
        worker = self._find(pod)
        if worker is None:
            raise NoStream(f'pods "{pod.name}" not found', pod_unknown=True)
        return worker

    def _running(self, worker: PodWorker, name: str) -> Container:
        """The container with this name, or the only one; it must run."""
        pod = worker.pod
        found = chosen(pod, name)
        if worker.running(found.name) is None:
            if pod.status.phase in ("Succeeded", "Failed"):
                raise NoStream(
                    "cannot exec into a container in a completed pod; "
                    f"current phase is {pod.status.phase}"
                )
            raise NoStream(
                f'unable to upgrade connection: container not found ("{found.name}")', ours=True
            )
        return found


def chosen(pod: Pod, name: str) -> Container:
    """Raises NoStream with Kubernetes' words (registry/core/pod validateContainer)."""
    mains, inits = pod.spec.containers, pod.spec.init_containers
    if name:
        for container in pod.every_container:
            if container.name == name:
                return container
        raise NoStream(f"container {name} is not valid for pod {pod.metadata.name}")
    if len(mains) == 1:
        return mains[0]
    raise NoStream(must_choose(pod.metadata.name, [c.name for c in mains], [c.name for c in inits]))


def _place(pod: Pod, sandbox: Sandbox, port: int) -> tuple[str, int]:
    """Where a port of the pod is. Raises NoStream."""
    if sandbox.address == POD_IP and port not in sandbox.ports:
        raise NoStream(
            f"pod {pod.metadata.name} does not declare port {port}; it shares the machine's network, "
            "where only declared ports are known to be its own",
            ours=True,
        )
    return sandbox.address, sandbox.ports.get(port, port)


class PortStream:
    """Implements ByteStream over TCP."""

    def __init__(self, stream: SocketStream) -> None:
        self._stream = stream

    async def receive(self) -> bytes:
        try:
            return await self._stream.receive(READ_BYTES)
        except anyio.EndOfStream:
            return b""
        except (anyio.BrokenResourceError, anyio.ClosedResourceError) as error:
            raise ConnectionResetError("the connection was reset") from error

    async def send(self, data: bytes) -> None:
        try:
            await self._stream.send(data)
        except (anyio.BrokenResourceError, anyio.ClosedResourceError) as error:
            raise ConnectionResetError("the connection was reset") from error

    async def send_end(self) -> None:
        await self._stream.send_eof()

    async def close(self) -> None:
        await self._stream.aclose()
