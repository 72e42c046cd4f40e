"""What counts for a quota."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tanebi.api.core.kinds import CONFIG_MAP, DEPLOYMENT, POD, SERVICE
from tanebi.api.core.kinds_cluster import CLAIM
from tanebi.api.core.usage import shown, total, unspecified, usage
from tanebi.api.meta import Obj


def pod(cpu: str = "", phase: str = "", **limits: str) -> Obj:
    resources = {"requests": {"cpu": cpu} if cpu else {}, "limits": limits}
    container = {"name": "c", "resources": resources}
    return {"spec": {"containers": [container]}, "status": {"phase": phase}}


def test_pods() -> None:
    found = usage(POD, pod("500m", memory="1Gi"))
    assert found["pods"] == found["count/pods"] == 1
    assert found["requests.cpu"] == found["cpu"] == Decimal("0.5")
    assert found["limits.memory"] == 1024**3
    assert usage(POD, pod("1", "Succeeded")) == {"count/pods": 1}
    init = pod("1") | {
        "spec": {**pod("1")["spec"], "initContainers": pod("3")["spec"]["containers"]}
    }
    assert usage(POD, init)["requests.cpu"] == 3
    assert total(POD, [pod("1"), pod("500m")])["requests.cpu"] == Decimal("1.5")


def test_the_others() -> None:
    ports = {"ports": [{}, {}], "type": "LoadBalancer"}
    found = usage(SERVICE, {"spec": ports})
    assert (found["services"], found["services.nodeports"]) == (1, 2)
    assert found["services.loadbalancers"] == 1
    assert usage(SERVICE, {"spec": {"type": "NodePort", "ports": [{}]}})["services.nodeports"] == 1
    assert usage(CONFIG_MAP, {})["configmaps"] == 1
    assert usage(DEPLOYMENT, {}) == {"count/deployments.apps": 1}
    asked = {"spec": {"resources": {"requests": {"storage": "2Gi"}}}}
    assert usage(CLAIM, asked)["requests.storage"] == 2 * 1024**3


@pytest.mark.parametrize(
    ("name", "amount", "text"),
    [
        ("pods", "3", "3"),
        ("requests.cpu", "1.5", "1500m"),
        ("cpu", "2", "2"),
        ("limits.memory", "1073741824", "1Gi"),
        ("memory", "1000", "1000"),
        ("requests.storage", "0", "0"),
    ],
)
def test_amounts_as_text(name: str, amount: str, text: str) -> None:
    assert shown(name, Decimal(amount)) == text


def test_what_is_not_stated() -> None:
    names = ("cpu", "limits.memory", "pods", "requests.cpu")
    assert unspecified(names, pod("1")) == {"limits.memory": ["c"]}
    assert unspecified(names, pod()) == {
        "cpu": ["c"],
        "limits.memory": ["c"],
        "requests.cpu": ["c"],
    }
