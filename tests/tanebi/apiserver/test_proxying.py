"""Names in proxy paths, places behind them, and what becomes of headers and links."""

from __future__ import annotations

from typing import Any

import pytest

from tanebi.apiserver.proxying import (
    Named,
    Place,
    answer_headers,
    pod_place,
    read_name,
    request_headers,
    rewritten,
    service_place,
)
from tanebi.kube.errors import ApiError, BadRequest, ServiceUnavailable

PREFIX = "/api/v1/namespaces/x/pods/y/proxy"
PLACE = Place("http", "10.0.0.1", 80)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("y", Named("http", "y")),
        ("y:80", Named("http", "y", "80")),
        ("https:y:", Named("https", "y")),
        (":y:web", Named("http", "y", "web")),
    ],
)
def test_names(text: str, named: Named) -> None:
    assert read_name(text) == named


@pytest.mark.parametrize("text", ["", "a:b:c:d", "ftp:y:1", ":80"])
def test_no_names(text: str) -> None:
    with pytest.raises(BadRequest, match="invalid name in a proxy request"):
        read_name(text)


def pod(*ports: int) -> dict[str, Any]:
    containers = [{"ports": [{"containerPort": port} for port in ports]}]
    return {"spec": {"containers": containers}, "status": {"podIP": "10.0.0.1"}}


def test_a_pod_is_reached_at_the_port_it_names_first() -> None:
    assert pod_place(read_name("y"), pod(8080, 9090)).port == 8080
    assert pod_place(read_name("y:9090"), pod(8080)).port == 9090
    assert pod_place(read_name("https:y:"), pod()) == Place("https", "10.0.0.1", 443)
    for named, found in (("y", {}), ("y:web", pod(1))):
        with pytest.raises(ApiError):
            pod_place(read_name(named), found)


def test_a_service_is_reached_at_a_ready_endpoint() -> None:
    service = {"spec": {"ports": [{"name": "web", "port": 80}, {"name": "tls", "port": 443}]}}
    ready = {"addresses": ["10.0.0.2"], "conditions": {"ready": True}}
    not_ready = {"addresses": ["10.0.0.1"], "conditions": {"ready": False}}
    ports = [{"name": "web", "port": 8080}, {"name": "tls", "port": 8443}]
    slices = [{"ports": ports, "endpoints": [not_ready, ready]}]
    for text in ("y:80", "y:web"):
        assert service_place(read_name(text), service, slices) == Place("http", "10.0.0.2", 8080)
    assert (
        service_place(read_name("https:y:tls"), service, slices).origin == "https://10.0.0.2:8443"
    )
    for text, why in (("y:81", "no service port 81"), ("y", "no endpoints available")):
        with pytest.raises(ServiceUnavailable, match=why):
            service_place(read_name(text), service, slices)


def test_headers_of_a_connection_stay_and_so_does_the_credential() -> None:
    given = {"authorization": "Bearer x", "connection": "close", "host": "api", "accept": "*/*"}
    told = request_headers(given, prefix=PREFIX)
    assert {"authorization", "connection", "host"}.isdisjoint(told)
    assert (told["accept"], told["x-forwarded-uri"], told["x-forwarded-host"]) == (
        "*/*",
        PREFIX,
        "api",
    )


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("/next?a=1", f"{PREFIX}/next?a=1"),
        ("http://10.0.0.1:80/next", f"{PREFIX}/next"),
        ("http://elsewhere/next", "http://elsewhere/next"),
        ("next", "next"),
    ],
)
def test_a_redirection_stays_behind_the_proxy(location: str, shown: str) -> None:
    given = [("Location", location), ("Connection", "close"), ("Content-Length", "0")]
    assert answer_headers(given, PLACE, PREFIX) == {"location": shown, "content-length": "0"}


def test_links_from_the_root_are_rewritten() -> None:
    page = b'<a href="/x">/y</a><img src=\'/z\'><a href="//other/x"><a href="rel"><a href="/">'
    root = PREFIX.encode()
    assert rewritten(page, f"{PREFIX}/") == (
        b'<a href="%b/x">/y</a><img src=\'%b/z\'><a href="//other/x"><a href="rel"><a href="%b/">'
        % (root, root, root)
    )
