from __future__ import annotations

from tanebi.base.metrics import exposition
from tanebi.kube import metrics


def test_metrics_are_exposed_under_their_names() -> None:
    metrics.RECONCILES.labels("test-controller", "ok").inc()
    metrics.RECONCILE_SECONDS.labels("test-controller").observe(0.001)
    metrics.QUEUE_DEPTH.labels("test-controller").set(3)
    _, body = exposition()
    text = body.decode()
    assert 'tanebi_reconcile_total{controller="test-controller",result="ok"} 1.0' in text
    assert 'tanebi_workqueue_depth{controller="test-controller"} 3.0' in text
    assert 'tanebi_reconcile_seconds_bucket{controller="test-controller",le="0.001"} 1.0' in text
    assert "tanebi_events_dropped_total" in text
