"""The Route of a Service."""

from __future__ import annotations

from serving.api import ROUTE, SERVICE
from serving.reconcile.resources.routes import make_route


def test_floating_targets_name_the_configuration() -> None:
    pinned = {"revisionName": "s-00001", "percent": 10, "latestRevision": False}
    floating = {"percent": 90, "latestRevision": True, "tag": "new"}
    meta = {"name": "s", "namespace": "n", "uid": "u", "generation": 1}
    made = make_route(SERVICE.view({"metadata": meta, "spec": {"traffic": [pinned, floating]}}))
    ROUTE.view(made)
    assert made["spec"]["traffic"] == [pinned, {**floating, "configurationName": "s"}]
