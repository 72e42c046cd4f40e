"""The seam to kept output."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from tanebi.api.logs import LoggedPod, LogOptions, LogSource, NoLogs
from tanebi.api.selectors import Selector
from tanebi.base.errors import UserError


class Nothing:
    async def open(self, namespace: str, pod: str, options: LogOptions) -> AsyncIterator[bytes]:
        raise NoLogs(f'pods "{pod}" not found', pod_unknown=True)

    def pods(self, namespace: str | None, selector: Selector) -> Sequence[LoggedPod]:
        return ()


def test_the_seam() -> None:
    source: LogSource = Nothing()
    assert source.pods(None, Selector()) == ()
    error = NoLogs("waiting to start")
    assert isinstance(error, UserError)
    assert (error.code, error.pod_unknown) == ("no-logs", False)
    assert LogOptions() == LogOptions(container="", follow=False, tail_lines=None)
