from __future__ import annotations

from datetime import UTC, datetime

from importers.api import source_lifecycle as lifecycle

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_all_well_is_ready() -> None:
    conditions = lifecycle.SOURCE_CONDITIONS.manage([], now=NOW)
    lifecycle.mark_sink(conditions)
    lifecycle.mark_deployed(conditions)
    assert conditions.status("Ready") == "Unknown"
    lifecycle.mark_oidc_disabled(conditions)
    assert conditions.status("Ready") == "True"
    oidc = conditions.get("OIDCIdentityCreated")
    assert oidc is not None
    assert oidc["reason"] == "authentication-oidc feature disabled"


def test_a_missing_sink_is_told_by_ready() -> None:
    conditions = lifecycle.SOURCE_CONDITIONS.manage([], now=NOW)
    lifecycle.mark_no_sink(conditions, 'broker "x" not found')
    lifecycle.mark_waiting_for_sink(conditions)
    lifecycle.mark_oidc_disabled(conditions)
    ready = conditions.get("Ready")
    assert ready is not None
    assert (ready["status"], ready["reason"]) == ("False", "NotFound")
    assert ready["message"] == 'broker "x" not found'
