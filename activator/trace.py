"""The beginnings of traces: a `traceparent` for a request that brings none (W3C Trace Context).

Pure: chance is passed in. Drawing each id alone would cost as much as the rest of the head, so they are cut from a supply.
The sampled flag is set: with it unset, an app whose sampler follows its parent would record nothing at all.
Caller: activator.proxy.
"""

from __future__ import annotations

from typing import Final, Protocol

IDS_AT_ONCE: Final = 256
_ID: Final = 48  # hexadecimal digits: 32 of the trace, 16 of the parent


class Bytes(Protocol):
    """A source of chance."""

    def randbytes(self, n: int, /) -> bytes: ...


class TraceParents:
    """Gives header lines, each ended and each another one."""

    __slots__ = ("_at", "_digits", "_rng")

    def __init__(self, rng: Bytes) -> None:
        self._rng = rng
        self._digits = b""
        self._at = 0

    def line(self) -> bytes:
        at = self._at
        if at == len(self._digits):
            self._digits, at = self._rng.randbytes(IDS_AT_ONCE * _ID // 2).hex().encode(), 0
        self._at = at + _ID
        digits = self._digits
        return b"traceparent: 00-%b-%b-01\r\n" % (digits[at : at + 32], digits[at + 32 : at + _ID])
