"""DomainMapping: claims, references, its Ingress, and what it says when something is missing."""

from __future__ import annotations

from typing import Any

import pytest

from activator.api.ingress import INGRESS
from serving.api import CERTIFICATE, DOMAIN_CLAIM, DOMAIN_MAPPING, KINDS, SERVICE
from serving.reconcile.domainclaim import DomainClaimReconciler
from serving.reconcile.domainmapping import Backend, DomainMappingReconciler, backend_of
from tanebi.api.addressable import Unresolved
from tanebi.api.core.kinds import KINDS as CORE_KINDS
from tanebi.api.core.kinds import SERVICE as CORE_SERVICE
from tanebi.api.kind import Kinds
from tanebi.testing.planning import FixedConfigs, PlanningWorld

DOMAIN = "shop.example.org"
AUTO = {"config-network": {"autocreate-cluster-domain-claims": "true"}}


class Mappings:
    def __init__(self, configs: Any = None) -> None:
        self.world = PlanningWorld(configs=FixedConfigs(configs))
        kinds = Kinds((*CORE_KINDS, *KINDS))
        self.reconciler = DomainMappingReconciler(kinds, (SERVICE, CORE_SERVICE))
        self.claims = DomainClaimReconciler()

    def map(self, namespace: str = "n", name: str = DOMAIN, *, to: str = "s", **spec: Any) -> None:
        ref = {"apiVersion": SERVICE.api_version, "kind": "Service", "name": to}
        ref["namespace"] = namespace
        meta = {"name": name, "namespace": namespace}
        self.world.put(DOMAIN_MAPPING, {"metadata": meta, "spec": {"ref": ref, **spec}})

    def claim(self, namespace: str, name: str = DOMAIN, **meta: Any) -> None:
        obj = {"metadata": {"name": name, **meta}, "spec": {"namespace": namespace}}
        self.world.put(DOMAIN_CLAIM, obj)

    def service(self, name: str = "s", url: str = "http://s.n.svc.cluster.local") -> None:
        meta = {"name": name, "namespace": "n"}
        self.world.put(SERVICE, {"metadata": meta, "status": {"address": {"url": url}}})

    def settle(self) -> None:
        self.world.settle((self.reconciler, self.claims))

    def condition(self, type_: str = "Ready", namespace: str = "n") -> tuple[str, str, str]:
        obj = self.world.raw(DOMAIN_MAPPING, namespace, DOMAIN)
        assert obj is not None
        found = next((c for c in obj["status"]["conditions"] if c["type"] == type_), {})
        return found.get("status", ""), found.get("reason", ""), found.get("message", "")

    def gateway_follows(self) -> None:
        ready = {"conditions": [{"type": "Ready", "status": "True"}]}
        self.world.set_status(INGRESS, "n", DOMAIN, ready)


def test_with_a_claim_and_a_service_it_becomes_ready() -> None:
    mappings = Mappings()
    mappings.claim("n")
    mappings.service()
    mappings.map()
    mappings.settle()
    assert mappings.condition() == (
        "Unknown",
        "IngressNotConfigured",
        "Ingress has not yet been reconciled.",
    )
    mappings.gateway_follows()
    mappings.settle()
    assert mappings.condition()[0] == "True"
    assert mappings.condition("CertificateProvisioned")[1] == "TLSNotEnabled"
    status = (mappings.world.raw(DOMAIN_MAPPING, "n", DOMAIN) or {})["status"]
    assert status["url"] == f"http://{DOMAIN}"
    assert status["address"] == {"url": f"http://{DOMAIN}"}


def test_without_a_claim_nothing_is_served() -> None:
    mappings = Mappings()
    mappings.service()
    mappings.map()
    mappings.settle()
    text = f'no ClusterDomainClaim found for domain "{DOMAIN}"'
    assert mappings.condition("DomainClaimed") == ("False", "DomainClaimFailed", text)
    assert mappings.world.raw(INGRESS, "n", DOMAIN) is None


def test_the_first_namespace_wins() -> None:
    mappings = Mappings(AUTO)
    mappings.service()
    mappings.map()
    mappings.settle()
    mappings.map("other")
    mappings.settle()
    assert mappings.condition("DomainClaimed")[0] == "True"
    assert mappings.condition("DomainClaimed", "other")[:2] == ("False", "DomainAlreadyClaimed")
    assert mappings.condition("Ready", "other")[0] == "False"
    mappings.world.delete(DOMAIN_MAPPING, "n", DOMAIN)
    mappings.settle()
    assert mappings.condition("DomainClaimed", "other")[0] == "True", "the claim was given back"


def test_claims_of_people_stay() -> None:
    mappings = Mappings(AUTO)
    mappings.claim("n")
    mappings.service()
    mappings.map()
    mappings.settle()
    mappings.world.delete(DOMAIN_MAPPING, "n", DOMAIN)
    mappings.settle()
    assert mappings.world.raw(DOMAIN_CLAIM, "", DOMAIN) is not None


