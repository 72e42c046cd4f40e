"""The protobuf wire format: bytes to numbered values. Pure.

It knows no messages: tanebi.apiserver.protobuf.decode gives numbers their meaning. Nothing here recurses, and every read counts
against a budget.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

VARINT: Final = 0
FIXED64: Final = 1
BYTES: Final = 2
GROUP_START: Final = 3
GROUP_END: Final = 4
FIXED32: Final = 5

# In one body, unknown ones too: bounds how long the loop is held. A Pod with everything set has under 2000.
VALUES_MAX: Final = 100_000
DEPTH_MAX: Final = 100  # of messages: a schema may hold schemas
_VARINT_BYTES_MAX: Final = 10
_NUMBER_MAX: Final = (1 << 29) - 1
_MASK_64: Final = (1 << 64) - 1


class Malformed(Exception):
    """The bytes are not what they should be. `path` leads to the field, as far as it is known."""

    def __init__(self, problem: str, path: tuple[str, ...] = ()) -> None:
        super().__init__(problem)
        self.problem = problem
        self.path = path

    def __str__(self) -> str:
        return f"{'.'.join(self.path)}: {self.problem}" if self.path else self.problem

    def below(self, name: str) -> Malformed:
        return Malformed(self.problem, (name, *self.path) if name else self.path)


@dataclass(slots=True)
class Budget:
    """How many values may still be read, and how deep messages stand in each other."""

    left: int = VALUES_MAX
    depth: int = 0

    def spend(self) -> None:
        """Raises Malformed."""
        self.left -= 1
        if self.left < 0:
            raise Malformed(f"over {VALUES_MAX} values")

    def enter(self) -> None:
        """Raises Malformed."""
        self.depth += 1
        if self.depth > DEPTH_MAX:
            raise Malformed(f"nested deeper than {DEPTH_MAX}")

    def leave(self) -> None:
        self.depth -= 1


def values(data: bytes, budget: Budget) -> Iterator[tuple[int, int, int | bytes]]:
    """(field number, wire type, value) of each field: varints as unsigned 64-bit numbers, all else as bytes. Groups, which
    Kubernetes' types do not have, are skipped. Raises Malformed."""
    at, size, open_groups = 0, len(data), 0
    while at < size:
        budget.spend()
        tag, at = _varint(data, at)
        number, wire_type = tag >> 3, tag & 7
        if not 0 < number <= _NUMBER_MAX:
            raise Malformed(f"illegal field number {number}")
        value: int | bytes = b""
        if wire_type == VARINT:
            value, at = _varint(data, at)
        elif wire_type == GROUP_START:
            open_groups += 1
            continue
        elif wire_type == GROUP_END:
            open_groups -= 1
            if open_groups < 0:
                raise Malformed("a group ends that did not begin")
            continue
        else:
            length, at = _length(data, at, wire_type)
            if length > size - at:
                raise Malformed("the bytes end early")
            value = data[at : at + length]
            at += length
        if not open_groups:
            yield number, wire_type, value
    if open_groups:
        raise Malformed("the bytes end inside a group")


def numbers(data: bytes, budget: Budget) -> Iterator[int]:
    """Varints one after the other: a packed list. Raises Malformed."""
    at = 0
    while at < len(data):
        budget.spend()
        value, at = _varint(data, at)
        yield value


def signed(value: int, bits: int) -> int:
    """The two's complement number in the lowest `bits`."""
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def _length(data: bytes, at: int, wire_type: int) -> tuple[int, int]:
    if wire_type == BYTES:
        return _varint(data, at)
    if wire_type == FIXED64:
        return 8, at
    if wire_type == FIXED32:
        return 4, at
    raise Malformed(f"illegal wire type {wire_type}")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    for byte in data[at : at + _VARINT_BYTES_MAX]:
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & _MASK_64, at
        shift += 7
    if shift == 7 * _VARINT_BYTES_MAX:
        raise Malformed("a number is longer than 64 bits")
    raise Malformed("the bytes end early")
