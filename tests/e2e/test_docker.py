"""The same platform on Docker: it serves, fails in words, mends, and leaves nothing, also when Docker itself stops."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tanebi.testing.docker import Dockerd
from tanebi.testing.engine import build_busybox, docker_missing
from tanebi.testing.network import network_missing
from tanebi.testing.platform import Platform
from tests.e2e.driving import User, eventually
from tests.e2e.test_engine import CALLER, GREETING, containers, page
from tests.e2e.test_engine_unhappy import (
    SERVE,
    container_ids,
    deploy_a_dockerfile,
    fail_each_way,
    service,
)

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(240), docker_missing()]
IN_ORDER = True


@pytest.fixture(scope="module")
def user(docker: Dockerd, tmp_path_factory: pytest.TempPathFactory) -> Iterator[User]:
    folder = tmp_path_factory.mktemp("docker")
    build_busybox(docker.environment, folder)
    with Platform(folder / "data", runtime="auto", environ=docker.environment) as platform:
        person = User(platform)
        yield person
        person.http.close()
    assert containers(platform, named=False) == [], "nothing is left"


@network_missing()
def test_it_serves_by_the_names_of_the_cluster(user: User) -> None:
    caller = page("caller", command=["/bin/sh", "-c", CALLER])
    user.apply(GREETING, page("page"), caller)
    user.wait_ready("ksvc", "page", 60)
    user.wait_ready("ksvc", "caller", 60)
    found = user.request("caller", "/cgi-bin/get?http://page.default.svc.cluster.local/")
    assert found.text.strip() == "hello from a container"
    assert container_ids(user, "page")[0].startswith("docker://")


def test_each_way_to_fail_has_its_words(user: User) -> None:
    fail_each_way(user)


def test_a_dockerfile_is_deployed(user: User, tmp_path: Path) -> None:
    deploy_a_dockerfile(user, tmp_path)


def test_docker_stops_and_starts_again(user: User, docker: Dockerd) -> None:
    user.apply(service("steady", SERVE, annotations={"autoscaling.knative.dev/min-scale": "1"}))
    user.wait_ready("ksvc", "steady", 60)
    docker.stop()
    docker.start()
    eventually(lambda: user.request("steady").text == "well\n", 90, what="it serves again")


def test_a_killed_platform_leaves_nothing_to_the_next(user: User) -> None:
    before = set(containers(user.platform))
    assert before
    user.platform.kill()
    user.platform.start()
    eventually(lambda: not before & set(containers(user.platform)), 60, what="the old ones go")
    eventually(lambda: user.request("steady").text == "well\n", 60, what="it serves again")