def test_a_reference_to_nothing() -> None:
    mappings = Mappings(AUTO)
    mappings.map()
    mappings.settle()
    text = 'services.serving.knative.dev "s" not found'
    assert mappings.condition("ReferenceResolved") == ("False", "ResolveFailed", text)
    mappings.service()
    mappings.settle()
    assert mappings.condition("ReferenceResolved")[0] == "True"


def test_a_certificate_of_the_users_own() -> None:
    mappings = Mappings(AUTO)
    mappings.service()
    mappings.map(tls={"secretName": "cert"})
    mappings.settle()
    assert mappings.condition("CertificateProvisioned") == (
        "True",
        "CertificateExternallyProvided",
        "TLS certificate was provided externally",
    )
    status = (mappings.world.raw(DOMAIN_MAPPING, "n", DOMAIN) or {})["status"]
    assert status["url"] == f"https://{DOMAIN}"


def test_somebody_elses_ingress() -> None:
    mappings = Mappings(AUTO)
    mappings.world.put(INGRESS, {"metadata": {"name": DOMAIN, "namespace": "n"}})
    mappings.service()
    mappings.map()
    mappings.settle()
    assert mappings.condition("IngressReady")[:2] == ("False", "NotOwned")


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("http://s.n.svc.cluster.local", Backend("s", "s.n.svc.cluster.local")),
        ("http://s.n.svc.cluster.local/", Backend("s", "s.n.svc.cluster.local")),
        (
            "http://s.n.svc.cluster.local/path",
            'resolved URI "http://s.n.svc.cluster.local/path" contains a path',
        ),
        (
            "http://example.org",
            'resolved URI "http://example.org" must be of the form {name}.{namespace}.svc.cluster.local',
        ),
        (
            "http://s.other.svc.cluster.local",
            'resolved URI "http://s.other.svc.cluster.local" must be in same namespace as DomainMapping',
        ),
    ],
)
def test_what_can_stand_behind_a_host(url: str, found: Any) -> None:
    backend = backend_of(url, "n")
    assert (backend.message if isinstance(backend, Unresolved) else backend) == found


def test_which_mappings_a_change_concerns() -> None:
    mappings = Mappings()
    mappings.map()
    mappings.map(name="other.example.org", to="t")
    reads = {read.kind: read for read in mappings.reconciler.reads}
    changed = {"metadata": {"name": "s", "namespace": "n"}}
    of_service = reads[SERVICE].keys(changed, mappings.world)
    assert [key.name for key in of_service] == [DOMAIN]
    assert list(reads[CORE_SERVICE].keys(changed, mappings.world)) == []
    claim = {"metadata": {"name": DOMAIN}}
    assert [k.name for k in reads[DOMAIN_CLAIM].keys(claim, mappings.world)] == [DOMAIN]


def test_one_on_its_way_out_is_left_alone() -> None:
    mappings = Mappings()
    mappings.map()
    raw = mappings.world.raw(DOMAIN_MAPPING, "n", DOMAIN)
    assert raw is not None
    raw["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert mappings.world.plan(mappings.reconciler, "n", DOMAIN).status is None


TLS = {"config-network": {"external-domain-tls": "Enabled", "http-protocol": "Redirected"}}


def test_with_tls_it_asks_for_a_certificate_and_answers_https_once_it_is_there() -> None:
    mappings = Mappings(TLS)
    mappings.claim("n")
    mappings.service()
    mappings.map()
    mappings.settle()
    assert mappings.condition("CertificateProvisioned")[:2] == ("Unknown", "CertificateNotReady")
    certificate = mappings.world.raw(CERTIFICATE, "n", DOMAIN)
    assert certificate is not None
    assert certificate["spec"] == {"dnsNames": [DOMAIN], "domain": DOMAIN, "secretName": DOMAIN}
    ready = {"conditions": [{"type": "Ready", "status": "True"}]}
    mappings.world.set_status(CERTIFICATE, "n", DOMAIN, ready)
    mappings.settle()
    mappings.gateway_follows()
    mappings.settle()
    assert mappings.condition()[0] == "True"
    mapping = mappings.world.raw(DOMAIN_MAPPING, "n", DOMAIN) or {}
    assert mapping["status"]["url"] == f"https://{DOMAIN}"
    spec = (mappings.world.raw(INGRESS, "n", DOMAIN) or {})["spec"]
    assert (spec["tls"][0]["secretName"], spec["httpOption"]) == (DOMAIN, "Redirected")


def test_a_certificate_of_the_user_goes_first() -> None:
    mappings = Mappings(TLS)
    mappings.claim("n")
    mappings.service()
    mappings.map(tls={"secretName": "mine"})
    mappings.settle()
    assert mappings.world.raw(CERTIFICATE, "n", DOMAIN) is None
    spec = (mappings.world.raw(INGRESS, "n", DOMAIN) or {})["spec"]
    assert spec["tls"][0]["secretName"] == "mine"
