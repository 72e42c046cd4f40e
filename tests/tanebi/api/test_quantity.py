from decimal import Decimal

import pytest

from tanebi.api.quantity import parse


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("1", "1"),
        (2, "2"),
        (0.5, "0.5"),
        ("100m", "0.1"),
        ("1.5Gi", "1610612736"),
        ("2e3", "2000"),
        ("1E", "1e18"),
        ("1E2", "100"),
        ("128Ki", "131072"),
        ("-3k", "-3000"),
        (".5", "0.5"),
        ("250n", "2.5e-7"),
    ],
)
def test_amounts(text: str | int | float, amount: str) -> None:
    assert parse(text) == Decimal(amount)


@pytest.mark.parametrize("text", ["", "one", "1.5.2", "10 Mi", "5KB", "Gi"])
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="quantities must match"):
        parse(text)
