from __future__ import annotations

from typing import Any

import pytest

from tanebi.cli.objects import condition, dig, generation_seen


def test_dig() -> None:
    obj = {"a": {"b": [1]}}
    assert dig(obj, "a", "b") == [1]
    assert dig(obj, "a", "b", "c") is None
    assert dig(obj, "x", "y") is None
    assert dig(None, "x") is None


def test_condition() -> None:
    obj = {"status": {"conditions": [{"type": "Ready", "status": "True"}]}}
    assert condition(obj, "ready")["status"] == "True"
    assert condition(obj, "Other") == {}
    assert condition({}, "Ready") == {}


@pytest.mark.parametrize(
    ("generation", "observed", "want"), [(2, 1, False), (2, 2, True), (2, 3, True), (2, None, True)]
)
def test_generation_seen(generation: int, observed: int | None, want: bool) -> None:
    status: dict[str, Any] = {} if observed is None else {"observedGeneration": observed}
    assert generation_seen({"metadata": {"generation": generation}, "status": status}) is want
