"""Ingresses and policies: rules and columns."""

from __future__ import annotations

from typing import Any

from tanebi.api.core.kinds_cluster import INGRESS, INGRESS_CLASS, NETWORK_POLICY
from tanebi.api.meta import Obj
from tests.tanebi.api.core.checking import cells, complete, problems

SERVICE: Obj = {"service": {"name": "s", "port": {"number": 80}}}


def ingress(**path: Any) -> Obj:
    one = {"path": "/", "pathType": "Prefix", "backend": SERVICE, **path}
    return {"spec": {"rules": [{"host": "a.b", "http": {"paths": [one]}}]}}


def test_ingresses() -> None:
    assert problems(INGRESS, ingress()) == ""
    assert "either `defaultBackend` or `rules`" in problems(INGRESS, {"spec": {}})
    assert "pathType must be specified" in problems(INGRESS, ingress(pathType=None))
    assert "pathType" in problems(INGRESS, ingress(pathType="Odd"))
    assert "must be an absolute path" in problems(INGRESS, ingress(path="x"))
    assert "backend" in problems(INGRESS, ingress(backend={}))
    assert "backend.service.name" in problems(INGRESS, ingress(backend={"service": {}}))
    assert "port name or number is required" in problems(
        INGRESS, ingress(backend={"service": {"name": "s"}})
    )
    assert "must not contain '//'" in problems(INGRESS, ingress(path="/a//b"))
    for host, words in (
        ("1.2.3.4", "not an IP"),
        ("*.a.b", ""),
        ("a.*", "wildcard"),
        ("A", "RFC 1123"),
    ):
        said = problems(INGRESS, {"spec": {"rules": [{"host": host}]}})
        assert words in said if words else not said
    shown = cells(INGRESS, ingress())
    assert (shown["Class"], shown["Hosts"], shown["Ports"]) == ("<none>", "a.b", "80")


def test_classes_and_policies() -> None:
    assert "spec.controller" in problems(INGRESS_CLASS, {"spec": {}})
    assert problems(INGRESS_CLASS, {"spec": {"controller": "c"}}) == ""
    changed = problems(INGRESS_CLASS, {"spec": {"controller": "c"}}, {"spec": {"controller": "d"}})
    assert "immutable" in changed
    parameters = {"apiGroup": "g", "kind": "K", "name": "n"}
    shown = cells(INGRESS_CLASS, {"spec": {"parameters": parameters}})
    assert shown["Parameters"] == "K.g/n"
    done = complete(NETWORK_POLICY, {"spec": {"egress": [{}]}})
    assert done["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert "policyTypes" in problems(NETWORK_POLICY, {"spec": {"policyTypes": ["Odd"]}})
    assert cells(NETWORK_POLICY, done)["Pod-Selector"] == "<none>"
