"""Claims, volumes and classes: rules and columns."""

from __future__ import annotations

from typing import Any

from tanebi.api.core.kinds_cluster import CLAIM, STORAGE_CLASS, VOLUME
from tanebi.api.meta import Obj
from tests.tanebi.api.core.checking import cells, complete, problems


def claim(storage: str = "1Gi", **spec: Any) -> Obj:
    requests = {"requests": {"storage": storage}}
    return {"spec": {"accessModes": ["ReadWriteOnce"], "resources": requests, **spec}}


def test_claims() -> None:
    done = complete(CLAIM, claim())
    assert done["status"] == {"phase": "Pending"}
    assert problems(CLAIM, claim()) == ""
    assert "at least 1 access mode is required" in problems(CLAIM, claim(accessModes=[]))
    assert "accessModes" in problems(CLAIM, claim(accessModes=["Odd"]))
    assert "must be greater than zero" in problems(CLAIM, claim("0"))
    assert "quantities must match" in problems(CLAIM, claim("much"))
    assert "resources[storage]" in problems(CLAIM, claim(resources={}))
    assert "volumeMode" in problems(CLAIM, claim(volumeMode="Odd"))


def test_what_may_change_of_a_claim() -> None:
    old = complete(CLAIM, claim())
    assert problems(CLAIM, claim(volumeName="v", storageClassName="c"), old) == ""
    assert problems(CLAIM, claim("2Gi"), old) == ""
    assert "can not be less" in problems(CLAIM, claim("1Mi"), old)
    bound = complete(CLAIM, claim(volumeName="v"))
    assert "immutable after creation" in problems(CLAIM, claim(volumeName="w"), bound)


def test_volumes_and_classes() -> None:
    spec = {"accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"}}
    assert problems(VOLUME, {"spec": {**spec, "hostPath": {"path": "/x"}}}) == ""
    assert "must specify a volume type" in problems(VOLUME, {"spec": dict(spec)})
    assert "capacity" in problems(VOLUME, {"spec": {"hostPath": {"path": "/x"}}})
    assert problems(STORAGE_CLASS, {"provisioner": "p"}) == ""
    assert "provisioner" in problems(STORAGE_CLASS, {})
    odd = {"provisioner": "p", "volumeBindingMode": "x"}
    assert "volumeBindingMode" in problems(STORAGE_CLASS, odd)
    old = complete(STORAGE_CLASS, {"provisioner": "p"})
    assert "updates to provisioner are forbidden" in problems(
        STORAGE_CLASS, {"provisioner": "q"}, old
    )


def test_columns() -> None:
    ref = {"namespace": "ns", "name": "c"}
    shown = cells(VOLUME, {"spec": {"accessModes": ["ReadWriteMany"], "claimRef": ref}})
    assert (shown["Access Modes"], shown["Claim"]) == ("RWX", "ns/c")
    default = {"storageclass.kubernetes.io/is-default-class": "true"}
    meta = {"name": "local-path", "annotations": default}
    assert cells(STORAGE_CLASS, {"metadata": meta})["Name"] == "local-path (default)"
    going = cells(CLAIM, {"metadata": {"deletionTimestamp": "x"}})
    assert (going["Status"], going["Access Modes"]) == ("Terminating", "")
