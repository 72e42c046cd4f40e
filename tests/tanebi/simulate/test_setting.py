"""Settings from manifests and words; what the platform would refuse is refused."""

from __future__ import annotations

from typing import Any

import pytest

from autoscaler.api.config_autoscaler import DEFAULTS
from tanebi.simulate.setting import PLAIN, changed, from_objects

PREFIX = "autoscaling.knative.dev/"
TARGET = f"{PREFIX}target"


def service(kind: str = "Service", limit: Any = 10, **annotations: str) -> dict[str, Any]:
    template = {
        "metadata": {
            "annotations": {f"{PREFIX}{k}".replace("_", "-"): v for k, v in annotations.items()}
        },
        "spec": {"containerConcurrency": limit},
    }
    inside = template if kind == "Revision" else {"spec": {"template": template}}
    return {"apiVersion": "serving.knative.dev/v1", "kind": kind, **inside}


@pytest.mark.parametrize("kind", ["Service", "Configuration", "Revision"])
def test_a_manifest(kind: str) -> None:
    setting = from_objects([service(kind, target="7")], "m.yaml")
    assert (setting.name, setting.concurrency) == ("m.yaml", 10)
    assert setting.annotations == {TARGET: "7"}
    assert setting.settings == DEFAULTS


def test_the_config_map_beside_it_counts() -> None:
    config = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "config-autoscaler"},
        "data": {"stable-window": "10s"},
    }
    setting = from_objects([{"apiVersion": "v1", "kind": "Service"}, config, service()], "m")
    assert setting.settings.stable_window_s == 10
    with pytest.raises(ValueError, match="stable-window"):
        from_objects([service(), {**config, "data": {"stable-window": "1s"}}], "m")


def test_the_timeout_is_that_of_the_revision_or_the_default() -> None:
    manifest = service()
    assert from_objects([manifest], "m").timeout_s == 300
    manifest["spec"]["template"]["spec"]["timeoutSeconds"] = 20
    assert from_objects([manifest], "m").timeout_s == 20
    assert changed(PLAIN, "timeout-seconds=5").timeout_s == 5
    manifest["spec"]["template"]["spec"]["timeoutSeconds"] = "soon"
    with pytest.raises(ValueError, match="timeoutSeconds"):
        from_objects([manifest], "m")


def test_words_are_laid_over() -> None:
    setting = changed(PLAIN, "target=5,container-concurrency=8,tanebi.dev/x=y")
    assert setting.annotations == {TARGET: "5", "tanebi.dev/x": "y"}
    assert setting.concurrency == 8
    assert setting.name == "target=5,container-concurrency=8,tanebi.dev/x=y"
    assert PLAIN.annotations == {}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("target", "annotation=value"),
        ("=5", "annotation=value"),
        ("target=0", "at least 0.01"),
        ("tarjet=5", "no such annotation: autoscaling.knative.dev/tarjet"),
        ("container-concurrency=x", "not a whole number"),
        ("container-concurrency=1001", "containerConcurrency"),
        ("timeout-seconds=x", "not a whole number"),
        ("timeout-seconds=601", "expected 0 <= 601 <= 600: timeoutSeconds"),
        ("min-scale=5,max-scale=2", "less than"),
        ("class=hpa.autoscaling.knative.dev", "not simulated"),
        ("serving.knative.dev/progress-deadline=soon", "progress-deadline"),
    ],
)
def test_what_the_platform_would_refuse(words: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        changed(PLAIN, words)


@pytest.mark.parametrize(
    ("objects", "says"),
    [
        ([], "no Service"),
        ([service(), service()], "more than one"),
        ([service(limit="many")], "containerConcurrency"),
        ([service(target="x")], "target"),
    ],
)
def test_manifests_that_cannot_be_tried(objects: list[dict[str, Any]], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        from_objects(objects, "m.yaml")


def test_the_revision_is_an_old_one() -> None:
    pa = changed(PLAIN, "initial-scale=5").pod_autoscaler(initialized=True)
    assert pa.status.initialized
    assert pa.spec.reachable


def test_the_progress_deadline() -> None:
    assert PLAIN.progress_deadline_s == 600
    assert changed(PLAIN, "serving.knative.dev/progress-deadline=1m").progress_deadline_s == 60
