"""Pods that are processes with networks of their own, through `tanebi up`: fixed ports, names inside, and nothing left."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tanebi.testing.network import network_missing
from tanebi.testing.platform import Platform
from tests.e2e.driving import User, eventually, processes_with

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120), network_missing()]

# Fixed port, on loopback only; fetches what it is asked to.
APP = """
import http.server, os, socket, urllib.request
class H(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        said = f"{socket.gethostname()} {os.environ['PORT']} {os.environ.get('K_SINK', '')}"
        if "?" in self.path:
            try:
                said = urllib.request.urlopen(self.path.partition("?")[2], timeout=10).read().decode()
            except OSError as error:
                said = f"failed: {error}"
        self.send_response(200)
        self.end_headers()
        self.wfile.write(said.encode())
    def log_message(self, *args): pass
http.server.ThreadingHTTPServer(("127.0.0.1", 8080), H).serve_forever()
"""


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[User]:
    folder = tmp_path_factory.mktemp("network")
    source = folder / "app"
    source.mkdir()
    (source / "app.py").write_text(APP)
    (source / "Procfile").write_text("web: python app.py\n")
    with Platform(folder / "data", "--pod-network", "own") as platform:
        platform.cli("image", "build", str(source), "--tag", "dev.local/fixed")
        person = User(platform)
        person.apply(service("one"), service("two"))
        person.wait_ready("ksvc", "one")
        person.wait_ready("ksvc", "two")
        yield person
        person.http.close()


def service(name: str) -> dict[str, Any]:
    return {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"template": {"spec": {"containers": [{"image": "dev.local/fixed"}]}}},
    }


def lines_to(address: str) -> list[str]:
    """The interfaces of the platform whose pod has (or had) `address`: its block gives them their name."""
    parts = [int(part) for part in address.split(".")]
    number = (parts[1] << 6 | parts[2] >> 2) & 0xFFF
    return [name for _, name in socket.if_nameindex() if name.startswith(f"tnb{number:x}x")]


def address_of(user: User, name: str) -> str:
    pods = user.platform.cli("get", "pods", "-o", "json").stdout
    items = yaml.safe_load(pods)["items"]
    own = [one for one in items if one["metadata"]["labels"]["serving.knative.dev/service"] == name]
    return str(own[0]["status"]["podIP"])


def test_two_pods_have_the_same_port_and_names_of_their_own(user: User) -> None:
    first, second = (user.request(name).text for name in ("one", "two"))
    assert first.split()[0].startswith("one-00001-deployment-")
    assert second.split()[0].startswith("two-00001-deployment-")
    assert first.split()[1] == second.split()[1] == "8080"
    assert address_of(user, "one") != address_of(user, "two")


@pytest.mark.parametrize(
    "host", ["two.default.svc.cluster.local", "two.default.svc", "two.default"]
)
def test_a_service_reaches_another_by_its_name(user: User, host: str) -> None:
    assert user.request("one", f"/?http://{host}/").text.startswith("two-00001-deployment-")


def test_the_api_and_a_name_that_is_not_there(user: User) -> None:
    said = user.request("one", "/?https://kubernetes.default.svc/version").text
    assert "CERTIFICATE_VERIFY_FAILED" in said, "reached; its authority is not known in there"
    assert "not known" in user.request("one", "/?http://none.default.svc/").text


def test_a_killed_platform_leaves_nothing_once_it_has_started_again_and_stopped(user: User) -> None:
    address = address_of(user, "one")
    assert lines_to(address)
    user.platform.kill()
    user.platform.start()
    assert user.request("one").text.split()[1] == "8080"
    assert address_of(user, "one") != address, "an address that was known rests"
    user.platform.stop()
    mark = f"TANEBI_PODS={user.platform.data_dir / 'pods'}"
    assert processes_with(mark) == []
    eventually(lambda: lines_to(address) == [], 20, what="the interfaces are gone")
    assert str(user.platform.data_dir) not in Path("/proc/self/mounts").read_text()
    user.platform.start()
