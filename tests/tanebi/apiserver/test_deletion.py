"""What a delete request makes of an object."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tanebi.api.core.kinds import CONFIG_MAP, DEPLOYMENT, NAMESPACE, POD
from tanebi.apiserver.deletion import begin
from tanebi.apiserver.options import DeleteOptions

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def pod(**meta: Any) -> dict[str, Any]:
    return {"metadata": {"name": "p", **meta}, "spec": {"nodeName": "n"}, "status": {}}


def test_nothing_holds_a_plain_object() -> None:
    assert begin(CONFIG_MAP, {"metadata": {"name": "a"}}, DeleteOptions(), now=NOW) is None


def test_a_running_pod_gets_its_grace_period() -> None:
    marked = begin(POD, pod(), DeleteOptions(), now=NOW)
    assert marked is not None
    assert marked["metadata"]["deletionTimestamp"] == "2026-01-01T00:00:30Z"
    assert marked["metadata"]["deletionGracePeriodSeconds"] == 30
    own = pod()
    own["spec"]["terminationGracePeriodSeconds"] = 5
    assert (begin(POD, own, DeleteOptions(), now=NOW) or {})["metadata"][
        "deletionGracePeriodSeconds"
    ] == 5


def test_a_pod_without_processes_goes_at_once() -> None:
    assert begin(POD, {**pod(), "spec": {}}, DeleteOptions(), now=NOW) is None
    assert begin(POD, {**pod(), "status": {"phase": "Succeeded"}}, DeleteOptions(), now=NOW) is None
    assert begin(POD, pod(), DeleteOptions(grace_s=0), now=NOW) is None
    seen = {**pod(), "spec": {}, "status": {"startTime": "x"}}
    assert begin(POD, seen, DeleteOptions(), now=NOW) is not None


def test_a_second_request_may_only_shorten_the_time() -> None:
    deleting = pod(deletionTimestamp="2026-01-01T00:00:10Z", deletionGracePeriodSeconds=10)
    longer = begin(POD, deleting, DeleteOptions(grace_s=60), now=NOW)
    assert longer is not None
    assert longer["metadata"] == deleting["metadata"]
    shorter = begin(POD, deleting, DeleteOptions(grace_s=2), now=NOW)
    assert shorter is not None
    assert shorter["metadata"]["deletionGracePeriodSeconds"] == 2


def test_finalizers_hold_an_object_and_count_as_a_generation() -> None:
    obj = {"metadata": {"name": "d", "finalizers": ["a/b"], "generation": 3}}
    marked = begin(DEPLOYMENT, obj, DeleteOptions(), now=NOW)
    assert marked is not None
    assert marked["metadata"]["generation"] == 4
    assert marked["metadata"]["deletionGracePeriodSeconds"] == 0
    assert obj["metadata"] == {"name": "d", "finalizers": ["a/b"], "generation": 3}


def test_propagation_becomes_a_finalizer() -> None:
    obj = {"metadata": {"name": "d", "finalizers": ["orphan"]}}
    for policy, finalizers in (
        ("Foreground", ["foregroundDeletion"]),
        ("Orphan", ["orphan"]),
        (None, ["orphan"]),
    ):
        marked = begin(DEPLOYMENT, obj, DeleteOptions(propagation=policy), now=NOW)  # type: ignore[arg-type]
        assert marked is not None
        assert marked["metadata"]["finalizers"] == finalizers
    assert begin(DEPLOYMENT, obj, DeleteOptions(propagation="Background"), now=NOW) is None


def test_a_namespace_stays_until_it_is_empty() -> None:
    obj = {"metadata": {"name": "n"}, "spec": {"finalizers": ["kubernetes"]}, "status": {}}
    marked = begin(NAMESPACE, obj, DeleteOptions(), now=NOW)
    assert marked is not None
    assert marked["status"] == {"phase": "Terminating"}
    assert begin(NAMESPACE, {**obj, "spec": {}}, DeleteOptions(), now=NOW) is None
