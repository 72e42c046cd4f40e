"""`tanebi up` as an ordinary user: pods with networks of their own, fixed ports, names inside, and nothing left."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tanebi.testing import ordinary
from tanebi.testing.network import user_namespaces_missing
from tanebi.testing.ordinary import OrdinaryPlatform
from tests.e2e.driving import User, eventually
from tests.e2e.test_pod_network import APP, address_of, service

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.long,
    pytest.mark.timeout(180),
    user_namespaces_missing(),
]


@pytest.fixture(scope="module")
def user() -> Iterator[User]:
    with ordinary.folder() as name:
        folder = Path(name)
        source = folder / "app"
        source.mkdir()
        (source / "app.py").write_text(APP)
        (source / "Procfile").write_text("web: python app.py\n")
        with OrdinaryPlatform(folder, "--pod-network", "user") as platform:
            platform.cli("image", "build", str(source), "--tag", "dev.local/fixed")
            person = User(platform)
            person.apply(service("one"), service("two"))
            person.wait_ready("ksvc", "one")
            person.wait_ready("ksvc", "two")
            yield person
            person.http.close()


def both_answer(user: User) -> None:
    for name, other in (("one", "two"), ("two", "one")):
        said = user.request(name, f"/?http://{other}.default.svc.cluster.local/").text
        assert said.startswith(f"{other}-00001-deployment-"), said
        assert said.split()[1] == "8080"


def test_two_pods_have_the_same_port_and_call_each_other_by_name(user: User) -> None:
    both_answer(user)
    assert address_of(user, "one") != address_of(user, "two")
    assert "in a user namespace" in user.platform.log_tail(200)
    assert "not known" in user.request("one", "/?http://none.default.svc/").text


def test_a_command_beside_runs_in_the_same_place(user: User) -> None:
    name = user.request("one").text.split()[0]
    code = "import urllib.request as u; print(u.urlopen('http://localhost:8080').read().decode())"
    said = user.platform.cli("exec", name, "--", "python", "-c", code).stdout
    assert said.split()[0] == name


def test_from_zero(user: User) -> None:
    user.configure({"allow-zero-initial-scale": "true"})
    cold = service("cold")
    annotations = {"autoscaling.knative.dev/initial-scale": "0"}
    cold["spec"]["template"]["metadata"] = {"annotations": annotations}
    user.apply(cold)
    user.wait_ready("ksvc", "cold")
    assert "cold-" not in user.platform.cli("get", "pods").stdout
    assert user.request("one", "/?http://cold.default/").text.startswith("cold-00001-deployment-")


def test_a_restart_keeps_the_gateway_and_a_crash_leaves_nothing(user: User) -> None:
    platform = user.platform
    assert isinstance(platform, OrdinaryPlatform)
    gateway = platform.gateway

    platform.cli("restart")
    assert platform.gateway == gateway
    both_answer(user)
    platform.kill()
    platform.start()
    both_answer(user)
    platform.stop()
    eventually(lambda: platform.processes() == [], 20, what="everything of the user has ended")
    assert str(platform.data_dir) not in Path("/proc/self/mounts").read_text()
    platform.start()
