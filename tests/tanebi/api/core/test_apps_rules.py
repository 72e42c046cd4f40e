"""Defaults, rules and columns of apps/v1."""

from __future__ import annotations

import copy
from typing import Any

from tanebi.api.core.kinds_workload import (
    CONTROLLER_REVISION,
    DAEMON_SET,
    POD_TEMPLATE,
    REPLICA_SET,
    REPLICATION_CONTROLLER,
    STATEFUL_SET,
)
from tanebi.api.meta import Obj
from tests.tanebi.api.core.checking import cells, complete, problems


def workload(**spec: Any) -> Obj:
    return {
        "spec": {
            "selector": {"matchLabels": {"a": "b"}},
            "template": {
                "metadata": {"labels": {"a": "b"}},
                "spec": {"containers": [{"name": "c", "image": "i"}]},
            },
            **spec,
        }
    }


def test_replica_sets() -> None:
    assert complete(REPLICA_SET, workload())["spec"]["replicas"] == 1
    assert problems(REPLICA_SET, workload()) == ""
    assert "spec.replicas" in problems(REPLICA_SET, workload(replicas=-1))
    other = workload(selector={"matchLabels": {"a": "c"}})
    assert "does not match template" in problems(REPLICA_SET, other)
    empty = workload(selector={})
    assert "empty selector is invalid for deployment" in problems(REPLICA_SET, empty)
    shown = {"spec": {"replicas": 3}, "status": {"replicas": 2, "readyReplicas": 1}}
    assert cells(REPLICA_SET, shown) | {"Desired": 3, "Current": 2, "Ready": 1} == cells(
        REPLICA_SET, shown
    )


def test_stateful_sets() -> None:
    done = complete(STATEFUL_SET, workload(volumeClaimTemplates=[{"metadata": {"name": "d"}}]))
    assert done["spec"]["podManagementPolicy"] == "OrderedReady"
    assert done["spec"]["updateStrategy"] == {
        "type": "RollingUpdate",
        "rollingUpdate": {"partition": 0},
    }
    assert done["spec"]["volumeClaimTemplates"][0]["status"] == {"phase": "Pending"}
    assert problems(STATEFUL_SET, workload()) == ""
    assert "podManagementPolicy" in problems(STATEFUL_SET, workload(podManagementPolicy="Odd"))
    bad = workload(updateStrategy={"type": "OnDelete", "rollingUpdate": {}})
    assert "only allowed for updateStrategy" in problems(STATEFUL_SET, bad)
    assert "must be 'RollingUpdate' or" in problems(
        STATEFUL_SET, workload(updateStrategy={"type": "x"})
    )
    old = complete(STATEFUL_SET, workload(serviceName="s"))
    said = problems(STATEFUL_SET, workload(serviceName="t"), old)
    assert "updates to statefulset spec for fields other than" in said
    assert problems(STATEFUL_SET, workload(serviceName="s", replicas=4), old) == ""
    assert cells(STATEFUL_SET, {"spec": {"replicas": 2}})["Ready"] == "0/2"


def test_daemon_sets() -> None:
    assert complete(DAEMON_SET, workload())["spec"]["updateStrategy"]["rollingUpdate"] == {
        "maxUnavailable": 1,
        "maxSurge": 0,
    }
    assert problems(DAEMON_SET, workload()) == ""
    odd = problems(DAEMON_SET, workload(updateStrategy={"type": "x"}))
    assert (
        'DaemonSetUpdateStrategy{Type:"x", RollingUpdate:(*apps.RollingUpdateDaemonSet)(nil)}'
        in odd
    )
    for surge, unavailable, words in (
        (0, 0, "cannot be 0 when maxSurge is 0"),
        (1, "10%", "may not be set when maxUnavailable is non-zero"),
        ("x", 1, "a valid percent string"),
        ("120%", 0, "must not be greater than 100%"),
    ):
        rolling = {"maxSurge": surge, "maxUnavailable": unavailable}
        asked = workload(updateStrategy={"rollingUpdate": rolling})
        assert words in problems(DAEMON_SET, asked)
    template = copy.deepcopy(workload()["spec"]["template"])
    template["spec"]["restartPolicy"] = "Never"
    assert "restartPolicy" in problems(DAEMON_SET, workload(template=template))


def test_a_daemon_set_notes_how_often_its_template_changed() -> None:
    def noted(obj: Obj) -> str:
        return str(obj["metadata"]["annotations"]["deprecated.daemonset.template.generation"])

    first = complete(DAEMON_SET, workload())
    assert noted(first) == "1"
    assert noted(complete(DAEMON_SET, workload(minReadySeconds=3), first)) == "1"
    template = copy.deepcopy(workload()["spec"]["template"])
    template["spec"]["hostNetwork"] = True
    assert noted(complete(DAEMON_SET, workload(template=template), first)) == "2"


def test_pod_templates() -> None:
    template = {"spec": {"containers": [{"name": "c", "image": "i"}]}}
    done = complete(POD_TEMPLATE, {"template": template})
    assert done["template"]["spec"]["restartPolicy"] == "Always"
    assert problems(POD_TEMPLATE, {"template": template}) == ""
    assert "template.spec.containers" in problems(POD_TEMPLATE, {"template": {"spec": {}}})


def test_the_others() -> None:
    found = {"spec": {"template": workload()["spec"]["template"]}}
    assert complete(REPLICATION_CONTROLLER, found)["spec"]["selector"] == {"a": "b"}
    assert "spec.template" in problems(REPLICATION_CONTROLLER, {"spec": {"selector": {"a": "b"}}})
    assert "spec.selector" in problems(REPLICATION_CONTROLLER, {"spec": {}})
    owner = {"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "d", "controller": True}
    revision: Obj = {"metadata": {"ownerReferences": [owner]}, "revision": 3}
    assert cells(CONTROLLER_REVISION, revision) == {"Controller": "daemonset.apps/d", "Revision": 3}
    assert cells(CONTROLLER_REVISION, {})["Controller"] == "<none>"
    said = problems(CONTROLLER_REVISION, {"data": {"a": 1}}, {"data": {"a": 2}})
    assert "immutable" in said
    assert cells(POD_TEMPLATE, {"template": workload()["spec"]["template"]})["Images"] == "i"
