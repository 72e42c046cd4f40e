"""The declarations are checked with all others in test_kinds."""

from __future__ import annotations

from tanebi.api.core.kinds_hosting import HOSTING_KINDS


def test_what_is_inside_of_namespaces() -> None:
    assert [k.kind for k in HOSTING_KINDS if k.namespaced] == ["CSIStorageCapacity"]
    assert [k.kind for k in HOSTING_KINDS if k.status] == ["VolumeAttachment"]
