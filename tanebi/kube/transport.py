"""How a request reaches an API server: embedded (a function call), over the network, or through a fault injector.

A transport moves bytes and knows no kinds. One contract suite holds for all: tests/contract/test_kube_api.py.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Request:
    """One call. `path` is absolute and percent-encoded; query values are not. Header names are lower case."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Response:
    """A whole answer. Header names are lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Stream:
    """An answer whose body keeps coming (watch, followed logs). Chunks need not be whole lines."""

    status: int
    headers: Mapping[str, str]
    chunks: AsyncIterator[bytes]


class Transport(Protocol):
    async def request(self, request: Request, *, timeout_s: float) -> Response:
        """Raises tanebi.kube.errors.Unreachable when no answer came; the request may have been carried out."""

    def stream(self, request: Request) -> AbstractAsyncContextManager[Stream]:
        """Open a stream; leaving the context ends it. Raises Unreachable when it could not be opened."""
