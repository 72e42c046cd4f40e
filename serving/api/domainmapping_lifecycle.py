"""The conditions of a DomainMapping and the only ways to change them (reference/knative-serving.md §1.9)."""

from __future__ import annotations

from typing import Final

from serving.api.route_lifecycle import (
    CERTIFICATE_PROVISIONED,
    INGRESS_NOT_CONFIGURED,
    INGRESS_READY,
    NOT_OWNED,
    TLS_NOT_ENABLED,
)
from tanebi.api.conditions import Conditions, ConditionSet
from tanebi.api.meta import ConditionView

DOMAIN_CLAIMED: Final = "DomainClaimed"
REFERENCE_RESOLVED: Final = "ReferenceResolved"

LIVING: Final = ConditionSet(
    (DOMAIN_CLAIMED, REFERENCE_RESOLVED, INGRESS_READY, CERTIFICATE_PROVISIONED)
)

DOMAIN_ALREADY_CLAIMED: Final = "DomainAlreadyClaimed"
DOMAIN_CLAIM_FAILED: Final = "DomainClaimFailed"
RESOLVE_FAILED: Final = "ResolveFailed"
CERTIFICATE_EXTERNALLY_PROVIDED: Final = "CertificateExternallyProvided"

_CLAIMED_ELSEWHERE: Final = "The domain name is already in use by another DomainMapping"
_TLS_OFF: Final = "external-domain-tls is not enabled"
_TLS_EXTERNAL: Final = "TLS certificate was provided externally"


def mark_domain_claimed(conditions: Conditions) -> None:
    conditions.mark_true(DOMAIN_CLAIMED)


def mark_domain_already_claimed(conditions: Conditions) -> None:
    conditions.mark_false(DOMAIN_CLAIMED, DOMAIN_ALREADY_CLAIMED, _CLAIMED_ELSEWHERE)


def mark_claim_missing(conditions: Conditions, domain: str) -> None:
    """Claims are not made here by themselves, and nobody made this one."""
    text = f'no ClusterDomainClaim found for domain "{domain}"'
    conditions.mark_false(DOMAIN_CLAIMED, DOMAIN_CLAIM_FAILED, text)


def mark_reference_resolved(conditions: Conditions) -> None:
    conditions.mark_true(REFERENCE_RESOLVED)


def mark_reference_not_resolved(conditions: Conditions, message: str) -> None:
    conditions.mark_false(REFERENCE_RESOLVED, RESOLVE_FAILED, message)


def mark_ingress_not_configured(conditions: Conditions) -> None:
    conditions.mark_unknown(
        INGRESS_READY, INGRESS_NOT_CONFIGURED, "Ingress has not yet been reconciled."
    )


def mark_ingress_not_owned(conditions: Conditions, name: str) -> None:
    text = f'There is an existing Ingress "{name}" that we do not own.'
    conditions.mark_false(INGRESS_READY, NOT_OWNED, text)


def mirror_ingress(conditions: Conditions, ready: ConditionView | None) -> None:
    """IngressReady says what the Ingress says."""
    if ready is None:
        mark_ingress_not_configured(conditions)
    elif ready.status == "True":
        conditions.mark_true(INGRESS_READY)
    elif ready.status == "False":
        conditions.mark_false(INGRESS_READY, ready.reason, ready.message)
    else:
        conditions.mark_unknown(INGRESS_READY, ready.reason, ready.message)


def mark_tls_not_enabled(conditions: Conditions) -> None:
    conditions.mark_true(CERTIFICATE_PROVISIONED, TLS_NOT_ENABLED, _TLS_OFF)


def mark_certificate_given(conditions: Conditions) -> None:
    """The Secret that spec.tls names is the user's."""
    conditions.mark_true(CERTIFICATE_PROVISIONED, CERTIFICATE_EXTERNALLY_PROVIDED, _TLS_EXTERNAL)
