"""One platform for the client programs of a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tanebi.testing.platform import Platform
from tests.e2e.driving import build_images


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with Platform(tmp_path_factory.mktemp("clients") / "data") as found:
        build_images(found)
        yield found
