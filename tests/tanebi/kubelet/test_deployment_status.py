"""What a Deployment says of itself, in Kubernetes' words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tanebi.api.core.kinds import DEPLOYMENT, POD
from tanebi.api.core.kinds_workload import REPLICA_SET
from tanebi.api.core.pod import Pod
from tanebi.api.core.workload import Deployment
from tanebi.api.meta import Obj, rfc3339
from tanebi.kubelet.deployment_status import make_status, minimum_available, next_look_s
from tanebi.kubelet.podsets import TEMPLATE_HASH

CURRENT = REPLICA_SET.view({"metadata": {"name": "web-new", "labels": {TEMPLATE_HASH: "new"}}})
T0 = datetime(2026, 1, 1, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def deployment(replicas: int, status: Obj | None = None, **spec: Any) -> Deployment:
    return DEPLOYMENT.view(
        {
            "metadata": {"name": "web", "uid": "u", "generation": 1},
            "spec": {
                "replicas": replicas,
                "progressDeadlineSeconds": 60,
                "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0}},
                **spec,
            },
            "status": status or {},
        }
    )


def pod(*, ready: bool = True, new: bool = True, deleting: bool = False, since: float = 0) -> Pod:
    meta: Obj = {"name": "p", "labels": {TEMPLATE_HASH: "new" if new else "old"}}
    if deleting:
        meta["deletionTimestamp"] = rfc3339(T0)
    condition = {
        "type": "Ready",
        "status": str(ready),
        "lastTransitionTime": rfc3339(at(since)),
    }
    return POD.view({"metadata": meta, "status": {"conditions": [condition]}})


def status(
    replicas: int, *pods: Pod, before: Obj | None = None, now: float = 0, **spec: Any
) -> Obj:
    found = deployment(replicas, before, **spec)
    return make_status(found, pods, CURRENT, at(now))


def reasons(found: Obj) -> dict[str, tuple[str, str]]:
    return {c["type"]: (c["status"], c["reason"]) for c in found["conditions"]}


AVAILABLE = ("True", "MinimumReplicasAvailable")
UNAVAILABLE = ("False", "MinimumReplicasUnavailable")
MOVING = ("True", "ReplicaSetUpdated")
COMPLETE = ("True", "NewReplicaSetAvailable")
TIMED_OUT = ("False", "ProgressDeadlineExceeded")


def test_counts() -> None:
    found = status(3, pod(), pod(ready=False), pod(new=False), pod(deleting=True))
    assert {k: v for k, v in found.items() if k != "conditions"} == {
        "observedGeneration": 1,
        "replicas": 3,
        "updatedReplicas": 2,
        "readyReplicas": 2,
        "availableReplicas": 2,
        "unavailableReplicas": 1,
        "terminatingReplicas": 1,
    }


def test_from_nothing_to_complete() -> None:
    first = status(1, pod(ready=False))
    assert reasons(first) == {"Available": UNAVAILABLE, "Progressing": MOVING}
    done = status(1, pod(), before=first, now=5)
    assert reasons(done) == {"Available": AVAILABLE, "Progressing": COMPLETE}
    assert done["conditions"][1]["message"] == 'ReplicaSet "web-new" has successfully progressed.'
    again = status(1, pod(), before=done, now=50)
    assert again == done, "nothing new, nothing to write"


def test_asleep_is_complete_and_available() -> None:
    assert reasons(status(0)) == {"Available": AVAILABLE, "Progressing": COMPLETE}


def test_the_deadline() -> None:
    first = status(1, pod(ready=False))
    assert reasons(status(1, pod(ready=False), before=first, now=59))["Progressing"] == MOVING
    late = status(1, pod(ready=False), before=first, now=60)
    assert reasons(late)["Progressing"] == TIMED_OUT
    assert late["conditions"][1]["message"] == 'ReplicaSet "web-new" has timed out progressing.'
    still = status(1, pod(ready=False), before=late, now=61)
    assert reasons(still)["Progressing"] == TIMED_OUT
    assert reasons(status(1, pod(), before=late, now=90))["Progressing"] == COMPLETE


def test_progress_moves_the_deadline() -> None:
    first = status(2, pod(ready=False), pod(ready=False))
    second = status(2, pod(), pod(ready=False), before=first, now=50)
    assert reasons(second)["Progressing"] == MOVING
    third = status(2, pod(), pod(ready=False), before=second, now=100)
    assert reasons(third)["Progressing"] == MOVING
    assert (
        reasons(status(2, pod(), pod(ready=False), before=second, now=110))["Progressing"]
        == TIMED_OUT
    )


def test_scaling_what_was_complete_does_not_time_out() -> None:
    done = status(0)
    woken = status(1, pod(ready=False), before=done, now=1000)
    assert reasons(woken) == {"Available": UNAVAILABLE, "Progressing": COMPLETE}


def test_a_ready_pod_becomes_available_later() -> None:
    found = status(1, pod(since=0), minReadySeconds=10, now=4)
    assert found["readyReplicas"] == 1
    assert "availableReplicas" not in found
    waiting = deployment(1, minReadySeconds=10)
    assert next_look_s(waiting, [pod(since=0)], at(4)) == 6


def test_when_to_look_again() -> None:
    first = status(1, pod(ready=False))
    assert next_look_s(deployment(1, first), [pod(ready=False)], at(20)) == 40
    done = status(1, pod(), before=first, now=5)
    assert next_look_s(deployment(1, done), [pod()], at(20)) is None


def test_how_many_must_be_available() -> None:
    def rolling(unavailable: int | str) -> Obj:
        return {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": unavailable}}

    assert minimum_available(deployment(4, strategy=rolling("25%"))) == 3
    assert minimum_available(deployment(1, strategy=rolling("25%"))) == 1
    assert minimum_available(deployment(4, strategy=rolling(9))) == 0
    assert minimum_available(deployment(4, strategy={"type": "Recreate"})) == 4
