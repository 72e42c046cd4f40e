from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from autoscaler.api import SERVERLESS_SERVICE
from tanebi.api.fielderrors import render
from tanebi.api.kind import Admission
from tanebi.testing.world import StandingConfigs

GOOD = {
    "mode": "Proxy",
    "protocolType": "http1",
    "objectRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "d"},
}


def check(spec: dict[str, Any], *, subresource: str = "") -> str:
    view = SERVERLESS_SERVICE.view({"metadata": {"name": "r"}, "spec": spec})
    now = datetime(2026, 1, 1, tzinfo=UTC)
    admission = Admission("UPDATE", "u", now, StandingConfigs(), subresource=subresource)
    return render(SERVERLESS_SERVICE.validate(view, None, admission))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({}, ""),
        ({"mode": "Serve", "protocolType": "h2c"}, ""),
        ({"mode": ""}, "missing field(s): spec.mode"),
        ({"mode": "Hide"}, "invalid value: Hide: spec.mode"),
        ({"numActivators": -1}, "invalid value: -1: spec.numActivators"),
        ({"protocolType": ""}, "missing field(s): spec.protocolType"),
        ({"protocolType": "tcp"}, "invalid value: tcp: spec.protocolType"),
        ({"objectRef": {"kind": "x", "name": "y"}}, "missing field(s): spec.objectRef.apiVersion"),
    ],
)
def test_spec(change: dict[str, Any], message: str) -> None:
    assert check({**GOOD, **change}) == message


def test_status_is_not_held_up() -> None:
    assert check({}, subresource="status") == ""
