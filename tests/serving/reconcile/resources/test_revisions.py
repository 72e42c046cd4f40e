"""The Revision of one generation."""

from __future__ import annotations

from typing import Any

import pytest

from serving.api import CONFIGURATION, REVISION
from serving.reconcile.resources.revisions import make_revision, name_for


def configuration(name: str = "c", template: Any = None, labels: Any = None) -> Any:
    meta = {"name": name, "namespace": "n", "uid": "u", "generation": 7, "labels": labels or {}}
    return CONFIGURATION.view({"metadata": meta, "spec": {"template": template or {}}})


@pytest.mark.parametrize(
    ("config", "name"),
    [
        (configuration(), "c-00007"),
        (configuration(template={"metadata": {"name": "c-mine"}}), "c-mine"),
    ],
)
def test_its_name(config: Any, name: str) -> None:
    assert name_for(config) == name


def test_a_long_name_is_shortened() -> None:
    assert len(name_for(configuration("c" * 63))) == 63


def test_it_knows_its_service(now: Any) -> None:
    labels = {
        "serving.knative.dev/service": "s",
        "serving.knative.dev/serviceUID": "su",
        "other": "x",
    }
    made = make_revision(configuration(labels=labels), now=now)
    REVISION.view(made)
    assert made["metadata"]["labels"] == {
        "serving.knative.dev/configuration": "c",
        "serving.knative.dev/configurationGeneration": "7",
        "serving.knative.dev/configurationUID": "u",
        "serving.knative.dev/routingState": "pending",
        "serving.knative.dev/service": "s",
        "serving.knative.dev/serviceUID": "su",
    }
