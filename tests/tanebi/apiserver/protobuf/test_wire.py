from __future__ import annotations

import pytest

from tanebi.apiserver.protobuf.wire import Budget, Malformed, numbers, signed, values


def test_values_of_each_wire_type() -> None:
    data = b"\x08\x96\x01" + b"\x12\x02hi" + b"\x1d1234" + b"\x2112345678"
    assert list(values(data, Budget())) == [
        (1, 0, 150),
        (2, 2, b"hi"),
        (3, 5, b"1234"),
        (4, 1, b"12345678"),
    ]


def test_groups_are_skipped() -> None:
    assert list(values(b"\x0b\x13\x08\x01\x14\x0c\x08\x02", Budget())) == [(1, 0, 2)]


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"\x08", "end early"),
        (b"\x12\x05hi", "end early"),
        (b"\x1d12", "end early"),
        (b"\x08" + b"\xff" * 10, "longer than 64 bits"),
        (b"\x00", "illegal field number"),
        (b"\x0e", "illegal wire type 6"),
        (b"\x0c", "did not begin"),
        (b"\x0b", "inside a group"),
        (b"\x08\x01" * 4, "values"),
    ],
)
def test_malformed(data: bytes, problem: str) -> None:
    with pytest.raises(Malformed, match=problem):
        list(values(data, Budget(3)))


def test_numbers() -> None:
    assert list(numbers(b"\x01\x96\x01", Budget())) == [1, 150]
    with pytest.raises(Malformed):
        list(numbers(b"\x01\x01", Budget(1)))
    assert signed((1 << 64) - 1, 32) == signed((1 << 64) - 1, 64) == -1
    assert signed(1 << 31, 32) == -(1 << 31)


def test_a_path_leads_to_the_field() -> None:
    assert str(Malformed("bad").below("name").below("").below("spec")) == "spec.name: bad"
