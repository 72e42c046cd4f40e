"""Structured logging: one line a state change, none a request."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Iterator
from typing import Any, TextIO, cast


@contextlib.contextmanager
def _hidden(module: str) -> Iterator[None]:
    """Imports inside do not find `module`."""
    known = sys.modules.get(module)
    sys.modules[module] = None  # type: ignore[assignment]  # what the import system asks for
    try:
        yield
    finally:
        if known is None:
            del sys.modules[module]
        else:
            sys.modules[module] = known


with _hidden(
    "rich"
):  # for tracebacks in colours, which we do not print: 50 ms and 5 MB of a process
    import structlog


class Forgiving:
    """A text stream whose reader may be gone and whose disk may be full: the line is lost, never the work it speaks of."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            self._stream.flush()


def configure(*, level: str = "info", json: bool = False) -> None:
    """Send structlog's lines to standard error, as key=value or as JSON."""
    number = logging.getLevelNamesMapping().get(level.upper(), logging.INFO)
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(file=cast(TextIO, Forgiving(sys.stderr))),
        cache_logger_on_first_use=False,
    )


def get_logger(component: str) -> Any:
    """A logger whose lines carry `component`. Keys: ns name kind uid rev trace."""
    return structlog.get_logger(component=component)
