"""The declarations are checked with all others in test_kinds."""

from __future__ import annotations

from tanebi.api.core.kinds_administration import ADMINISTRATION_KINDS


def test_all_are_of_the_cluster() -> None:
    assert not any(kind.namespaced for kind in ADMINISTRATION_KINDS)
    assert all(kind.status for kind in ADMINISTRATION_KINDS)
