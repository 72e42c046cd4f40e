"""Knative's resolution of destinations."""

from __future__ import annotations

from typing import Any

import pytest

from tanebi.api.addressable import (
    Addressable,
    Unresolved,
    host_of,
    resolve,
    validate_destination,
    validate_reference,
)
from tanebi.api.core.kinds import KINDS, SERVICE
from tanebi.api.fielderrors import render
from tanebi.api.kind import AnyKind, Kind, Kinds
from tanebi.api.meta import Destination, KReference, Obj, Resource

THING: AnyKind = Kind("example.com", "v1", "Thing", "things", Resource)
ALL = Kinds([*KINDS, THING])
URL = "http://thing.ns.svc.cluster.local"
PEM = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"


def thing(**status: Any) -> Obj:
    return {"metadata": {"namespace": "ns", "name": "x"}, "status": status}


def look(destination: Obj, obj: Obj | None = None) -> Addressable | Unresolved:
    """Resolve where exactly `obj` exists, as ns/x."""

    def raw(kind: AnyKind, namespace: str, name: str) -> Obj | None:
        return obj if (namespace, name) == ("ns", "x") else None

    said = Destination.model_validate(destination)
    return resolve(said, namespace="ns", kinds=ALL, raw=raw)


def ref(**more: str) -> Obj:
    return {"ref": {"apiVersion": "example.com/v1", "kind": "Thing", "name": "x", **more}}


@pytest.mark.parametrize(
    ("status", "url"),
    [
        ({"address": {"url": URL}}, URL),
        (
            {"address": {"url": URL}, "addresses": [{"url": "https://a/"}, {"url": "b"}]},
            "https://a/",
        ),
        ({"address": {"url": URL}, "addresses": []}, URL),
    ],
)
def test_an_addressable(status: Obj, url: str) -> None:
    assert look(ref(), thing(**status)) == Addressable(url)


def test_certificates_and_audience() -> None:
    obj = thing(address={"url": URL, "CACerts": "theirs", "audience": "aud"})
    assert look(ref(), obj) == Addressable(URL, "theirs", "aud")
    asked = {**ref(), "CACerts": "mine", "audience": "other"}
    assert look(asked, obj) == Addressable(URL, "mine", "other")


def test_a_named_address() -> None:
    obj = thing(addresses=[{"name": "http", "url": URL}, {"name": "https", "url": "https://a/"}])
    assert look(ref(address="https"), obj) == Addressable("https://a/")
    missing = look(ref(address="grpc"), obj)
    assert isinstance(missing, Unresolved)
    assert "grpc" in missing.message


@pytest.mark.parametrize(
    ("base", "uri", "url"),
    [
        (URL, "/path", f"{URL}/path"),
        (URL, "path?x=1", f"{URL}/path?x=1"),
        (f"{URL}/a/b", "c", f"{URL}/a/c"),
        (f"{URL}/a/b", "/c", f"{URL}/c"),
    ],
)
def test_a_relative_uri(base: str, uri: str, url: str) -> None:
    assert look({**ref(), "uri": uri}, thing(address={"url": base})) == Addressable(url)


def test_a_kubernetes_service_needs_no_status() -> None:
    service = {"ref": {"apiVersion": "v1", "kind": "Service", "name": "x"}}
    assert look(service, {}) == Addressable("http://x.ns.svc.cluster.local")
    secure = look({**service, "CACerts": PEM}, {})
    assert isinstance(secure, Addressable)
    assert secure.url == "https://x.ns.svc.cluster.local"
    assert isinstance(look(service), Unresolved)


def test_a_namespace_of_its_own() -> None:
    assert isinstance(look(ref(namespace="other"), thing(address={"url": URL})), Unresolved)
    assert look(ref(namespace="ns"), thing(address={"url": URL})) == Addressable(URL)


@pytest.mark.parametrize(
    ("destination", "obj", "message", "pending"),
    [
        (ref(), None, 'things.example.com "x" not found', True),
        (ref(), thing(), "address not set for Thing 'x'", True),
        (ref(), {}, "address not set for Thing 'x'", True),
        (ref(), thing(address={}), "URL missing", True),
        (ref(), thing(address={"url": "/only/path"}), "hostname missing", True),
        (ref(kind="Nothing"), None, "no kind 'Nothing'", False),
        ({"uri": "/relative"}, None, "not absolute", False),
        ({"uri": "http://["}, None, "not absolute", False),
        ({}, None, "missing Ref and URI", False),
    ],
)
def test_what_cannot_be_resolved(
    destination: Obj, obj: Obj | None, message: str, pending: bool
) -> None:
    found = look(destination, obj)
    assert isinstance(found, Unresolved)
    assert message in found.message
    assert found.pending is pending


def test_an_absolute_uri_is_taken_as_it_is() -> None:
    assert look({"uri": "https://example.com:8443/a?b#c"}) == Addressable(
        "https://example.com:8443/a?b#c"
    )


@pytest.mark.parametrize(
    ("url", "host"),
    [("http://a:1/b", "a:1"), ("//a/b", ""), ("/b", ""), ("http://[", ""), ("", "")],
)
def test_host_of(url: str, host: str) -> None:
    assert host_of(url) == host


def test_the_only_builtin_without_an_address() -> None:
    assert ALL.of("v1", "Service") is SERVICE


@pytest.mark.parametrize(
    ("destination", "text"),
    [
        ({"uri": "http://x/"}, ""),
        (ref(), ""),
        ({**ref(), "uri": "/path"}, ""),
        ({**ref(), "CACerts": PEM + PEM}, ""),
        ({}, "expected at least one, got none: ref, uri"),
        (
            {"uri": "/x"},
            "invalid value: Relative URI is not allowed when Ref and [apiVersion, kind, name] is absent: uri",
        ),
        (
            {**ref(), "uri": "http://x/"},
            "Absolute URI is not allowed when Ref or [apiVersion, kind, name] is present: "
            "[apiVersion, kind, name], ref, uri",
        ),
        (
            {"ref": {"group": "g"}},
            "missing field(s): ref.apiVersion, ref.kind, ref.name\nmust not set the field(s): ref.group",
        ),
        ({**ref(), "CACerts": "nonsense"}, "invalid value: CA Cert provided is invalid: CACerts"),
        (
            {"uri": "http://x/", "CACerts": PEM.replace("AAAA", "A!A")},
            "invalid value: CA Cert provided is invalid: CACerts",
        ),
    ],
)
def test_rules_for_destinations(destination: Obj, text: str) -> None:
    assert render(validate_destination(Destination.model_validate(destination))) == text


def test_references_that_must_stay_in_their_namespace() -> None:
    reference = KReference(api_version="v1", kind="ConfigMap", name="c", namespace="b")
    assert validate_reference(reference) == []
    assert render(validate_reference(reference, namespace="a")) == (
        'mismatched namespaces: namespace\nparent namespace: "a" does not match ref: "b"'
    )
