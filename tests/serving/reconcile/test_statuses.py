"""Beginning and ending a status."""

from __future__ import annotations

from typing import Any

from serving.api import REVISION, SERVICE
from serving.api.service_lifecycle import LIVING
from serving.reconcile.statuses import as_json, begin, finish, is_controlled_by


def service(status: Any, generation: int = 2) -> Any:
    return SERVICE.view({"metadata": {"name": "s", "generation": generation}, "status": status})


def test_a_new_generation_is_not_known_to_be_good(now: Any) -> None:
    said = [{"type": "Ready", "status": "True"}]
    old = service({"observedGeneration": 1, "conditions": said})
    conditions = begin(old, old.status, LIVING, now=now)
    ready = conditions.get("Ready")
    assert ready is not None
    assert (ready["status"], ready["reason"]) == ("Unknown", "NewObservedGenFailure")


def test_the_same_generation_keeps_what_is_known(now: Any) -> None:
    said = [{"type": "Ready", "status": "True"}]
    same = service({"observedGeneration": 2, "conditions": said})
    assert begin(same, same.status, LIVING, now=now).status("Ready") == "True"


def test_empty_fields_are_left_out(now: Any) -> None:
    one = service({})
    status = finish(
        one, begin(one, one.status, LIVING, now=now), {"url": "", "traffic": [], "n": 0}
    )
    assert sorted(status) == ["conditions", "n", "observedGeneration"]
    assert status["observedGeneration"] == 2


def test_a_view_gives_back_what_it_was_made_of() -> None:
    spec = {"containers": [{"image": "x", "custom": {"kept": True}}], "timeoutSeconds": 3}
    assert as_json(REVISION.view({"spec": spec}).spec) == spec


def test_ownership() -> None:
    ref = {"apiVersion": "v1", "kind": "Service", "name": "s", "uid": "u", "controller": True}
    child = REVISION.view({"metadata": {"ownerReferences": [ref]}})
    assert is_controlled_by(child, SERVICE.view({"metadata": {"uid": "u"}}))
    assert not is_controlled_by(child, SERVICE.view({"metadata": {"uid": "v"}}))
    assert not is_controlled_by(REVISION.view({}), SERVICE.view({"metadata": {"uid": "u"}}))
