"""Paths to targets."""

from __future__ import annotations

import pytest

from tanebi.apiserver.paths import Target, target


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/api/v1/pods", Target("", "v1", "pods")),
        ("/api/v1/namespaces", Target("", "v1", "namespaces")),
        ("/api/v1/namespaces/x", Target("", "v1", "namespaces", None, "x")),
        ("/api/v1/namespaces/x/status", Target("", "v1", "namespaces", None, "x", "status")),
        ("/api/v1/namespaces/x/finalize", Target("", "v1", "namespaces", None, "x", "finalize")),
        ("/api/v1/namespaces/x/pods", Target("", "v1", "pods", "x")),
        ("/api/v1/namespaces/x/pods/", Target("", "v1", "pods", "x")),
        ("/api/v1/namespaces/x/pods/y", Target("", "v1", "pods", "x", "y")),
        ("/api/v1/namespaces/x/pods/y/log", Target("", "v1", "pods", "x", "y", "log")),
        (
            "/apis/serving.knative.dev/v1/namespaces/x/services/y/status",
            Target("serving.knative.dev", "v1", "services", "x", "y", "status"),
        ),
        ("/apis/g/v1/things/a%2Fb", Target("g", "v1", "things", None, "a/b")),
        ("/api", None),
        ("/api/v1", None),
        ("/apis/g", None),
        ("/apis/g/v1", None),
        ("/", None),
        ("/healthz", None),
        (
            "/api/v1/namespaces/x/pods/http:y:80/proxy/a/b%2Fc//d/",
            Target("", "v1", "pods", "x", "http:y:80", "proxy", "/a/b%2Fc//d/"),
        ),
        ("/api/v1/nodes/n/proxy", Target("", "v1", "nodes", None, "n", "proxy")),
        ("/api/v1/pods/a/b/c", None),
        ("/api/v1/namespaces//pods", None),
        ("/api/v1/namespaces/x/pods/y/log/more", None),
    ],
)
def test_target(path: str, expected: Target | None) -> None:
    assert target(path) == expected
