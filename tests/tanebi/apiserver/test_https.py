"""The HTTPS door: TLS, token, limits, streams, and the real kubectl through it."""

from __future__ import annotations

import shutil
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio
import httpx
import orjson
import pytest

from tanebi.apiserver import kubeconfig, pki
from tanebi.apiserver.https import HttpsDoor, listen
from tanebi.base.clock import SystemClock
from tanebi.base.errors import UserError
from tanebi.testing.waiting import wait_until
from tests.tanebi.apiserver.calling import CONFIG_MAPS, WIDGETS, Api, config_map, widget

pytestmark = pytest.mark.anyio

TOKEN = "a-token-of-some-length"
KUBECTL = shutil.which("kubectl")
kubectl_test = pytest.mark.kubectl
needs_kubectl = pytest.mark.skipif(KUBECTL is None, reason="kubectl is not installed")


@dataclass
class Door:
    """A server behind TLS, and how to reach it."""

    api: Api
    url: str
    folder: Path
    keys: pki.Pki
    scope: anyio.CancelScope

    @asynccontextmanager
    async def client(self, token: str = TOKEN) -> AsyncIterator[httpx.AsyncClient]:
        context = ssl.create_default_context(cadata=self.keys.ca_pem.decode())
        headers = {"authorization": f"Bearer {token}"} if token else {}
        async with httpx.AsyncClient(
            base_url=self.url, verify=context, headers=headers, timeout=10
        ) as client:
            yield client

    async def kubectl(self, *args: str, stdin: str = "", fails: bool = False) -> str:
        """What it printed; standard error too when it failed as expected."""
        assert KUBECTL is not None
        done = await anyio.run_process(
            [KUBECTL, "--kubeconfig", str(self.folder / "kubeconfig"), *args],
            input=stdin.encode(),
            check=False,
            env={"HOME": str(self.folder), "PATH": "/usr/bin:/bin"},
        )
        text = done.stdout.decode() + done.stderr.decode()
        assert (done.returncode != 0) == fails, text
        return text


@pytest.fixture
async def door(running: Api, tmp_path: Path) -> AsyncIterator[Door]:
    keys = pki.ensure(tmp_path / "pki", now=SystemClock().wall())
    sock = listen("127.0.0.1", 0)
    served = HttpsDoor(running.server, sock, keys, token=TOKEN)
    url = f"https://127.0.0.1:{served.port}"
    kubeconfig.write(tmp_path / "kubeconfig", server=url, ca_pem=keys.ca_pem, token=TOKEN)
    async with anyio.create_task_group() as group:
        await group.start(served.run)
        yield Door(running, url, tmp_path, keys, group.cancel_scope)
        group.cancel_scope.cancel()


async def test_only_the_token_opens_it(door: Door) -> None:
    for token in ("", "wrong", TOKEN[:-1], TOKEN + "x"):
        async with door.client(token) as client:
            answer = await client.get("/api/v1/namespaces")
            assert answer.status_code == 401
            assert answer.json()["reason"] == "Unauthorized"
            assert (await client.get("/readyz")).text == "ok"
    async with door.client() as client:
        answer = await client.get("/api/v1/namespaces")
        assert (answer.status_code, answer.json()["kind"]) == (200, "NamespaceList")


async def test_requests_arrive_whole(door: Door) -> None:
    async with door.client() as client:
        answer = await client.post(CONFIG_MAPS, json=config_map("a", x="ü"))
        assert answer.status_code == 201
        listed = await client.get("/api/v1/configmaps", params={"fieldSelector": "metadata.name=a"})
        assert [i["data"] for i in listed.json()["items"]] == [{"x": "ü"}]
        gone = await client.request("DELETE", f"{CONFIG_MAPS}/a", json={"propagationPolicy": "x"})
        assert gone.status_code == 422
        assert (await client.head("/version")).content == b""
        warned = await client.post(WIDGETS, json=widget("a", spec={"coloür": "x"}))
        assert warned.headers["warning"].startswith("299 - ")


async def test_large_bodies_are_refused_early(door: Door) -> None:
    async with door.client() as client:
        declared = await client.post(CONFIG_MAPS, content=b" " * (3 * 1024 * 1024 + 1))
        assert (declared.status_code, declared.json()["code"]) == (413, 413)

        async def endless() -> AsyncIterator[bytes]:
            for _ in range(100):
                yield b" " * 65536

        streamed = await client.post(CONFIG_MAPS, content=endless())
        assert streamed.status_code == 413


