"""The declarations are checked with all others in test_kinds."""

from __future__ import annotations

from tanebi.api.core.kinds_workload import REPLICA_SET, WORKLOAD_KINDS


def test_what_kubectl_get_all_shows() -> None:
    shown = {kind.plural for kind in WORKLOAD_KINDS if "all" in kind.categories}
    assert shown >= {"replicasets", "statefulsets", "daemonsets", "jobs", "cronjobs"}
    assert REPLICA_SET.scale is not None
