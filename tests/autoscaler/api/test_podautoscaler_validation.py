from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from autoscaler.api import POD_AUTOSCALER
from tanebi.api.fielderrors import render
from tanebi.api.kind import Admission
from tanebi.testing.world import StandingConfigs

REF = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "d"}


def check(spec: dict[str, Any], *, subresource: str = "", **meta: Any) -> str:
    view = POD_AUTOSCALER.view({"metadata": {"name": "r", **meta}, "spec": spec})
    now = datetime(2026, 1, 1, tzinfo=UTC)
    admission = Admission("UPDATE", "u", now, StandingConfigs(), subresource=subresource)
    return render(POD_AUTOSCALER.validate(view, None, admission))


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"scaleTargetRef": REF, "protocolType": "http1"}, ""),
        ({"scaleTargetRef": REF, "protocolType": "h2c", "containerConcurrency": 1000}, ""),
        ({"scaleTargetRef": REF}, "missing field(s): spec.protocolType"),
        ({"scaleTargetRef": REF, "protocolType": "x"}, "invalid value: x: spec.protocolType"),
        (
            {"protocolType": "http1"},
            "missing field(s): spec.scaleTargetRef.apiVersion, spec.scaleTargetRef.kind, "
            "spec.scaleTargetRef.name",
        ),
        (
            {"scaleTargetRef": REF, "protocolType": "http1", "containerConcurrency": -1},
            "expected 0 <= -1 <= 1000: spec.containerConcurrency",
        ),
    ],
)
def test_spec(spec: dict[str, Any], message: str) -> None:
    assert check(spec) == message


def test_annotations_are_checked_where_they_are() -> None:
    spec = {"scaleTargetRef": REF, "protocolType": "http1"}
    bad = {"autoscaling.knative.dev/window": "1s"}
    assert check(spec, annotations=bad) == (
        "expected 6s <= 1s <= 1h0m0s: metadata.annotations.autoscaling.knative.dev/window"
    )


def test_status_and_deletion_are_not_held_up() -> None:
    assert check({}, subresource="status") == ""
    assert check({}, deletionTimestamp="2026-01-01T00:00:00Z") == ""
