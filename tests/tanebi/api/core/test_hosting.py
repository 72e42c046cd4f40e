"""What drivers and runtimes tell, as read."""

from __future__ import annotations

from tanebi.api.core.hosting import CsiDriver, CsiNode, RuntimeClass


def test_views() -> None:
    found = RuntimeClass.model_validate({"handler": "h", "overhead": {"podFixed": {"cpu": "10m"}}})
    assert found.overhead is not None
    assert found.overhead.pod_fixed == {"cpu": "10m"}
    node = CsiNode.model_validate({"spec": {"drivers": [{"name": "d", "nodeID": "n"}]}})
    assert node.spec.drivers is not None
    assert node.spec.drivers[0].node_id == "n"
    assert CsiDriver.model_validate({}).spec.attach_required is None
