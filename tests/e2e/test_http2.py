"""HTTP/2 and TLS through `tanebi up`: a gRPC app on a port named h2c, woken from zero, over plain and encrypted connections."""

from __future__ import annotations

import json
import ssl
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import grpc
import httpx
import pytest
import yaml

from tanebi.testing.platform import Platform
from tests.e2e.driving import APPS, User, service

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

HOST = "greeter.default.localhost"


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[User]:
    folder = tmp_path_factory.mktemp("platform") / "data"
    with Platform(folder, "--tls-port", "0") as platform:
        platform.cli("image", "build", str(APPS / "greeter"), "--tag", "dev.local/greeter")
        platform.cli("image", "build", str(APPS / "probe"), "--tag", "dev.local/probe")
        person = User(platform)
        greeter = service("greeter", "dev.local/greeter")
        container = greeter["spec"]["template"]["spec"]["containers"][0]
        container["ports"] = [{"name": "h2c", "containerPort": 8080}]
        container["command"] = [sys.executable, "app.py"]  # where grpcio is
        person.apply(greeter, service("hello"))
        person.wait_ready("ksvc", "greeter")
        person.wait_ready("ksvc", "hello")
        yield person
        person.http.close()


def https(user: User) -> Any:
    found = json.loads((user.platform.data_dir / "endpoints.json").read_text())["gatewayTls"]
    return urlsplit(found)


def authority(user: User) -> bytes:
    return (user.platform.data_dir / "pki" / "ca.crt").read_bytes()


def plain_channel(user: User) -> grpc.Channel:
    port = urlsplit(user.platform.gateway).port
    return grpc.insecure_channel(f"127.0.0.1:{port}", [("grpc.default_authority", HOST)])


def test_grpc_reaches_an_h2c_app(user: User) -> None:
    with plain_channel(user) as channel:
        answer, call = channel.unary_unary("/greet/Hello").with_call(b"Tanebi", timeout=30)
        assert answer == b"Hello Tanebi!"
        assert dict(call.trailing_metadata())["x-proto"] == "http"
        assert list(channel.unary_stream("/greet/Count")(b"100", timeout=30))[-1] == b"99"
    shown = yaml.safe_load(user.platform.cli("get", "endpointslices", "-o", "yaml").stdout)
    spoken = {p.get("appProtocol") for s in shown["items"] for p in s["ports"]}
    assert "kubernetes.io/h2c" in spoken


def test_grpc_through_tls_with_a_certificate_made_for_the_name(user: User) -> None:
    credentials = grpc.ssl_channel_credentials(authority(user))
    options = [("grpc.ssl_target_name_override", HOST), ("grpc.default_authority", HOST)]
    with grpc.secure_channel(f"127.0.0.1:{https(user).port}", credentials, options) as channel:
        answer, call = channel.unary_unary("/greet/Hello").with_call(b"TLS", timeout=30)
        assert answer == b"Hello TLS!"
        assert dict(call.trailing_metadata())["x-proto"] == "https"


def test_https_serves_http1_apps_by_either_version(user: User) -> None:
    trusting = ssl.create_default_context(cadata=authority(user).decode())
    name = "hello.default.localhost"
    url = f"https://127.0.0.1:{https(user).port}/"
    for http2 in (True, False):
        with httpx.Client(http2=http2, verify=trusting) as client:
            answer = client.get(url, headers={"Host": name}, extensions={"sni_hostname": name})
            assert answer.http_version == ("HTTP/2" if http2 else "HTTP/1.1")
            assert (answer.status_code, answer.text) == (200, "Hello World!\n")
