"""One platform for the module, driven as a user drives it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tanebi.testing.platform import Platform
from tests.e2e.driving import User, build_images


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[User]:
    with Platform(tmp_path_factory.mktemp("platform") / "data") as platform:
        build_images(platform)
        person = User(platform)
        yield person
        person.http.close()
