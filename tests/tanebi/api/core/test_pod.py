"""The typed view of a pod."""

from __future__ import annotations

from tanebi.api.core.kinds import POD
from tanebi.api.meta import unknown_fields


def test_names_with_odd_capitals() -> None:
    pod = POD.view(
        {
            "spec": {
                "hostIPC": True,
                "hostPID": True,
                "setHostnameAsFQDN": True,
                "containers": [{"name": "c", "ports": [{"containerPort": 1, "hostIP": "::1"}]}],
            },
            "status": {
                "hostIP": "10.0.0.1",
                "podIPs": [{"ip": "10.0.0.2"}],
                "containerStatuses": [{"name": "c", "imageID": "i", "containerID": "d"}],
            },
        }
    )
    assert unknown_fields(pod) == []
    assert pod.spec.containers[0].ports[0].host_ip == "::1"
    assert pod.status.container_statuses[0].container_id == "d"


def test_containers_together_are_no_field() -> None:
    spec = {name: [{"name": name}] for name in ("containers", "initContainers")}
    pod = POD.view({"spec": {**spec, "ephemeralContainers": [{"name": "e"}]}})
    assert [c.name for c in pod.spec.original_containers] == ["initContainers", "containers"]
    assert [c.name for c in pod.every_container] == ["initContainers", "containers", "e"]
    assert pod.spec.model_dump(by_alias=True, exclude_unset=True).keys() == {
        *spec,
        "ephemeralContainers",
    }


def test_ready_is_its_condition() -> None:
    def ready(status: str | None) -> bool:
        conditions = [] if status is None else [{"type": "Ready", "status": status}]
        return POD.view({"status": {"conditions": conditions}}).status.is_ready

    assert ready("True")
    assert not ready("False")
    assert not ready(None)
    assert POD.view({}).status.condition("Ready") is None


def test_unknown_fields_are_named() -> None:
    pod = POD.view({"spec": {"containers": [{"name": "c", "imagge": "x"}], "bogus": 1}})
    assert sorted(unknown_fields(pod)) == ["spec.bogus", "spec.containers[0].imagge"]
