"""Lines of the request log, from a request to a batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from activator import requestlog
from activator.frames import Line
from activator.requestlog import LINE_CHARS_MAX, RequestLog, of_parts
from serving.api.request_template import Logged, Template
from tanebi.testing.waiting import wait_until

pytestmark = pytest.mark.anyio


class Kept:
    def __init__(self, template: str, *, probes: bool = False) -> None:
        self.batches: list[Sequence[Line]] = []
        self.log = RequestLog(Template(template), probes=probes, hand_on=self.batches.append)

    @property
    def lines(self) -> list[Line]:
        return [line for batch in self.batches for line in batch]


async def test_lines_that_come_together_go_together() -> None:
    kept = Kept("{{.Request.Method}}\n")
    for method in ("GET", "PUT"):
        kept.log.write(Logged(method, namespace="ns", pod_name="p"))
    assert kept.batches == []
    await wait_until(lambda: kept.batches)
    assert kept.batches == [[("ns", "p", "GET"), ("ns", "p", "PUT")]]
    kept.log.flush()
    assert len(kept.batches) == 1


async def test_many_do_not_wait_and_long_ones_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requestlog, "BATCH_CHARS_MAX", 8)
    kept = Kept("{{.Request.RequestURI}}")
    kept.log.write(Logged(uri="/abc"))
    kept.log.write(Logged(uri="/" * (LINE_CHARS_MAX + 5)))
    (batch,) = kept.batches
    assert [len(text) for _, _, text in batch] == [4, LINE_CHARS_MAX]


async def test_what_fails_only_now_is_told_in_the_line() -> None:
    kept = Kept("{{if .Request.Method}}{{lt .Request.Method 3}}{{end}}")
    kept.log.write(Logged("GET", "/a", code=200, latency_s=1.0))
    kept.log.flush()
    assert kept.lines[0][2] == (
        "Invalid request log template: method: GET, response code: 200, latency: 1, url: /a"
    )


async def test_of_whom_it_speaks(world: Any) -> None:
    async with world() as w:
        w.pods(("10.0.0.1", 80))
        found = of_parts(
            w.backend,
            ("10.0.0.1", 80),
            b"GET",
            b"/",
            b"h",
            ((b"host", b"h"), (b"x-a", b"1"), (b"X-A", b"\xff")),
            proto="HTTP/1.1",
            remote="",
            length=0,
            code=200,
            size=1,
            latency_s=0.0,
        )
        assert (found.namespace, found.name, found.pod_ip) == ("default", "hello-00001", "10.0.0.1")
        assert found.header == {"X-A": ["1", "\ufffd"]}
