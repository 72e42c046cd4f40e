"""Metric: fields, and what it needs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from autoscaler.api.metric import CONDITIONS, METRIC, mark_measured, validate_metric
from tanebi.api.fielderrors import render
from tanebi.api.kind import Admission
from tanebi.api.meta import unknown_fields
from tanebi.testing.world import StandingConfigs

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ({"stableWindow": 60, "panicWindow": 6, "scrapeTarget": "x"}, ""),
        ({"stableWindow": 60}, "missing field(s): spec.panicWindow"),
        ({}, "missing field(s): spec.panicWindow, spec.stableWindow"),
    ],
)
def test_it_needs_its_windows(spec: Any, text: str) -> None:
    view = METRIC.view({"metadata": {"name": "m", "namespace": "n"}, "spec": spec})
    assert unknown_fields(view) == []
    admission = Admission("CREATE", "", NOW, StandingConfigs())
    assert render(validate_metric(view, None, admission)) == text


def test_measured_is_ready() -> None:
    conditions = CONDITIONS.manage([], now=NOW)
    mark_measured(conditions)
    assert conditions.status("Ready") == "True"
