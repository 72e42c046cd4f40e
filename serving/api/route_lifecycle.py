"""The conditions of a Route and the only ways to change them (reference/knative-serving.md §1.9)."""

from __future__ import annotations

from typing import Final

from tanebi.api.conditions import Conditions, ConditionSet
from tanebi.api.meta import ConditionView

ALL_TRAFFIC_ASSIGNED: Final = "AllTrafficAssigned"
INGRESS_READY: Final = "IngressReady"
CERTIFICATE_PROVISIONED: Final = "CertificateProvisioned"

LIVING: Final = ConditionSet((ALL_TRAFFIC_ASSIGNED, INGRESS_READY, CERTIFICATE_PROVISIONED))

REVISION_MISSING: Final = "RevisionMissing"
REVISION_NOT_OWNED: Final = "RevisionNotOwned"
NOT_OWNED: Final = "NotOwned"
INGRESS_NOT_CONFIGURED: Final = "IngressNotConfigured"
ROLLOUT_IN_PROGRESS: Final = "RolloutInProgress"
TLS_NOT_ENABLED: Final = "TLSNotEnabled"
HTTP_DOWNGRADE: Final = "HTTPDowngrade"
CERTIFICATE_NOT_READY: Final = "CertificateNotReady"
CERTIFICATE_NOT_OWNED: Final = "CertificateNotOwned"
CERTIFICATE_PROVISION_FAILED: Final = "CertificateProvisionFailed"

_TLS_OFF: Final = "external-domain-tls is not enabled"
_TLS_OFF_LOCAL: Final = "TLS is not enabled for cluster-local"


def mark_traffic_assigned(conditions: Conditions) -> None:
    conditions.mark_true(ALL_TRAFFIC_ASSIGNED)


def mark_configuration_not_ready(conditions: Conditions, name: str) -> None:
    text = f'Configuration "{name}" is waiting for a Revision to become ready.'
    conditions.mark_unknown(ALL_TRAFFIC_ASSIGNED, REVISION_MISSING, text)


def mark_configuration_failed(conditions: Conditions, name: str) -> None:
    text = f'Configuration "{name}" does not have any ready Revision.'
    conditions.mark_false(ALL_TRAFFIC_ASSIGNED, REVISION_MISSING, text)


def mark_revision_not_ready(conditions: Conditions, name: str) -> None:
    text = f'Revision "{name}" is not yet ready.'
    conditions.mark_unknown(ALL_TRAFFIC_ASSIGNED, REVISION_MISSING, text)


def mark_revision_failed(conditions: Conditions, name: str) -> None:
    text = f'Revision "{name}" failed to become ready.'
    conditions.mark_false(ALL_TRAFFIC_ASSIGNED, REVISION_MISSING, text)


def mark_target_missing(conditions: Conditions, kind: str, name: str) -> None:
    """`kind` is Configuration or Revision."""
    text = f'{kind} "{name}" referenced in traffic not found.'
    conditions.mark_false(ALL_TRAFFIC_ASSIGNED, f"{kind}Missing", text)


def mark_revision_not_owned(
    conditions: Conditions, revision: str, *, service: str, owner: str
) -> None:
    """A Service's route may lead to that Service's revisions only."""
    text = f'Revision "{revision}" belongs to Service "{owner}", not Service "{service}".'
    conditions.mark_false(ALL_TRAFFIC_ASSIGNED, REVISION_NOT_OWNED, text)


def mark_service_not_owned(conditions: Conditions, name: str) -> None:
    text = f'There is an existing placeholder Service "{name}" that we do not own.'
    conditions.mark_false(INGRESS_READY, NOT_OWNED, text)


def mark_ingress_not_owned(conditions: Conditions, name: str) -> None:
    text = f'There is an existing Ingress "{name}" that we do not own.'
    conditions.mark_false(INGRESS_READY, NOT_OWNED, text)


def mark_ingress_not_configured(conditions: Conditions) -> None:
    conditions.mark_unknown(
        INGRESS_READY, INGRESS_NOT_CONFIGURED, "Ingress has not yet been reconciled."
    )


def mark_rollout_in_progress(conditions: Conditions) -> None:
    conditions.mark_unknown(
        INGRESS_READY,
        ROLLOUT_IN_PROGRESS,
        "A gradual rollout of the latest revision(s) is in progress.",
    )


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


def mark_tls_not_enabled(conditions: Conditions, *, cluster_local: bool) -> None:
    text = _TLS_OFF_LOCAL if cluster_local else _TLS_OFF
    conditions.mark_true(CERTIFICATE_PROVISIONED, TLS_NOT_ENABLED, text)


def mark_certificate_ready(conditions: Conditions) -> None:
    conditions.mark_true(CERTIFICATE_PROVISIONED)


def mark_certificate_not_ready(conditions: Conditions, certificate: str) -> None:
    text = f"Certificate {certificate} is not ready."
    conditions.mark_unknown(CERTIFICATE_PROVISIONED, CERTIFICATE_NOT_READY, text)


def mark_certificate_failed(conditions: Conditions, certificate: str) -> None:
    text = f"Certificate {certificate} fails to be provisioned."
    conditions.mark_false(CERTIFICATE_PROVISIONED, CERTIFICATE_PROVISION_FAILED, text)


def mark_certificate_not_owned(conditions: Conditions, certificate: str) -> None:
    text = f"There is an existing certificate {certificate} that we don't own."
    conditions.mark_false(CERTIFICATE_PROVISIONED, CERTIFICATE_NOT_OWNED, text)


def mark_http_downgrade(conditions: Conditions, certificate: str) -> None:
    """TLS is wanted and there is no certificate; plain HTTP is served meanwhile."""
    text = f"Certificate {certificate} is not ready downgrade HTTP."
    conditions.mark_true(CERTIFICATE_PROVISIONED, HTTP_DOWNGRADE, text)
