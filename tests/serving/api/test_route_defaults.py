"""Defaults of a Route."""

from __future__ import annotations

import copy
from typing import Any

from serving.api import ROUTE


def test_the_sense_of_each_target(admission: Any) -> None:
    traffic = [
        {"configurationName": "c", "percent": 90},
        {"revisionName": "r", "percent": 10},
        {"configurationName": "c", "latestRevision": False},
    ]
    obj = {"metadata": {"name": "r"}, "spec": {"traffic": traffic}}
    found = ROUTE.defaults(obj, None, admission())
    assert [t["latestRevision"] for t in found["spec"]["traffic"]] == [True, False, False]
    assert "serving.knative.dev/creator" in found["metadata"]["annotations"]


def test_no_traffic_is_not_made_up(admission: Any) -> None:
    found = ROUTE.defaults({"metadata": {"name": "r"}}, None, admission())
    assert found["spec"] == {}


def test_owned_and_status(admission: Any) -> None:
    owned = {"metadata": {"name": "r", "ownerReferences": [{}]}, "spec": {}}
    assert "annotations" not in ROUTE.defaults(copy.deepcopy(owned), None, admission())["metadata"]
    status = {"metadata": {"name": "r"}}
    made = ROUTE.defaults(copy.deepcopy(status), status, admission("UPDATE", subresource="status"))
    assert made == status
