"""What is no object: health, metrics, logs, limits; and that nothing escapes `handle`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import anyio
import orjson
import pytest

from tanebi.api.logs import LoggedPod, LogOptions, NoLogs
from tanebi.api.selectors import Selector
from tanebi.apiserver.server import IN_FLIGHT_MAX
from tanebi.apiserver.user import ADMIN
from tanebi.kube.transport import Request, Stream
from tests.tanebi.apiserver.calling import Api

pytestmark = pytest.mark.anyio

LOG = "/api/v1/namespaces/default/pods/p/log"


class Logs:
    """Keeps what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[LogOptions] = []

    async def open(self, namespace: str, pod: str, options: LogOptions) -> AsyncIterator[bytes]:
        if pod == "gone":
            raise NoLogs('pods "gone" not found', pod_unknown=True)
        if options.container == "other":
            raise NoLogs(f"container other is not valid for pod {pod}")
        self.asked.append(options)
        return self._lines()

    async def _lines(self) -> AsyncIterator[bytes]:
        yield b"one\n"
        yield b"two\n"

    def pods(self, namespace: str | None, selector: Selector) -> Sequence[LoggedPod]:
        return []


@pytest.mark.parametrize("path", ["/healthz", "/livez", "/readyz"])
async def test_health(api: Api, path: str) -> None:
    answer = await api("GET", path)
    assert (answer.status, answer.body) == (200, b"ok")


async def test_metrics(api: Api) -> None:
    answer = await api("GET", "/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    assert b"# HELP" in answer.body


@pytest.mark.parametrize("path", ["/", "/nothing", "/api/v2", "/apis/none", "/openapi/v3/none"])
async def test_there_is_nothing_else(api: Api, path: str) -> None:
    status = await api.refused(404, "GET", path)
    assert status["message"] == "the server could not find the requested resource"


async def test_documents_are_read_only(api: Api) -> None:
    await api.refused(405, "POST", "/version", {})


async def test_logs(api: Api) -> None:
    logs = api.server.logs = Logs()
    query = {"follow": "true", "tailLines": "3", "container": "c"}
    answer = await api.server.handle(Request("GET", LOG, query), api.user)
    assert isinstance(answer, Stream)
    assert answer.headers["content-type"].startswith("text/plain")
    assert b"".join([chunk async for chunk in answer.chunks]) == b"one\ntwo\n"
    assert logs.asked == [LogOptions(container="c", follow=True, tail_lines=3)]
    await api.refused(404, "GET", LOG.replace("/p/", "/gone/"))
    await api.refused(400, "GET", LOG, query={"container": "other"})
    await api.refused(400, "GET", LOG, query={"tailLines": "-1"})
    await api.refused(405, "DELETE", LOG)


async def test_without_a_kubelet_there_are_no_logs(api: Api) -> None:
    await api.refused(400, "GET", LOG)


async def test_too_many_at_once_are_told_to_come_back(api: Api) -> None:
    answers: list[int] = []

    async def write(n: int) -> None:
        body = {"metadata": {"name": f"n{n}"}}
        request = Request("POST", "/api/v1/namespaces", {}, {}, orjson.dumps(body))
        answer = await api.server.handle(request, ADMIN)
        answers.append(answer.status)
        if answer.status == 429:
            assert answer.headers["retry-after"] == "1"

    async with anyio.create_task_group() as group:
        for n in range(IN_FLIGHT_MAX + 5):
            group.start_soon(write, n)
    assert (answers.count(201), answers.count(429)) == (IN_FLIGHT_MAX, 5)
