"""Volumes and claims as read."""

from __future__ import annotations

from tanebi.api.core.storage import PersistentVolume, PersistentVolumeClaim


def test_views() -> None:
    claim = PersistentVolumeClaim.model_validate(
        {"spec": {"resources": {"requests": {"storage": "1Gi"}}}}
    )
    assert claim.spec.resources.requests == {"storage": "1Gi"}
    assert claim.spec.storage_class_name is None
    volume = PersistentVolume.model_validate({"spec": {"hostPath": {"path": "/x"}}})
    assert volume.spec.host_path is not None
    assert volume.spec.host_path.path == "/x"
