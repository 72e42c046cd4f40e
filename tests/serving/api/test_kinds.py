"""The declarations of the kinds."""

from __future__ import annotations

import pytest

from serving.api import CONFIGS, CONFIGURATION, KINDS, REVISION, ROUTE, SERVICE
from tanebi.api.kind import Kinds


@pytest.mark.parametrize(
    ("kind", "names", "columns"),
    [
        (SERVICE, ("kservice", "ksvc"), ["URL", "LatestCreated", "LatestReady", "Ready", "Reason"]),
        (CONFIGURATION, ("config", "cfg"), ["LatestCreated", "LatestReady", "Ready", "Reason"]),
        (
            REVISION,
            ("rev",),
            ["Config Name", "Generation", "Ready", "Reason", "Actual Replicas", "Desired Replicas"],
        ),
        (ROUTE, ("rt",), ["URL", "Ready", "Reason"]),
    ],
)
def test_names_and_columns(kind: object, names: object, columns: object) -> None:
    assert kind in KINDS
    found = next(k for k in KINDS if k is kind)
    assert found.short_names == names
    assert [c.name for c in found.columns][: len(columns)] == columns  # type: ignore[arg-type]
    assert set(found.categories) >= {"all", "knative", "serving"}
    assert (found.group, found.version) == ("serving.knative.dev", "v1")


def test_people_find_them() -> None:
    assert Kinds(KINDS).called("ksvc") == [SERVICE]
    assert Kinds(KINDS).called("revisions.serving.knative.dev") == [REVISION]


def test_config_maps() -> None:
    assert [c.name for c in CONFIGS] == [
        "config-defaults",
        "config-deployment",
        "config-domain",
        "config-features",
        "config-gc",
        "config-network",
    ]
    assert {c.namespace for c in CONFIGS} == {"knative-serving"}
