"""The Ingress of a DomainMapping."""

from __future__ import annotations

from typing import Any

from activator.api.ingress import INGRESS
from serving.api import CONFIG_NETWORK, DOMAIN_MAPPING
from serving.reconcile.resources.domain_ingresses import ingress_name, make_domain_ingress
from tanebi.testing.planning import FixedConfigs


def made(*, config: Any = None, annotations: Any = None, **spec: Any) -> Any:
    meta = {"name": "a.example.org", "namespace": "n", "uid": "u", "labels": {"l": "v"}}
    mapping = DOMAIN_MAPPING.view(
        {"metadata": {**meta, "annotations": annotations or {}}, "spec": spec}
    )
    network = FixedConfigs({"config-network": config or {}}).get(CONFIG_NETWORK)
    return make_domain_ingress(mapping, network, service="s", host="s.n.svc.cluster.local")


def test_the_host_leads_on_to_the_service() -> None:
    found = made()
    INGRESS.view(found)
    assert found["metadata"]["labels"] == {
        "l": "v",
        "serving.knative.dev/domainMappingUID": "u",
        "serving.knative.dev/domainMappingNamespace": "n",
    }
    (rule,) = found["spec"]["rules"]
    assert (rule["hosts"], rule["visibility"]) == (["a.example.org"], "ExternalIP")
    (path,) = rule["http"]["paths"]
    assert path == {
        "rewriteHost": "s.n.svc.cluster.local",
        "splits": [
            {
                "serviceNamespace": "n",
                "serviceName": "s",
                "servicePort": 80,
                "percent": 100,
                "appendHeaders": {"K-Original-Host": "a.example.org"},
            }
        ],
    }
    assert "tls" not in found["spec"]


def test_a_certificate_of_the_users_own() -> None:
    found = made(tls={"secretName": "cert"}, config={"http-protocol": "Redirected"})
    assert found["spec"]["tls"] == [
        {"hosts": ["a.example.org"], "secretName": "cert", "secretNamespace": "n"}
    ]
    assert found["spec"]["httpOption"] == "Redirected"
    assert made(config={"http-protocol": "Redirected"})["spec"]["httpOption"] == "Enabled"


def test_the_class() -> None:
    key = "networking.knative.dev/ingress-class"
    assert made(annotations={key: "mine"})["metadata"]["annotations"][key] == "mine"
    assert made(config={"ingress-class": "k"})["metadata"]["annotations"][key] == "k"


def test_long_names_are_shortened() -> None:
    assert len(ingress_name("a" * 60 + ".example.org")) == 63
