"""One platform for all of these tests. What a module calls EARLY is made at once and comes up while its first tests run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tanebi.testing.platform import Platform
from tests.conformance.serving.driving import APPS, IMAGE, Client

SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "conf-secret"}}
CONFIG = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "conf-map"}}


@pytest.fixture(scope="session")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with Platform(tmp_path_factory.mktemp("conformance") / "data") as platform:
        platform.cli("image", "build", str(APPS / "runtime"), "--tag", IMAGE)
        made = Client(platform)
        core = "/api/v1"
        made.create({**SECRET, "stringData": {"user": "admin"}}, "secrets", base=core)
        made.create({**CONFIG, "data": {"color": "blue"}}, "configmaps", base=core)
        yield made
        made.close()


@pytest.fixture(scope="module", autouse=True)
def _early(client: Client, request: pytest.FixtureRequest) -> None:
    for manifest in getattr(request.module, "EARLY", ()):
        client.create(manifest)
