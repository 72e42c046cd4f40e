"""What everything that runs pods must do: processes of this machine, and containers of an engine.

The same small shell programs run on both. The engine's image is made here from a static busybox: no registry is asked.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import anyio
import pytest

from tanebi.api.core.kinds import POD
from tanebi.api.core.pod import Container, Pod
from tanebi.api.meta import Obj
from tanebi.api.podstreams import Session, Wish
from tanebi.base.clock import SystemClock
from tanebi.kubelet import podnet
from tanebi.kubelet.engine import connect
from tanebi.kubelet.engine.role import build
from tanebi.kubelet.images import ImageStore
from tanebi.kubelet.kept import KeptHands, door_name
from tanebi.kubelet.logs import LogStore
from tanebi.kubelet.podnet import PodNetwork
from tanebi.kubelet.podruntime import PodRuntime, Sandbox, Started
from tanebi.kubelet.process import ProcessRuntime
from tanebi.kubelet.processpods import ProcessPods
from tanebi.kubelet.runtime import Exit, StartFailed
from tanebi.testing.engine import (
    DOCKER,
    PODMAN,
    busybox_image,
    docker_missing,
    engine_missing,
    without_docker,
)
from tanebi.testing.network import network_missing, user_namespaces_missing
from tanebi.testing.waiting import wait_until

pytestmark = pytest.mark.anyio

DEADLINE_S = 30.0


class NoConfig:
    """A cluster without ConfigMaps and Secrets."""

    def list(self, kind: Any, namespace: str) -> list[Any]:
        return []

    def get(self, kind: Any, namespace: str, name: str) -> None:
        return None


@dataclass
class Bench:
    runtime: PodRuntime
    logs: LogStore
    image: str
    folder: Path
    views: bool = True

    def pod(
        self, script: str, *, uid: str = "u-1", spec: Obj | None = None, **container: Any
    ) -> Pod:
        own: Obj = {
            "name": "main",
            "image": self.image,
            "command": ["/bin/sh", "-c", script],
            "ports": [{"containerPort": 8080}],
            **container,
        }
        return POD.view(
            {
                "metadata": {"name": f"pod-{uid}", "namespace": "ns", "uid": uid},
                "spec": {"containers": [own], **(spec or {})},
            }
        )

    async def start(self, pod: Pod, attempt: int = 0) -> Started:
        sandbox = await self.runtime.prepare(pod)
        return await self.runtime.start(pod, main(pod), attempt, sandbox)

    async def ends(self, pod: Pod, attempt: int = 0) -> Exit:
        started = await self.start(pod, attempt)
        with anyio.fail_after(DEADLINE_S):
            return await started.running.wait()

    def output(self, pod: Pod, attempt: int = 0) -> list[str]:
        text = self.logs.path("ns", pod.metadata.name, "main", attempt).read_text()
        return [" ".join(line.split(" ")[1:2] + line.split(" ")[3:]) for line in text.splitlines()]


def main(pod: Pod) -> Container:
    return pod.spec.containers[0]


@asynccontextmanager
async def processes(folder: Path, network: PodNetwork | None = None) -> AsyncIterator[Bench]:
    clock, cache = SystemClock(), NoConfig()
    logs = LogStore(folder / "logs", clock=clock)
    images = ImageStore(folder / "images", clock=clock)
    (folder / "source").mkdir(exist_ok=True)
    (folder / "source" / "a").touch()
    images.build(folder / "source", "dev.local/app", command=["true"], progress=lambda line: None)
    runtime = ProcessPods(
        cache,  # type: ignore[arg-type]
        images=images,
        runtime=ProcessRuntime(folder / "pods", clock=clock),
        logs=logs,
        folder=folder / "pods",
        path=os.environ["PATH"],
        network=network,
    )
    yield Bench(runtime, logs, "dev.local/app", folder)
    await runtime.clean_all()


@asynccontextmanager
async def networked(folder: Path) -> AsyncIterator[Bench]:
    async with (
        podnet.opened(
            folder / "network", forwarded=[], clock=SystemClock(), domain="cluster.local"
        ) as network,
        processes(folder, network) as bench,
    ):
        yield bench


@asynccontextmanager
async def enclosed(folder: Path) -> AsyncIterator[Bench]:
    """As for who is not root."""
    door = door_name(folder)
    hands = partial(KeptHands, door=door, services=IPv4Network("10.96.0.0/12"), lost=lambda: None)
    async with (
        podnet.opened(
            folder / "network",
            forwarded=[],
            clock=SystemClock(),
            domain="cluster.local",
            hands=hands,
        ) as network,
        processes(folder, network) as bench,
    ):
        yield replace(bench, views=False)


@asynccontextmanager
async def engine(folder: Path, env: Mapping[str, str]) -> AsyncIterator[Bench]:
    found = connect.find(env)
    assert found is not None
    clock = SystemClock()
    logs = LogStore(folder / "logs", clock=clock)
    role = build(
        found,
        NoConfig(),  # type: ignore[arg-type]
        folder=folder / "pods",
        logs=logs,
        environ=env,
        clock=clock,
        local_url=str,
    )
    async with anyio.create_task_group() as tasks:
        await tasks.start(role.pods.run)
        client = await role.pods.connect()
        image = await busybox_image(client)
        yield Bench(role.pods, logs, image, folder)
        await role.pods.clean_all()
        tasks.cancel_scope.cancel()


@pytest.fixture(
    params=[
        processes,
        pytest.param(networked, marks=network_missing()),
        pytest.param(enclosed, marks=user_namespaces_missing()),
        pytest.param(PODMAN, marks=engine_missing()),
        pytest.param(DOCKER, marks=[docker_missing(), pytest.mark.long]),
    ]
)
async def bench(request: Any, tmp_path: Path) -> AsyncIterator[Bench]:
    opening = request.param
    if opening == DOCKER:
        opening = partial(engine, env=request.getfixturevalue("docker").environment)
    elif opening == PODMAN:
        opening = partial(engine, env=without_docker(os.environ))
    async with opening(tmp_path) as opened:
        yield opened


async def test_output_and_exit_code(bench: Bench) -> None:
    pod = bench.pod("echo out; echo err >&2; exit 7")
    assert (await bench.ends(pod)).code == 7
    assert sorted(bench.output(pod)) == ["stderr err", "stdout out"]
    await bench.runtime.clean("u-1")


async def test_a_container_is_asked_to_end_and_may_take_its_time(bench: Bench) -> None:
    pod = bench.pod("trap 'echo bye; exit 3' TERM; echo up; while true; do sleep 0.05; done")
    started = await bench.start(pod)
    await wait_until(lambda: _says(bench, pod, "stdout up"), DEADLINE_S)
    started.running.terminate()
    with anyio.fail_after(DEADLINE_S):
        assert (await started.running.wait()).code == 3
    assert bench.output(pod)[-1] == "stdout bye"
    await bench.runtime.clean("u-1")


async def test_a_container_that_does_not_listen_is_killed(bench: Bench) -> None:
    pod = bench.pod("trap '' TERM; echo up; while true; do sleep 0.05; done")
    started = await bench.start(pod)
    await wait_until(lambda: _says(bench, pod, "stdout up"), DEADLINE_S)
    started.running.kill()
    with anyio.fail_after(DEADLINE_S):
        found = await started.running.wait()
        assert found == await started.running.wait(), "asked twice, answered twice"
    assert (found.code, found.signal) == (137, 9)
    await bench.runtime.clean("u-1")


async def test_a_paused_container_stands_still_and_goes_on(bench: Bench) -> None:
    pod = bench.pod("while true; do echo beat; sleep 0.02; done & wait")
    started = await bench.start(pod)
    await wait_until(lambda: _says(bench, pod, "stdout beat"), DEADLINE_S)
    await started.running.pause()
    await _silent(bench, pod)
    await started.running.resume()
    before = len(bench.output(pod))
    await wait_until(lambda: len(bench.output(pod)) > before, DEADLINE_S)
    await started.running.pause()
    started.running.kill()
    with anyio.fail_after(DEADLINE_S):
        assert (await started.running.wait()).code == 137
    await bench.runtime.clean("u-1")


async def test_its_variables_and_its_port(bench: Bench) -> None:
    env = [{"name": "A", "value": "1"}, {"name": "B", "value": "$(A)2"}]
    pod = bench.pod("echo $B $PORT $1", env=env, args=["zero", "$(B)"])
    sandbox = await bench.runtime.prepare(pod)
    assert await bench.runtime.prepare(pod) == sandbox, "prepared once"
    await bench.ends(pod)
    assert bench.output(pod) == [f"stdout 12 {sandbox.ports[8080]} 12"]
    await bench.runtime.clean("u-1")


async def test_a_second_attempt_finds_a_clean_table(bench: Bench) -> None:
    pod = bench.pod("echo run")
    await bench.ends(pod)
    await bench.ends(pod, attempt=1)
    assert bench.output(pod, attempt=1) == ["stdout run"]
    await bench.runtime.clean("u-1")


async def test_a_command_that_is_not_there(bench: Bench) -> None:
    pod = bench.pod("", command=["/not/there"])
    sandbox = await bench.runtime.prepare(pod)
    with pytest.raises(StartFailed) as failed:
        await bench.runtime.start(pod, main(pod), 0, sandbox)
    assert failed.value.code == "RunContainerError"
    assert "/not/there" in failed.value.message
    assert "no such file or directory" in failed.value.message
    await bench.runtime.clean("u-1")


async def test_an_image_that_is_not_there(bench: Bench) -> None:
    pod = bench.pod("true", image="dev.local/nowhere")
    sandbox = await bench.runtime.prepare(pod)
    with pytest.raises(StartFailed) as failed:
        await bench.runtime.start(pod, main(pod), 0, sandbox)
    assert failed.value.code == "ErrImagePull"
    assert "tanebi image build DIR" in failed.value.message
    await bench.runtime.clean("u-1")


async def test_a_variable_from_nowhere(bench: Bench) -> None:
    source = {"configMapKeyRef": {"name": "none", "key": "k"}}
    pod = bench.pod("true", env=[{"name": "A", "valueFrom": source}])
    sandbox = await bench.runtime.prepare(pod)
    with pytest.raises(StartFailed) as failed:
        await bench.runtime.start(pod, main(pod), 0, sandbox)
    assert failed.value.code == "CreateContainerConfigError"
    assert failed.value.message == 'configmap "none" not found'
    await bench.runtime.clean("u-1")


@pytest.mark.parametrize(
    ("script", "code", "words"), [("echo fine", 0, "fine"), ("echo bad >&2; exit 4", 4, "bad")]
)
async def test_a_probes_command(bench: Bench, script: str, code: int, words: str) -> None:
    pod = bench.pod("while true; do sleep 0.05; done")
    sandbox = await bench.runtime.prepare(pod)
    await bench.start(pod)
    found = await bench.runtime.execute(
        pod, main(pod), ["/bin/sh", "-c", script], sandbox, timeout_s=DEADLINE_S
    )
    assert found.exit is not None
    assert (found.exit.code, found.output.strip()) == (code, words)
    await bench.runtime.clean("u-1")


async def test_a_probes_command_that_hangs(bench: Bench) -> None:
    pod = bench.pod("while true; do sleep 0.05; done")
    sandbox = await bench.runtime.prepare(pod)
    await bench.start(pod)
    found = await bench.runtime.execute(pod, main(pod), ["sleep", "60"], sandbox, timeout_s=0.5)
    assert found.exit is None
    assert "timed out" in found.output
    await bench.runtime.clean("u-1")


async def test_pods_have_places_of_their_own(bench: Bench) -> None:
    first = await bench.runtime.prepare(bench.pod("true", uid="u-1"))
    second = await bench.runtime.prepare(bench.pod("true", uid="u-2"))
    assert reached(first) != reached(second)
    for uid in ("u-1", "u-2"):
        await bench.runtime.clean(uid)
        await bench.runtime.clean(uid)


async def test_what_runs_at_the_end_is_ended_with_the_pod(bench: Bench) -> None:
    pod = bench.pod("echo up; while true; do sleep 0.05; done")
    started = await bench.start(pod)
    await wait_until(lambda: _says(bench, pod, "stdout up"), DEADLINE_S)
    await bench.runtime.clean("u-1")
    with anyio.fail_after(DEADLINE_S):
        assert (await started.running.wait()).code == 137


async def _silent(bench: Bench, pod: Pod) -> None:
    """Nothing is said for a while; what was on its way may still arrive."""

    async def quiet() -> bool:
        before = len(bench.output(pod))
        await anyio.sleep(0.3)  # fifteen beats: a silence can only be listened to
        return len(bench.output(pod)) == before

    with anyio.fail_after(DEADLINE_S):
        while not await quiet():
            pass


def reached(sandbox: Sandbox) -> tuple[str, int]:
    return sandbox.address, sandbox.ports[8080]


def _says(bench: Bench, pod: Pod, line: str) -> bool:
    path = bench.logs.path("ns", pod.metadata.name, "main", 0)
    return path.exists() and line in bench.output(pod)


async def _told(session: Session) -> bytes:
    with anyio.fail_after(DEADLINE_S):
        return b"".join([data async for _, data in session.output()])


async def test_a_persons_command_beside_the_container(bench: Bench) -> None:
    pod = bench.pod("exec sleep 60")
    await bench.start(pod)
    sandbox = await bench.runtime.prepare(pod)

    async def run(*command: str, wish: Wish) -> Session:
        return await bench.runtime.session(pod, main(pod), command, sandbox, wish)

    data = os.urandom(300_000)
    echo = await run("cat", wish=Wish(stdin=True))

    async def write() -> None:
        await echo.write(data)
        await echo.write_end()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(write)
        assert await _told(echo) == data
    assert await echo.wait() == 0
    await echo.close()
    failing = await run("sh", "-c", "echo $$; exit 9", wish=Wish())
    assert (await _told(failing)).strip().isdigit()
    assert await failing.wait() == 9
    await failing.close()
    terminal = await run("sh", "-c", "[ -t 0 ] && read x && echo got $x", wish=Wish(True, tty=True))
    await terminal.resize(80, 24)
    await terminal.write(b"word\r")
    assert b"got word\r\n" in await _told(terminal)
    await terminal.close()
    await bench.runtime.clean("u-1")


async def test_attached_to_a_container(bench: Bench) -> None:
    pod = bench.pod("while read line; do echo got $line; done; exit 4", stdin=True, stdinOnce=True)
    started = await bench.start(pod)
    session = await started.running.attach(Wish(stdin=True))
    await session.write(b"one\n")
    await session.write_end()
    assert await _told(session) == b"got one\n"
    assert await session.wait() == 4
    await session.close()
    await bench.runtime.clean("u-1")


async def test_what_a_container_wrote_is_counted(bench: Bench) -> None:
    pod = bench.pod(
        "cd ${TMPDIR:-/}; busybox dd if=/dev/zero of=f bs=1000 count=3000; echo up; exec sleep 60"
    )
    await bench.start(pod)
    await wait_until(lambda: _says(bench, pod, "stdout up"), DEADLINE_S)
    assert 3_000_000 <= (await bench.runtime.written(pod))["main"] < 4_000_000
    await bench.runtime.clean("u-1")


VIEWS: list[tuple[str, Obj, str]] = [
    ("id -u; echo", {"securityContext": {"runAsUser": 1234}}, "1234"),
    ("id -g", {"securityContext": {"runAsUser": 1234, "runAsGroup": 77}}, "77"),
    (
        "busybox touch /etc/x 2>/dev/null || echo no",
        {"securityContext": {"readOnlyRootFilesystem": True}},
        "no",
    ),
    (
        "busybox grep CapEff /proc/self/status",
        {"securityContext": {"capabilities": {"drop": ["ALL"]}}},
        "CapEff: 0000000000000000",
    ),
    (
        "busybox grep CapBnd /proc/self/status",
        {"securityContext": {"capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}}},
        "CapBnd: 0000000000000400",
    ),
    (
        "busybox grep NoNewPrivs /proc/self/status",
        {"securityContext": {"allowPrivilegeEscalation": False}},
        "NoNewPrivs: 1",
    ),
    (
        "echo hi > /data/x/f; cat /data/x/f",
        {"volumeMounts": [{"name": "v", "mountPath": "/data/x"}]},
        "hi",
    ),
    (
        "echo hi > /etc/made/here/f; cat /etc/made/here/f",
        {
            "volumeMounts": [{"name": "v", "mountPath": "/etc/made/here"}],
            "securityContext": {"readOnlyRootFilesystem": True, "runAsUser": 1234},
        },
        "hi",
    ),
]


@network_missing()
@pytest.mark.parametrize(("script", "container", "words"), VIEWS)
async def test_what_a_container_sees_and_may_do(
    bench: Bench, script: str, container: Obj, words: str
) -> None:
    pod = bench.pod(script, spec={"volumes": [{"name": "v", "emptyDir": {}}]}, **container)
    if not bench.views:
        told = {note.reason for note in bench.runtime.notes(main(pod))}
        assert told & {"FailedMount", "SecurityContextIgnored"}
        return
    exit = await bench.ends(pod)
    said = [line.replace("\t", " ") for line in bench.output(pod)]
    assert f"stdout {words}" in said, (exit, said)
    await bench.runtime.clean("u-1")
    assert not Path("/etc/made").exists()


@network_missing()
async def test_a_container_that_takes_too_much_memory(bench: Bench) -> None:
    # The shell's own limit ends it where the group's does not hold.
    eat = 'ulimit -v 2000000; x=0123456789abcdef; while true; do x="$x$x"; done'
    pod = bench.pod(eat, resources={"limits": {"memory": "24Mi", "cpu": "1"}})
    found = await bench.ends(pod)
    assert (found.code, found.reason) == (137, "OOMKilled")
    await bench.runtime.clean("u-1")
