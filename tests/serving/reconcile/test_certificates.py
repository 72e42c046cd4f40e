"""Certificates of a route: asked for, answered, refused."""

from __future__ import annotations

from typing import Any

import pytest

from activator.api.ingress import INGRESS
from serving.api import CERTIFICATE, ROUTE, SERVICE
from serving.reconcile.certificates import certificate_name
from tanebi.testing.planning import FixedConfigs


def configure(serving: Any, **network: str) -> None:
    data = {"external-domain-tls": "Enabled", **network}
    serving.world.configs = FixedConfigs(
        {"config-network": data, "config-domain": {"example.org": ""}}
    )


def provisioned(serving: Any) -> tuple[str, str]:
    found: tuple[str, str] = serving.conditions(ROUTE, "hello")["CertificateProvisioned"]
    return found


def certificates(serving: Any) -> list[Any]:
    return list(serving.world.list(CERTIFICATE, "default"))


def answer(serving: Any, status: str) -> None:
    for certificate in certificates(serving):
        said = {"conditions": [{"type": "Ready", "status": status, "reason": "R"}]}
        serving.world.set_status(CERTIFICATE, "default", certificate.metadata.name, said)
    serving.run()


def test_one_for_each_host_outside(serving: Any, ksvc: Any) -> None:
    configure(serving)
    serving.apply(SERVICE, ksvc(traffic=[{"percent": 100, "tag": "t"}]))
    serving.run()
    uid = serving.world.raw(ROUTE, "default", "hello")["metadata"]["uid"]
    made = {c.metadata.name: c.spec for c in certificates(serving)}
    assert {name: spec.dns_names for name, spec in made.items()} == {
        f"route-{uid}": ["hello.default.example.org"],
        certificate_name(uid, "t"): ["t-hello.default.example.org"],
    }
    assert all(spec.secret_name == name for name, spec in made.items())
    assert provisioned(serving) == ("True", "HTTPDowngrade")
    assert serving.status(ROUTE, "hello")["url"] == "http://hello.default.example.org"


def test_once_they_are_there_https_is_served(serving: Any, ksvc: Any) -> None:
    configure(serving, **{"http-protocol": "Redirected"})
    serving.apply(SERVICE, ksvc())
    serving.run()
    assert provisioned(serving) == ("Unknown", "CertificateNotReady")
    answer(serving, "True")
    assert provisioned(serving) == ("True", "")
    assert serving.status(ROUTE, "hello")["url"] == "https://hello.default.example.org"
    spec = serving.world.raw(INGRESS, "default", "hello")["spec"]
    (tls,) = spec["tls"]
    assert tls["hosts"] == ["hello.default.example.org"]
    assert tls["secretNamespace"] == "default"
    assert spec["httpOption"] == "Redirected"
    answer(serving, "False")
    assert provisioned(serving) == ("False", "CertificateProvisionFailed")


@pytest.mark.parametrize(
    "metadata",
    [
        {"annotations": {"networking.knative.dev/disable-external-domain-tls": "true"}},
        {"labels": {"networking.knative.dev/visibility": "cluster-local"}},
    ],
    ids=["said so", "inside"],
)
def test_who_wants_none_gets_none(serving: Any, ksvc: Any, metadata: Any) -> None:
    configure(serving)
    serving.apply(SERVICE, ksvc(metadata=metadata))
    serving.run()
    assert provisioned(serving) == ("True", "TLSNotEnabled")
    assert certificates(serving) == []


def test_switched_off_they_go(serving: Any, ksvc: Any) -> None:
    configure(serving)
    serving.apply(SERVICE, ksvc())
    serving.run()
    assert certificates(serving) != []
    configure(serving, **{"external-domain-tls": "Disabled"})
    serving.run()
    assert certificates(serving) == []


def test_somebody_elses(serving: Any, ksvc: Any) -> None:
    configure(serving)
    serving.apply(SERVICE, ksvc())
    serving.run()
    (certificate,) = certificates(serving)
    raw = serving.world.raw(CERTIFICATE, "default", certificate.metadata.name)
    raw["metadata"]["ownerReferences"] = []
    serving.run()
    assert provisioned(serving) == ("False", "CertificateNotOwned")
