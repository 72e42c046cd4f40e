"""The declarations are checked with all others in test_kinds."""

from __future__ import annotations

from tanebi.api.core.kinds_cluster import CLUSTER_KINDS


def test_what_is_outside_of_namespaces() -> None:
    wide = {kind.kind for kind in CLUSTER_KINDS if not kind.namespaced}
    assert wide == {"Node", "PersistentVolume", "StorageClass", "PriorityClass", "IngressClass"}
