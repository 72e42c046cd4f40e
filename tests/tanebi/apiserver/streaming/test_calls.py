"""What a streaming request asks for."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest

from tanebi.api.meta import Key
from tanebi.api.podstreams import Wish
from tanebi.apiserver import paths
from tanebi.apiserver.streaming.calls import (
    NO_COMMAND,
    NO_STREAM,
    Call,
    is_streaming,
    options_of,
    read_call,
    read_port,
)
from tanebi.kube.errors import BadRequest

POD = "/api/v1/namespaces/ns/pods/p"


def call(verb: str, query: str = "") -> Call:
    target = paths.target(f"{POD}/{verb}")
    assert target is not None
    assert is_streaming(target)
    return read_call(target, parse_qsl(query, keep_blank_values=True))


@pytest.mark.parametrize(
    "path", [POD, f"{POD}/log", "/api/v1/pods/p/exec", "/apis/apps/v1/namespaces/ns/pods/p/exec"]
)
def test_other_paths(path: str) -> None:
    assert not is_streaming(paths.target(path))


def test_exec() -> None:
    assert call(
        "exec", "command=sh&command=-c&command=echo%20a&container=c&stdin=true&tty=1"
    ) == Call(
        "exec",
        Key("ns", "p"),
        "c",
        ("sh", "-c", "echo a"),
        Wish(stdin=True, stdout=True, stderr=False, tty=True),
    )


@pytest.mark.parametrize(
    ("query", "wish"),
    [
        ("", Wish()),
        ("stdout=true", Wish(stderr=False)),
        ("stderr=true", Wish(stdout=False)),
        ("stdout=true&stderr=true", Wish()),
        ("stdout=true&stderr=true&tty=true", Wish(stderr=False, tty=True)),
        ("stdin=true&stdout=false&stderr=0", Wish(stdin=True, stdout=False, stderr=False)),
    ],
)
def test_streams(query: str, wish: Wish) -> None:
    assert call("attach", query).wish == wish


@pytest.mark.parametrize(
    ("verb", "query", "why"),
    [
        ("exec", "", NO_COMMAND),
        ("attach", "stdout=false&stderr=false", NO_STREAM),
        ("attach", "tty=perhaps", "tty: not a boolean: 'perhaps'"),
        ("portforward", "ports=80,http", "unable to parse 'http' as a port"),
    ],
)
def test_refused(verb: str, query: str, why: str) -> None:
    with pytest.raises(BadRequest, match=why.replace("(", r"\(")):
        call(verb, query)


def test_ports_of_a_websocket() -> None:
    assert call("portforward", "ports=80&ports=81,82").ports == (80, 81, 82)


@pytest.mark.parametrize("text", ["0", "65536", "-1", "", "８０", "1e3"])
def test_no_ports(text: str) -> None:
    with pytest.raises(BadRequest):
        read_port(text)


def test_options_as_an_object() -> None:
    shell = call("exec", "command=sh&stdin=1&container=a")
    assert options_of(shell) == {
        "kind": "PodExecOptions",
        "apiVersion": "v1",
        "container": "a",
        "stdin": True,
        "stdout": True,
        "stderr": True,
        "tty": False,
        "command": ["sh"],
    }
    forward = call("portforward", "ports=80,81")
    assert options_of(forward)["ports"] == [80, 81]
