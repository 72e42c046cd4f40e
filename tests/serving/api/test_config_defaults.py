"""ConfigMap config-defaults."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from serving.api.config_defaults import CONFIG_DEFAULTS, parse


def test_knatives_defaults() -> None:
    found = parse({})
    assert (found.timeout_s, found.response_start_timeout_s, found.idle_timeout_s) == (300, 300, 0)
    assert (found.timeout_max_s, found.container_concurrency) == (600, 0)
    assert (found.container_concurrency_max, found.allow_concurrency_zero) == (1000, True)
    assert found.enable_service_links is False
    assert (found.requests, found.limits) == ({}, {})
    assert found.container_name.render({}) == "user-container"
    assert found.init_container_name.render({}) == "init-container"


def test_the_example_says_the_defaults() -> None:
    assert parse(yaml.safe_load(CONFIG_DEFAULTS.example)) == parse({})


def test_resources_and_names() -> None:
    found = parse(
        {
            "revision-cpu-request": "100m",
            "revision-ephemeral-storage-limit": "1Gi",
            "container-name-template": "{{.Name}}-c",
            "enable-service-links": "Default",
        }
    )
    assert (found.requests, found.limits) == ({"cpu": "100m"}, {"ephemeral-storage": "1Gi"})
    assert found.container_name.render({"Name": "x"}) == "x-c"
    assert found.enable_service_links is None


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (
            {"revision-timeout-seconds": "700"},
            r"revision-timeout-seconds \(700\) cannot be greater than max-revision-timeout-seconds \(600\)",
        ),
        (
            {"revision-response-start-timeout-seconds": "301"},
            r"revision-response-start-timeout-seconds \(301\) cannot be greater",
        ),
        ({"revision-idle-timeout-seconds": "301"}, "revision-idle-timeout-seconds"),
        ({"container-concurrency": "2000"}, r"container-concurrency = 2000 is outside \[0, 1000\]"),
        ({"container-concurrency-max-limit": "0"}, "container-concurrency-max-limit"),
        ({"revision-memory-limit": "lots"}, "'revision-memory-limit': 'lots'"),
        ({"container-name-template": "{{.Nope}}"}, "container-name-template"),
        ({"allow-container-concurrency-zero": "yes"}, "'allow-container-concurrency-zero': 'yes'"),
    ],
)
def test_bad_values(data: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        parse(data)
