"""Nodes: taints and columns."""

from __future__ import annotations

from tanebi.api.core.kinds_cluster import NODE
from tests.tanebi.api.core.checking import cells, problems


def test_taints() -> None:
    taint = {"key": "k", "effect": "NoSchedule"}
    assert problems(NODE, {"spec": {"taints": [taint]}}) == ""
    assert "Duplicate" in problems(NODE, {"spec": {"taints": [taint, taint]}})
    assert "effect" in problems(NODE, {"spec": {"taints": [{"key": "k", "effect": "x"}]}})
    assert "key" in problems(NODE, {"spec": {"taints": [{"effect": "NoSchedule"}]}})


def test_columns() -> None:
    obj = {
        "metadata": {"labels": {"node-role.kubernetes.io/control-plane": ""}},
        "spec": {"unschedulable": True},
        "status": {
            "conditions": [{"type": "Ready", "status": "True"}],
            "addresses": [{"type": "InternalIP", "address": "10.0.0.1"}],
            "nodeInfo": {"kubeletVersion": "v1.32.0"},
        },
    }
    assert cells(NODE, obj) | {
        "Status": "Ready,SchedulingDisabled",
        "Roles": "control-plane",
        "Version": "v1.32.0",
        "Internal-IP": "10.0.0.1",
        "External-IP": "<none>",
        "OS-Image": "<unknown>",
    } == cells(NODE, obj)
    assert cells(NODE, {})["Status"] == "Unknown"
    assert cells(NODE, {})["Roles"] == "<none>"