async def test_a_watch_streams_and_is_forgotten_when_its_client_goes(door: Door) -> None:
    async with door.client() as client:
        async with client.stream("GET", CONFIG_MAPS, params={"watch": "1"}) as answer:
            assert answer.status_code == 200
            lines = answer.aiter_lines()
            await door.api.ok("POST", CONFIG_MAPS, config_map("a"))
            with anyio.fail_after(5):
                assert orjson.loads(await anext(lines))["object"]["metadata"]["name"] == "a"
            assert door.api.store.watcher_count == 1
    await wait_until(lambda: door.api.store.watcher_count == 0)


async def test_stopping_ends_watches_at_once(running: Api, tmp_path: Path) -> None:
    keys = pki.ensure(tmp_path / "pki", now=SystemClock().wall())
    sock = listen("127.0.0.1", 0)
    served = HttpsDoor(running.server, sock, keys, token=TOKEN)
    door = Door(running, f"https://127.0.0.1:{served.port}", tmp_path, keys, anyio.CancelScope())
    ended = anyio.Event()

    async def follow() -> None:
        async with door.client() as client:
            async with client.stream("GET", CONFIG_MAPS, params={"watch": "1"}) as answer:
                assert [line async for line in answer.aiter_lines()] == []
        ended.set()

    async with anyio.create_task_group() as outer:
        async with anyio.create_task_group() as group:
            await group.start(served.run)
            outer.start_soon(follow)
            await wait_until(lambda: running.store.watcher_count == 1)
            group.cancel_scope.cancel()
        with anyio.fail_after(5):
            await ended.wait()
    assert sock.fileno() == -1


async def test_a_bug_is_a_status_too(door: Door) -> None:
    door.api.server._rest = None  # type: ignore[assignment]
    async with door.client() as client:
        answer = await client.get("/api/v1/pods")
        assert (answer.status_code, answer.json()["reason"]) == (500, "InternalError")


def test_a_port_that_is_taken_is_said_so() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(UserError, match="cannot listen on") as raised:
            listen("127.0.0.1", other.getsockname()[1])
    assert "--api-port" in raised.value.hint
    with pytest.raises(UserError) as raised:
        listen("203.0.113.1", 0)  # an address of the documentation, never ours
    assert "--host" in raised.value.hint


# --- kubectl --------------------------------------------------------------------------------------

DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: c, image: dev.local/x, ports: [{containerPort: 80}]}]
"""
WIDGET = """
apiVersion: tanebi.dev/v1
kind: Widget
metadata: {name: w}
spec: {size: 3}
"""


@kubectl_test
@needs_kubectl
async def test_kubectl_applies_shows_and_deletes(door: Door) -> None:
    both = f"{DEPLOYMENT}---{WIDGET}"
    assert await door.kubectl("apply", "-f", "-", stdin=both) == (
        "deployment.apps/web created\nwidget.tanebi.dev/w created\n"
    )
    assert "web unchanged" in await door.kubectl("apply", "-f", "-", stdin=DEPLOYMENT)
    changed = DEPLOYMENT.replace("replicas: 2", "replicas: 3")
    assert "+  replicas: 3" in await door.kubectl("diff", "-f", "-", stdin=changed, fails=True)
    assert "web configured" in await door.kubectl("apply", "-f", "-", stdin=changed)
    shown = await door.kubectl("get", "deploy,wd")
    assert "deployment.apps/web" in shown
    assert "SIZE" in shown
    described = await door.kubectl("describe", "deploy", "web")
    assert "Replicas:               3 desired" in described
    assert "deployment.apps/web" in await door.kubectl("get", "all", "-o", "name")
    deleted = await door.kubectl("delete", "deploy/web", "wd/w")
    assert 'deployment.apps "web" deleted' in deleted
    assert "NotFound" in await door.kubectl("get", "wd", "w", fails=True)


@kubectl_test
@needs_kubectl
async def test_kubectl_patches_in_every_way(door: Door) -> None:
    await door.kubectl("apply", "-f", "-", stdin=f"{DEPLOYMENT}---{WIDGET}")
    await door.kubectl("patch", "wd", "w", "--type=merge", "-p", '{"spec":{"size":4}}')
    patch = '[{"op":"add","path":"/spec/colour","value":"blue"}]'
    await door.kubectl("patch", "wd", "w", "--type=json", "-p", patch)
    path = "jsonpath={.spec.size}{.spec.colour}"
    assert await door.kubectl("get", "wd", "w", "-o", path) == "4blue"
    strategic = '{"spec":{"template":{"spec":{"containers":[{"name":"c","image":"i"}]}}}}'
    await door.kubectl("patch", "deploy", "web", "-p", strategic)
    containers = "jsonpath={.spec.template.spec.containers[*].image}"
    assert await door.kubectl("get", "deploy", "web", "-o", containers) == "i"
    await door.kubectl("scale", "deploy", "web", "--replicas=5")
    assert await door.kubectl("get", "deploy", "web", "-o", "jsonpath={.spec.replicas}") == "5"
    await door.kubectl("label", "wd", "w", "a=b")
    await door.kubectl("annotate", "wd", "w", "c=d")
    assert "widget.tanebi.dev/w" in await door.kubectl("get", "wd", "-l", "a=b", "-o", "name")
    refused = await door.kubectl("apply", "--server-side", "-f", "-", stdin=WIDGET, fails=True)
    assert 'conflict with "kubectl-patch"' in refused
    forced = ("apply", "--server-side", "--force-conflicts", "-f", "-")
    assert "serverside-applied" in await door.kubectl(*forced, stdin=WIDGET)


@kubectl_test
@needs_kubectl
async def test_kubectl_learns_what_there_is(door: Door) -> None:
    resources = await door.kubectl("api-resources")
    assert "widgets" in resources
    assert "wd" in resources
    explained = await door.kubectl("explain", "widget.spec")
    assert "colour\t<string>" in explained
    assert "ownerReferences" in await door.kubectl("explain", "cm.metadata")
    assert "+tanebi" in await door.kubectl("version")
    assert "widgets.tanebi.dev" in await door.kubectl("get", "crd")


@kubectl_test
@needs_kubectl
async def test_kubectl_is_told_what_is_wrong(door: Door) -> None:
    typo = WIDGET.replace("size:", "sise:")
    refused = await door.kubectl("apply", "-f", "-", stdin=typo, fails=True)
    assert 'strict decoding error: unknown field "spec.sise"' in refused
    refused = await door.kubectl("apply", "-f", "-", stdin=WIDGET.replace("3", "-3"), fails=True)
    assert "denied the request: validation failed: invalid value: -3: spec.size" in refused
    warned = await door.kubectl(
        "apply", "-f", "-", stdin=WIDGET.replace("size: 3", "colour: beige")
    )
    assert "Warning: beige is dull: spec.colour" in warned
    dry = await door.kubectl("apply", "--dry-run=server", "-f", "-", stdin=DEPLOYMENT)
    assert "created (server dry run)" in dry
    assert "namespace/x created" in await door.kubectl("create", "ns", "x")


@kubectl_test
@needs_kubectl
async def test_kubectl_watches_and_waits(door: Door) -> None:
    await door.kubectl("apply", "-f", "-", stdin=WIDGET)
    watched: list[str] = []

    async def watch() -> None:
        watched.append(await door.kubectl("get", "wd", "-w", "--request-timeout=2s"))

    with anyio.fail_after(30):
        async with anyio.create_task_group() as group:
            group.start_soon(watch)
            await wait_until(lambda: door.api.store.watcher_count > 0)
            merge = {"content-type": "application/merge-patch+json"}
            ready = {"status": {"conditions": [{"type": "Ready", "status": "True"}]}}
            await door.api.ok("PATCH", f"{WIDGETS}/w/status", ready, headers=merge)
            waited = await door.kubectl("wait", "wd/w", "--for=condition=Ready", "--timeout=5s")
            assert "condition met" in waited
    assert [line.split() for line in watched[0].splitlines()][:3] == [
        ["NAME", "SIZE", "READY"],
        ["w", "3"],
        ["w", "3", "True"],
    ]


@kubectl_test
@needs_kubectl
async def test_kubectl_waits_for_a_namespace_to_be_gone(door: Door) -> None:
    stdin = "apiVersion: v1\nkind: Namespace\nmetadata: {name: space}\n---\n" + WIDGET.replace(
        "name: w", "name: w, namespace: space"
    )
    await door.kubectl("apply", "-f", "-", stdin=stdin)
    assert "deleted" in await door.kubectl("delete", "ns", "space")
    assert "NotFound" in await door.kubectl("get", "ns", "space", fails=True)
