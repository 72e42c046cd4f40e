"""ConfigMap config-observability."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from serving.api.config_observability import CONFIG_OBSERVABILITY, parse


def test_defaults() -> None:
    found = parse({})
    assert (found.metrics_protocol, found.tracing_protocol, found.sampling_rate) == (
        "none",
        "none",
        0.0,
    )
    assert found.log_url("u") == ""
    assert parse(yaml.safe_load(CONFIG_OBSERVABILITY.example)) == found


def test_the_log_url() -> None:
    found = parse({"logging.revision-url-template": "http://logs/?uid=${REVISION_UID}"})
    assert found.log_url("abc") == "http://logs/?uid=abc"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"metrics-protocol": "smoke"}, "metrics-protocol: 'smoke'"),
        ({"tracing-protocol": "x"}, "tracing-protocol: 'x'"),
        ({"tracing-sampling-rate": "2"}, "must be between 0 and 1"),
        ({"tracing-sampling-rate": "x"}, "tracing-sampling-rate"),
        ({"logging.enable-request-log": "maybe"}, "logging.enable-request-log"),
        ({"runtime-profiling": "on"}, "runtime-profiling: 'on'"),
    ],
)
def test_bad_values(data: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        parse(data)
