"""The hash is the one that Knative's own code computes (recorded: ComputeHash of knative.dev/networking, pkg/ingress)."""

from __future__ import annotations

from typing import Any

import pytest

from activator.api.ingress import Ingress
from activator.fingerprint import fingerprint

PLAIN: dict[str, Any] = {
    "httpOption": "Enabled",
    "rules": [
        {
            "hosts": ["hello.default", "hello.default.svc"],
            "visibility": "ClusterLocal",
            "http": {
                "paths": [
                    {
                        "splits": [
                            {
                                "serviceNamespace": "default",
                                "serviceName": "hello-00001",
                                "servicePort": 80,
                                "percent": 100,
                                "appendHeaders": {"Z": "1", "A": "2"},
                            }
                        ]
                    }
                ]
            },
        }
    ],
}
ODD: dict[str, Any] = {
    "tls": [{"hosts": ["a.example"], "secretName": "s", "secretNamespace": "t"}],
    "rules": [
        {
            "hosts": ["a.example"],
            "http": {
                "paths": [
                    {
                        "path": "/a<b>&\u2028é",
                        "rewriteHost": "r.example",
                        "headers": {"Tag": {"exact": "blue"}, "B": {"exact": ""}},
                        "splits": [
                            {"serviceNamespace": "ns", "serviceName": "svc", "servicePort": "web"},
                            {
                                "serviceNamespace": "ns",
                                "serviceName": "two",
                                "servicePort": 8080,
                                "percent": 1,
                            },
                        ],
                        "appendHeaders": {"X": '"q"'},
                    }
                ]
            },
        }
    ],
}


@pytest.mark.parametrize(
    ("key", "spec", "expected"),
    [
        ("ns/bare", {}, b"68622ce60e576baa4d81ad161941039c35772fd28af4d76e8670b8713e178859"),
        (
            "default/hello",
            PLAIN,
            b"60214b9a1069648317b6699f196fdb01573aac8c88962d51f186067c1437271c",
        ),
        ("ns/odd", ODD, b"0e2321027d47262533264fd918df39dc9e8c42c03b1096d4791d502e633c4aca"),
    ],
)
def test_as_knative_computes_it(key: str, spec: dict[str, Any], expected: bytes) -> None:
    namespace, _, name = key.partition("/")
    meta = {"name": name, "namespace": namespace}
    assert fingerprint(Ingress.model_validate({"metadata": meta, "spec": spec})) == expected
