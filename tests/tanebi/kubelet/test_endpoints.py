"""Where a Service's pods are reached."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tanebi.api.core.kinds import POD, SERVICE
from tanebi.api.core.network import Service
from tanebi.api.core.pod import Pod
from tanebi.api.meta import Key, Obj
from tanebi.api.selectors import EVERYTHING, Selector
from tanebi.kubelet.endpoints import EndpointReconciler, make_slices, pod_ports
from tanebi.kubelet.ports import ports_condition
from tanebi.testing import world as testing

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def service(*ports: Obj, selector: Obj | None = None, **spec: Any) -> Service:
    return SERVICE.view(
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {
                "name": "web",
                "namespace": "ns",
                "uid": "u",
                "labels": {"networking.internal.knative.dev/serviceType": "Private"},
            },
            "spec": {
                "selector": {"app": "web"} if selector is None else selector,
                "ports": list(ports) or [{"name": "http", "port": 80, "targetPort": 8080}],
                **spec,
            },
        }
    )


def pod(
    name: str,
    real: int = 20000,
    *,
    ready: bool = True,
    ip: str = "127.0.0.1",
    phase: str = "Running",
    deleting: bool = False,
    app: str = "web",
    born: int = 0,
) -> Pod:
    meta: Obj = {"name": name, "namespace": "ns", "uid": f"u-{name}", "labels": {"app": app}}
    meta["creationTimestamp"] = f"2026-01-01T00:00:{born:02}Z"
    if deleting:
        meta["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    conditions = [
        {"type": "Ready", "status": str(ready)},
        ports_condition({8080: real, 9090: real + 1}, "2026-01-01T00:00:00Z"),
    ]
    container = {
        "name": "c",
        "ports": [{"name": "user-port", "containerPort": 8080}, {"containerPort": 9090}],
    }
    return POD.view(
        {
            "metadata": meta,
            "spec": {"nodeName": "here", "containers": [container]},
            "status": {"podIP": ip, "phase": phase, "conditions": conditions},
        }
    )


def test_one_slice_for_each_set_of_real_ports() -> None:
    found = make_slices(service(), [pod("a", 20000), pod("b", 20001), pod("c", 20000)])
    listed = {
        s["ports"][0]["port"]: [e["targetRef"]["name"] for e in s["endpoints"]] for s in found
    }
    assert listed == {20000: ["a", "c"], 20001: ["b"]}
    one = found[0]
    assert one["addressType"] == "IPv4"
    assert one["ports"][0]["name"] == "http"
    assert one["ports"][0]["protocol"] == "TCP"
    assert one["metadata"]["labels"] == {
        "networking.internal.knative.dev/serviceType": "Private",
        "kubernetes.io/service-name": "web",
        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
    }
    assert one["metadata"]["ownerReferences"][0]["uid"] == "u"
    assert make_slices(service(), [pod("c"), pod("a")]) != ()


def test_ready_serving_terminating() -> None:
    def conditions(one: Pod, **spec: Any) -> tuple[bool, bool, bool]:
        ((endpoint,),) = (s["endpoints"] for s in make_slices(service(**spec), [one]))
        found = endpoint["conditions"]
        return found["ready"], found["serving"], found["terminating"]

    assert conditions(pod("a")) == (True, True, False)
    assert conditions(pod("a", ready=False)) == (False, False, False), "listed before it is ready"
    assert conditions(pod("a", deleting=True)) == (False, True, True)
    assert conditions(pod("a", ready=False), publishNotReadyAddresses=True)[0] is True


def test_who_is_not_listed() -> None:
    done = [pod("a", phase="Failed"), pod("b", phase="Succeeded")]
    for pods in ([], [pod("a", ip="")], done):
        (empty,) = make_slices(service(), pods)
        assert empty["endpoints"] == []


def test_the_first_pod_changes_the_empty_slice() -> None:
    plain = service({"port": 80, "targetPort": 7000})
    names = [s["metadata"]["name"] for p in ([], [pod("a")]) for s in make_slices(plain, p)]
    assert names[0] == names[1]


def test_where_names_decide_the_slice_that_was_empty_is_the_first_pods_as_long_as_it_stays() -> (
    None
):
    named = service({"name": "http", "port": 80, "targetPort": "user-port"})
    (empty,) = make_slices(named, [])
    first, second = pod("b", 20000, born=1), pod("a", 20001, born=2)
    (alone,) = make_slices(named, [first])
    assert alone["metadata"]["name"] == empty["metadata"]["name"]
    both = {
        s["metadata"]["name"]: s["ports"][0]["port"] for s in make_slices(named, [first, second])
    }
    assert sorted(both.values()) == [20000, 20001]
    assert both[empty["metadata"]["name"]] == 20000
    (left,) = make_slices(named, [second])
    assert left["metadata"]["name"] == empty["metadata"]["name"]


def test_a_pod_with_a_name_below_the_services() -> None:
    below = pod("a")
    spec = below.spec.model_copy(update={"hostname": "a", "subdomain": "web"})
    (found,) = make_slices(service(), [below.model_copy(update={"spec": spec})])
    assert found["endpoints"][0]["hostname"] == "a"


def test_ports_by_number_by_name_and_as_they_are() -> None:
    named = service({"name": "http", "port": 80, "targetPort": "user-port"})
    assert pod_ports(named, pod("a")) == (("http", "TCP", 20000),)
    two = service(
        {"name": "a", "port": 80, "targetPort": 8080}, {"name": "b", "port": 81, "targetPort": 9090}
    )
    assert pod_ports(two, pod("a")) == (("a", "TCP", 20000), ("b", "TCP", 20001))
    assert pod_ports(service({"port": 7000}), pod("a")) == (("", "TCP", 7000),)
    unknown = service({"name": "x", "port": 80, "targetPort": "nobody"})
    (empty,) = make_slices(unknown, [pod("a")])
    assert (empty["ports"], empty["endpoints"]) == ([], [])


def test_a_headless_service_says_so() -> None:
    (one,) = make_slices(service(clusterIP="None"), [pod("a")])
    assert one["metadata"]["labels"]["service.kubernetes.io/headless"] == ""


class World:
    def __init__(self, services: list[Service], pods: list[Pod]) -> None:
        self.services, self.pods = services, pods

    def get(self, kind: Any, namespace: str, name: str) -> Any:
        return None

    def raw(self, kind: Any, namespace: str, name: str) -> Obj | None:
        return None

    def list(self, kind: Any, namespace: str | None, selector: Selector = EVERYTHING) -> Any:
        found: Any = self.services if kind is SERVICE else self.pods
        return [each for each in found if selector.matches(each.metadata.labels)]


def test_the_plan_names_all_slices() -> None:
    world = World([], [pod("a"), pod("b", app="other")])
    plan = EndpointReconciler().desired(service(), world, None, NOW)  # type: ignore[arg-type]
    assert [e["targetRef"]["name"] for s in plan.children for e in s["endpoints"]] == ["a"]
    assert plan.prune


def test_services_without_a_selector_are_left_alone() -> None:
    for one in (service(selector={}), service(type="ExternalName", externalName="x")):
        plan = EndpointReconciler().desired(one, World([], [pod("a")]), None, NOW)  # type: ignore[arg-type]
        assert (plan.children, plan.prune) == ((), False)


def test_a_pod_concerns_the_services_that_select_it() -> None:
    (reads,) = EndpointReconciler().reads
    world = testing.World()
    for name, selector in (("web", {"app": "web"}), ("x", {"app": "x"}), ("all", {})):
        meta = {"name": name, "namespace": "ns"}
        world.put(SERVICE, {"metadata": meta, "spec": {"selector": selector}})
    raw = pod("a").model_dump(by_alias=True)
    assert list(reads.keys(raw, world)) == [Key("ns", "web")]
