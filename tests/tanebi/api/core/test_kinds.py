"""The declarations hang together."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tanebi.api.core.kinds import DEPLOYMENT, KINDS, POD
from tanebi.api.kind import Admission, AnyKind, Kinds
from tanebi.api.meta import Obj, drop_nulls, unknown_fields

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NOBODY: Any = None
CREATE = Admission("CREATE", "somebody", NOW, NOBODY)

TEMPLATE: Obj = {
    "metadata": {"labels": {"a": "b"}},
    "spec": {"containers": [{"name": "c", "image": "i"}]},
}
ONE_SHOT: Obj = {"spec": {**TEMPLATE["spec"], "restartPolicy": "Never"}}
# A small valid object of each kind that has rules of its own.
SAMPLES: dict[str, Obj] = {
    "Pod": {"spec": {"containers": [{"name": "c", "image": "i"}]}},
    "Service": {"spec": {"ports": [{"port": 80}]}},
    "Deployment": {
        "spec": {
            "selector": {"matchLabels": {"a": "b"}},
            "template": {
                "metadata": {"labels": {"a": "b"}},
                "spec": {"containers": [{"name": "c", "image": "i"}]},
            },
        }
    },
    "EndpointSlice": {"addressType": "IPv4", "endpoints": []},
    "ReplicaSet": {"spec": {"selector": {"matchLabels": {"a": "b"}}, "template": TEMPLATE}},
    "StatefulSet": {"spec": {"selector": {"matchLabels": {"a": "b"}}, "template": TEMPLATE}},
    "DaemonSet": {"spec": {"selector": {"matchLabels": {"a": "b"}}, "template": TEMPLATE}},
    "ReplicationController": {"spec": {"template": TEMPLATE}},
    "Job": {"spec": {"template": ONE_SHOT}},
    "CronJob": {"spec": {"schedule": "* * * * *", "jobTemplate": {"spec": {"template": ONE_SHOT}}}},
    "HorizontalPodAutoscaler": {
        "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "x"}, "maxReplicas": 2}
    },
    "PersistentVolumeClaim": {
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    },
    "StorageClass": {"provisioner": "p"},
    "IngressClass": {"spec": {"controller": "c"}},
}


def sample(kind: AnyKind) -> Obj:
    meta = {"name": "x", "namespace": "default", "creationTimestamp": "2026-01-01T00:00:00Z"}
    names = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": meta}
    found: Obj = drop_nulls(names | SAMPLES.get(kind.kind, {}))
    return found


def test_no_kind_is_declared_twice() -> None:
    assert list(Kinds(KINDS)) == list(KINDS)
    assert all(kind.builtin for kind in KINDS)


@pytest.mark.parametrize("kind", KINDS, ids=repr)
def test_completing_twice_is_completing_once(kind: AnyKind) -> None:
    once = kind.defaults(sample(kind), None, CREATE)
    twice = kind.defaults(drop_nulls(once), None, CREATE)
    assert once == twice


@pytest.mark.parametrize("kind", KINDS, ids=repr)
def test_what_defaults_write_the_types_know(kind: AnyKind) -> None:
    view = kind.view(kind.defaults(sample(kind), None, CREATE))
    assert unknown_fields(view) == []


@pytest.mark.parametrize("kind", [k for k in KINDS if k.kind in SAMPLES], ids=repr)
def test_the_samples_are_valid_when_completed(kind: AnyKind) -> None:
    view = kind.view(kind.defaults(sample(kind), None, CREATE))
    assert kind.validate(view, None, CREATE) == []
    assert kind.validate(view, view, CREATE) == [], "and may be written again unchanged"


@pytest.mark.parametrize("kind", KINDS, ids=repr)
def test_every_column_shows_something(kind: AnyKind) -> None:
    obj = kind.defaults(sample(kind), None, CREATE)
    for column in kind.columns:
        assert bool(column.path) != (column.cell is not None), column.name
        if column.cell is not None:
            assert column.cell(obj, NOW) is not None, column.name
            assert column.cell({"metadata": {}}, NOW) is not None, (
                f"{column.name}, of a bare object"
            )


def test_what_can_be_scaled() -> None:
    assert [kind.kind for kind in KINDS if kind.scale] == [
        "Deployment",
        "ReplicaSet",
        "StatefulSet",
        "ReplicationController",
    ]
    assert DEPLOYMENT.scale is not None
    assert DEPLOYMENT.scale.spec == ".spec.replicas"
    assert "po" in POD.short_names
