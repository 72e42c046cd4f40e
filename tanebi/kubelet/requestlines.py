"""Keeps the lines of the request log: those of a pod as the output of its `queue-proxy`, which is shown and not run.

Lines of requests that no pod had, or whose pod is not known here, go to `requests.log` beside the pods' folders. Files are
bounded and rotated as those of containers (tanebi.kubelet.logfile). Caller: tanebi.up.platform.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tanebi.base.clock import Clock
from tanebi.base.log import get_logger
from tanebi.kubelet.logfile import LogWriter, Splitter, stamp_of
from tanebi.kubelet.logs import LogStore

CONTAINER: Final = "queue-proxy"

_log = get_logger("logs")


class RequestLines:
    def __init__(self, store: LogStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def keep(self, lines: Sequence[tuple[str, str, str]]) -> None:
        """Namespace, pod or nothing, and text of each. Goes to the page cache; what cannot be written is told and lost."""
        stamp = stamp_of(self._clock.wall())
        texts: dict[tuple[str, str], list[str]] = {}
        for namespace, pod, text in lines:
            texts.setdefault((namespace, pod), []).append(text)
        for (namespace, pod), found in texts.items():
            path = self._store.shown_path(namespace, pod, CONTAINER)
            data = "".join(f"{text}\n" for text in found).encode()
            try:
                writer = LogWriter(path)
            except OSError as error:
                _log.warning("request log not kept", path=str(path), error=str(error))
                continue
            writer.write(Splitter("stdout").feed(data, stamp))
            if writer.lost_bytes:
                _log.warning("request log not kept", path=str(path), bytes=writer.lost_bytes)
            writer.close()
