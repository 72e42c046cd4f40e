"""ConfigMap config-observability."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from serving.api.config_observability import CONFIG_OBSERVABILITY, parse
from serving.api.request_template import DEFAULT


def test_defaults() -> None:
    found = parse({})
    assert (found.metrics_protocol, found.tracing_protocol, found.sampling_rate) == (
        "none",
        "none",
        0.0,
    )
    assert found.log_url("u") == ""
    assert parse(yaml.safe_load(CONFIG_OBSERVABILITY.example)) == found


def test_the_request_log() -> None:
    found = parse({"logging.enable-request-log": "true"})
    assert (found.request_log, found.request_log_template) == (True, DEFAULT)
    own = parse({"logging.request-log-template": "{{.Request.Method}}"})
    assert (own.request_log, own.request_log_template) == (False, "{{.Request.Method}}")
    assert parse({"logging.request-log-template": ""}).request_log_template == ""


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
        (
            {"logging.enable-request-log": "true", "logging.request-log-template": ""},
            '"logging.enable-request-log" was set to true, but no "logging.request-log-template"',
        ),
        ({"logging.request-log-template": "{{.X}}"}, "request-log-template: no field .X"),
        ({"runtime-profiling": "on"}, "runtime-profiling: 'on'"),
    ],
)
def test_bad_values(data: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        parse(data)
