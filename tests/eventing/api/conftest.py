"""Admission as the API server calls it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

import pytest

from tanebi.api.kind import Admission, ConfigKind

S = TypeVar("S")


class Settings:
    """Implements tanebi.api.kind.Configs: each ConfigMap's data, or what is installed."""

    def __init__(self, **data: dict[str, str]) -> None:
        self._data = data

    def get(self, kind: ConfigKind[S]) -> S:
        return kind.parse(self._data.get(kind.name.replace("-", "_"), kind.data))


@pytest.fixture
def admission() -> Callable[..., Admission]:
    def make(**data: Any) -> Admission:
        return Admission("CREATE", "me", datetime(2026, 1, 1, tzinfo=UTC), Settings(**data))

    return make
