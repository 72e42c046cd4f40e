"""A Node as read: its abbreviations are capitals."""

from __future__ import annotations

from tanebi.api.core.node import Node
from tanebi.api.meta import unknown_fields


def test_abbreviations() -> None:
    found = Node.model_validate(
        {
            "spec": {"podCIDR": "10.0.0.0/8", "providerID": "x"},
            "status": {"nodeInfo": {"machineID": "m", "bootID": "b", "systemUUID": "s"}},
        }
    )
    assert unknown_fields(found) == []
    assert found.status.node_info.machine_id == "m"
