"""A real API server over HTTPS for commands to talk to, and a way to call commands."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import anyio
import pytest
import yaml
from anyio import TASK_STATUS_IGNORED
from anyio.abc import TaskStatus
from anyio.from_thread import start_blocking_portal

import eventing.api
import importers.api
import serving.api
from tanebi.api.core.kinds import KINDS as CORE_KINDS
from tanebi.api.podstreams import PodStreams
from tanebi.apiserver import kubeconfig, pki
from tanebi.apiserver.bootstrap import bootstrap
from tanebi.apiserver.https import HttpsDoor, listen
from tanebi.apiserver.server import ApiServer
from tanebi.apiserver.store import Store
from tanebi.base.clock import SystemClock
from tanebi.base.rng import system_rng
from tanebi.base.settings import DataDir
from tanebi.cli.client import Api
from tanebi.cli.main import run
from tanebi.kubelet.logs import LogStore

KINDS = (*CORE_KINDS, *serving.api.KINDS, *eventing.api.KINDS, *importers.api.KINDS)
CONFIGS = (*serving.api.CONFIGS, *eventing.api.CONFIGS, *importers.api.CONFIGS)


@dataclass(frozen=True)
class Called:
    """What one command did."""

    code: int
    out: str
    err: str


class Shell:
    """Calls `tanebi` in this process, through the same entry as the console script."""

    def __init__(
        self, home: DataDir, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.home = home
        self._capsys = capsys
        self._monkeypatch = monkeypatch

    def __call__(self, *words: str, stdin: str = "") -> Called:
        self._capsys.readouterr()
        self._monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        self._monkeypatch.setenv("TANEBI_DATA_DIR", str(self.home.root))
        code = run(list(words))
        captured = self._capsys.readouterr()
        assert "Traceback" not in captured.err
        return Called(code, captured.out, captured.err)

    def good(self, *words: str, stdin: str = "") -> str:
        called = self(*words, stdin=stdin)
        assert called.code == 0, called.err
        return called.out

    def apply(self, *objects: dict[str, Any]) -> str:
        return self.good("apply", "-f", "-", stdin=yaml.safe_dump_all(objects))

    @property
    def api(self) -> Api:
        return Api.of(self.home)

    def set_status(self, path: str, status: dict[str, Any]) -> dict[str, Any]:
        """What a controller would write."""
        api = self.api
        found: dict[str, Any] = api.call(
            "PATCH",
            f"{path}/status",
            body={"status": status},
            content_type="application/merge-patch+json",
        )
        api.close()
        return found


@contextmanager
def api_server(home: DataDir, streams: PodStreams | None = None) -> Iterator[None]:
    """Serve from a thread of its own; writes kubeconfig and endpoints.json as `tanebi up` does. `streams`: those of pods."""
    home.root.mkdir(parents=True)
    with start_blocking_portal("asyncio", {"use_uvloop": True}) as portal:
        task, _ = portal.start_task(_serve, home, streams)
        yield
        task.cancel()


async def _serve(
    home: DataDir,
    streams: PodStreams | None,
    *,
    task_status: TaskStatus[None] = TASK_STATUS_IGNORED,
) -> None:
    clock = SystemClock()
    logs = LogStore(home.logs, clock=clock)
    store = Store.open(home.api_db)
    server = ApiServer(
        store, KINDS, CONFIGS, clock=clock, rng=system_rng(), logs=logs, streams=streams
    )
    certificates = pki.ensure(home.pki, now=clock.wall())
    token = kubeconfig.ensure_token(home.pki)
    door = HttpsDoor(server, listen("127.0.0.1", 0), certificates, token=token)
    try:
        async with anyio.create_task_group() as tasks:
            await tasks.start(server.run)
            await bootstrap(server, CONFIGS)
            await tasks.start(door.run)
            url = f"https://127.0.0.1:{door.port}"
            kubeconfig.write(home.kubeconfig, server=url, ca_pem=certificates.ca_pem, token=token)
            announced = {"gateway": "http://127.0.0.1:1", "api": url, "pid": 1}
            home.endpoints.write_text(json.dumps(announced))
            task_status.started()
            await anyio.sleep_forever()
    finally:
        store.close()
