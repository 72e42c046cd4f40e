"""Conditions of a Route: every mark."""

from __future__ import annotations

from typing import Any

import pytest

from serving.api import route_lifecycle as mark
from tanebi.api.meta import ConditionView

TRAFFIC, INGRESS, CERTIFICATE = "AllTrafficAssigned", "IngressReady", "CertificateProvisioned"
MISSING = "RevisionMissing"


@pytest.mark.parametrize(
    ("change", "type_", "said"),
    [
        (mark.mark_traffic_assigned, TRAFFIC, ("True", "", "")),
        (
            lambda c: mark.mark_configuration_not_ready(c, "c"),
            TRAFFIC,
            ("Unknown", MISSING, 'Configuration "c" is waiting for a Revision to become ready.'),
        ),
        (
            lambda c: mark.mark_configuration_failed(c, "c"),
            TRAFFIC,
            ("False", MISSING, 'Configuration "c" does not have any ready Revision.'),
        ),
        (
            lambda c: mark.mark_revision_not_ready(c, "r"),
            TRAFFIC,
            ("Unknown", MISSING, 'Revision "r" is not yet ready.'),
        ),
        (
            lambda c: mark.mark_revision_failed(c, "r"),
            TRAFFIC,
            ("False", MISSING, 'Revision "r" failed to become ready.'),
        ),
        (
            lambda c: mark.mark_target_missing(c, "Configuration", "c"),
            TRAFFIC,
            ("False", "ConfigurationMissing", 'Configuration "c" referenced in traffic not found.'),
        ),
        (
            lambda c: mark.mark_revision_not_owned(c, "r", service="s", owner="o"),
            TRAFFIC,
            ("False", "RevisionNotOwned", 'Revision "r" belongs to Service "o", not Service "s".'),
        ),
        (
            lambda c: mark.mark_service_not_owned(c, "s"),
            INGRESS,
            (
                "False",
                "NotOwned",
                'There is an existing placeholder Service "s" that we do not own.',
            ),
        ),
        (
            lambda c: mark.mark_ingress_not_owned(c, "i"),
            INGRESS,
            ("False", "NotOwned", 'There is an existing Ingress "i" that we do not own.'),
        ),
        (
            mark.mark_ingress_not_configured,
            INGRESS,
            ("Unknown", "IngressNotConfigured", "Ingress has not yet been reconciled."),
        ),
        (
            mark.mark_rollout_in_progress,
            INGRESS,
            (
                "Unknown",
                "RolloutInProgress",
                "A gradual rollout of the latest revision(s) is in progress.",
            ),
        ),
        (
            lambda c: mark.mark_tls_not_enabled(c, cluster_local=False),
            CERTIFICATE,
            ("True", "TLSNotEnabled", "external-domain-tls is not enabled"),
        ),
        (
            lambda c: mark.mark_tls_not_enabled(c, cluster_local=True),
            CERTIFICATE,
            ("True", "TLSNotEnabled", "TLS is not enabled for cluster-local"),
        ),
        (
            lambda c: mark.mark_http_downgrade(c, "cert"),
            CERTIFICATE,
            ("True", "HTTPDowngrade", "Certificate cert is not ready downgrade HTTP."),
        ),
    ],
)
def test_marks(now: Any, change: Any, type_: str, said: Any) -> None:
    conditions = mark.LIVING.manage([], now=now)
    change(conditions)
    found = conditions.get(type_) or {}
    assert (found["status"], found.get("reason", ""), found.get("message", "")) == said


@pytest.mark.parametrize("status", ["True", "False", "Unknown"])
def test_the_ingress_is_mirrored(now: Any, status: str) -> None:
    conditions = mark.LIVING.manage([], now=now)
    mark.mirror_ingress(conditions, ConditionView(type="Ready", status=status, reason="R"))
    assert conditions.status(INGRESS) == status


def test_an_ingress_without_a_word(now: Any) -> None:
    conditions = mark.LIVING.manage([], now=now)
    mark.mirror_ingress(conditions, None)
    assert (conditions.get(INGRESS) or {})["reason"] == "IngressNotConfigured"
