"""The conditions of a DomainMapping: types, reasons, texts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from serving.api import domainmapping_lifecycle as mark
from tanebi.api.conditions import Conditions
from tanebi.api.meta import ConditionView

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def fresh() -> Conditions:
    return mark.LIVING.manage([], now=NOW)


def test_ready_needs_all_four() -> None:
    conditions = fresh()
    mark.mark_domain_claimed(conditions)
    mark.mark_reference_resolved(conditions)
    mark.mark_tls_not_enabled(conditions)
    assert conditions.status("Ready") == "Unknown"
    mark.mirror_ingress(conditions, ConditionView(type="Ready", status="True"))
    assert conditions.status("Ready") == "True"
    assert conditions.get("CertificateProvisioned") == {
        "type": "CertificateProvisioned",
        "status": "True",
        "reason": "TLSNotEnabled",
        "message": "external-domain-tls is not enabled",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }


Marks = Callable[[Conditions], None]


@pytest.mark.parametrize(
    ("change", "type_", "status", "reason", "message"),
    [
        (
            mark.mark_domain_already_claimed,
            "DomainClaimed",
            "False",
            "DomainAlreadyClaimed",
            "The domain name is already in use by another DomainMapping",
        ),
        (
            lambda c: mark.mark_claim_missing(c, "a.b"),
            "DomainClaimed",
            "False",
            "DomainClaimFailed",
            'no ClusterDomainClaim found for domain "a.b"',
        ),
        (
            lambda c: mark.mark_reference_not_resolved(c, "why"),
            "ReferenceResolved",
            "False",
            "ResolveFailed",
            "why",
        ),
        (
            mark.mark_ingress_not_configured,
            "IngressReady",
            "Unknown",
            "IngressNotConfigured",
            "Ingress has not yet been reconciled.",
        ),
        (
            lambda c: mark.mark_ingress_not_owned(c, "x"),
            "IngressReady",
            "False",
            "NotOwned",
            'There is an existing Ingress "x" that we do not own.',
        ),
        (
            lambda c: mark.mirror_ingress(c, None),
            "IngressReady",
            "Unknown",
            "IngressNotConfigured",
            "Ingress has not yet been reconciled.",
        ),
        (
            lambda c: mark.mirror_ingress(
                c, ConditionView(type="Ready", status="False", reason="R", message="m")
            ),
            "IngressReady",
            "False",
            "R",
            "m",
        ),
        (
            lambda c: mark.mirror_ingress(
                c, ConditionView(type="Ready", status="Unknown", reason="R", message="m")
            ),
            "IngressReady",
            "Unknown",
            "R",
            "m",
        ),
        (
            mark.mark_certificate_given,
            "CertificateProvisioned",
            "True",
            "CertificateExternallyProvided",
            "TLS certificate was provided externally",
        ),
    ],
)
def test_marks(change: Marks, type_: str, status: str, reason: str, message: str) -> None:
    conditions = fresh()
    change(conditions)
    found: Any = conditions.get(type_)
    assert (found["status"], found["reason"], found["message"]) == (status, reason, message)
    if status != "True":
        assert conditions.status("Ready") == status
