"""CEL's library of quantities. Pure. Behaviour: k8s.io/apiserver pkg/cel/library quantity.go."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from tanebi.api.quantity import parse
from tanebi.apiserver.celfunctions.marks import Function, mark, opened

_KIND: Final = "quantity"
_INT_MAX: Final = 2**63 - 1


def _made(amount: Decimal) -> dict[str, Any]:
    """Equal amounts are equal however they were written."""
    return mark(_KIND, format(amount.normalize(), "f"))


def _amount(value: Any) -> Decimal:
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    return Decimal(opened(value, _KIND))


def _is_quantity(text: str) -> bool:
    try:
        parse(text)
    except ValueError:
        return False
    return True


def _is_integer(value: Any) -> bool:
    amount = _amount(value)
    return amount == amount.to_integral_value() and abs(amount) <= _INT_MAX


def _as_integer(value: Any) -> int:
    if not _is_integer(value):
        raise ValueError("cannot convert value to integer")
    return int(_amount(value))


def _sign(value: Any) -> int:
    amount = _amount(value)
    return (amount > 0) - (amount < 0)


def _compare(one: Any, other: Any) -> int:
    a, b = _amount(one), _amount(other)
    return (a > b) - (a < b)


FUNCTIONS: Final[Mapping[str, Function]] = {
    "quantity": lambda text: _made(parse(text)),
    "isQuantity": _is_quantity,
    "isInteger": _is_integer,
    "asInteger": _as_integer,
    "asApproximateFloat": lambda value: float(_amount(value)),
    "sign": _sign,
    "add": lambda one, other: _made(_amount(one) + _amount(other)),
    "sub": lambda one, other: _made(_amount(one) - _amount(other)),
    "isGreaterThan": lambda one, other: _compare(one, other) > 0,
    "isLessThan": lambda one, other: _compare(one, other) < 0,
    "compareTo": _compare,
}
