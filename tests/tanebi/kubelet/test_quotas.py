"""A quota's status counts what there is."""

from __future__ import annotations

from tanebi.api.core.kinds import CONFIG_MAP, POD
from tanebi.api.core.kinds_cluster import RESOURCE_QUOTA
from tanebi.api.meta import Key
from tanebi.kubelet.quotas import QuotaReconciler
from tanebi.testing.planning import PlanningWorld


def test_used() -> None:
    here = PlanningWorld()
    hard = {"pods": "5", "requests.cpu": "2", "count/configmaps": "9", "secrets": 1}
    here.put(RESOURCE_QUOTA, {"metadata": {"name": "q", "namespace": "ns"}, "spec": {"hard": hard}})
    container = {"name": "c", "resources": {"requests": {"cpu": "500m"}}}
    for i in range(3):
        meta = {"name": f"p{i}", "namespace": "ns"}
        here.put(POD, {"metadata": meta, "spec": {"containers": [container]}})
    made = here.put(CONFIG_MAP, {"metadata": {"name": "m", "namespace": "ns"}})
    status = here.reconcile(QuotaReconciler(), "ns", "q").status or {}
    assert status["used"] == {
        "pods": "3",
        "requests.cpu": "1500m",
        "count/configmaps": "1",
        "secrets": "0",
    }
    assert status["hard"]["secrets"] == "1"
    assert list(QuotaReconciler().reads[0].keys(made, here)) == [Key("ns", "q")]
