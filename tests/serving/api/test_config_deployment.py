"""ConfigMap config-deployment."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from serving.api.config_deployment import CONFIG_DEPLOYMENT, parse


def test_knatives_defaults() -> None:
    found = parse({})
    assert found.registries_skipping_resolution == ("dev.local", "kind.local", "ko.local")
    assert (found.digest_timeout_s, found.progress_deadline_s) == (10.0, 600.0)
    assert found.queue_resources == {("requests", "cpu"): "25m"}
    assert found.runtime_class({"a": "b"}) is None
    assert found.affinity == "prefer-spread-revision-over-nodes"
    assert found.always_schedulable is False
    assert parse(yaml.safe_load(CONFIG_DEPLOYMENT.example)) == found


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (
            {"progress-deadline": "0s"},
            "progress-deadline cannot be a non-positive duration, was 0s",
        ),
        ({"progress-deadline": "1.5s"}, "progress-deadline must be rounded to a whole second"),
        ({"digest-resolution-timeout": "-1s"}, "digest-resolution-timeout"),
        ({"default-affinity-type": "odd"}, "default-affinity-type: 'odd'"),
        ({"queue-sidecar-cpu-request": "x"}, "queue-sidecar-cpu-request"),
        ({"queue-sidecar-memory-limit": "x"}, "queue-sidecar-memory-limit"),
        ({"runtime-class-name": "[a]"}, "runtime-class-name"),
        ({"runtime-class-name": "a: b"}, "runtime-class-name"),
        ({"runtime-class-name": "{"}, "runtime-class-name"),
    ],
)
def test_bad_values(data: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        parse(data)


def test_the_most_specific_runtime_class() -> None:
    text = "plain: {}\nkata:\n  selector: {a: b}\nboth:\n  selector: {a: b, c: d}\n"
    found = parse({"runtime-class-name": text})
    assert found.runtime_class({}) == "plain"
    assert found.runtime_class({"a": "b"}) == "kata"
    assert found.runtime_class({"a": "b", "c": "d", "e": "f"}) == "both"


def test_amounts_of_the_sidecar() -> None:
    found = parse({"queue-sidecar-memory-limit": "1Gi", "queue-sidecar-cpu-request": "1"})
    assert found.queue_resources == {("limits", "memory"): "1Gi", ("requests", "cpu"): "1"}


@pytest.mark.parametrize(
    ("image", "given"),
    [
        ("dev.local/hello", False),
        ("quay.io/a/b:c", False),
        ("corp.example/a", True),
        ("quay.io/a/b@sha256:" + "0" * 64, True),
    ],
)
def test_which_images_are_not_looked_up(image: str, given: bool) -> None:
    found = parse({"registries-skipping-tag-resolving": "dev.local,corp.example"})
    assert found.takes_as_given(image) is given
