"""Reading: lists and their versions, watches, tables, partial metadata, discovery."""

from __future__ import annotations

from typing import Any, Final

from tests.recorded.books.objects import (
    CONFIG_MAPS,
    CORE,
    DEPLOYMENTS,
    PODS,
    SERVICES,
    config_map,
    deployment,
    pod,
    service,
)
from tests.recorded.steps import (
    PARTIAL,
    PARTIALS,
    TABLE,
    Step,
    Stories,
    delete,
    get,
    patch,
    post,
    put,
    watch,
)

_NS = {"namespace": "{ns}"}


def _of(version: str, kind: str, name: str, **more: Any) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, **more}


def _at(group: str, plural: str) -> str:
    return f"/apis/{group}/v1/namespaces/{{ns}}/{plural}"


_POD_SPEC: Final = {"containers": [{"name": "main", "image": "example.com/main:1"}]}
_TEMPLATE: Final = {"metadata": {"labels": {"app": "a"}}, "spec": _POD_SPEC}
_JOB_TEMPLATE: Final = {
    "metadata": {"labels": {"app": "a"}},
    "spec": {**_POD_SPEC, "restartPolicy": "Never"},
}
_SELECTOR: Final = {"matchLabels": {"app": "a"}}
_RULE: Final = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}

# One object a kind, in a namespace.
SHOWN: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    (CONFIG_MAPS, config_map("a", x="1", y="2")),
    (CORE + "/secrets", _of("v1", "Secret", "a", stringData={"k": "v"})),
    (SERVICES, service("a")),
    (CORE + "/serviceaccounts", _of("v1", "ServiceAccount", "a")),
    (PODS, pod("a", {"app": "a"})),
    (
        CORE + "/persistentvolumeclaims",
        _of(
            "v1",
            "PersistentVolumeClaim",
            "a",
            spec={
                "accessModes": ["ReadWriteOnce"],
                "storageClassName": "slow",
                "resources": {"requests": {"storage": "1Gi"}},
            },
        ),
    ),
    (CORE + "/resourcequotas", _of("v1", "ResourceQuota", "a", spec={"hard": {"pods": "100"}})),
    (
        CORE + "/limitranges",
        _of(
            "v1",
            "LimitRange",
            "a",
            spec={"limits": [{"type": "Container", "max": {"cpu": "64"}}]},
        ),
    ),
    (
        CORE + "/endpoints",
        _of(
            "v1",
            "Endpoints",
            "b",
            subsets=[{"addresses": [{"ip": "192.0.2.1"}], "ports": [{"port": 80, "name": "http"}]}],
        ),
    ),
    (
        CORE + "/events",
        _of(
            "v1",
            "Event",
            "a",
            involvedObject={"kind": "Pod", "name": "a", "namespace": "{ns}"},
            reason="Because",
            message="something was",
            type="Normal",
        ),
    ),
    (
        CORE + "/replicationcontrollers",
        _of(
            "v1",
            "ReplicationController",
            "a",
            spec={"selector": {"app": "a"}, "template": _TEMPLATE},
        ),
    ),
    (CORE + "/podtemplates", _of("v1", "PodTemplate", "a", template=_TEMPLATE)),
    (DEPLOYMENTS, deployment("a")),
    (
        _at("apps", "replicasets"),
        _of("apps/v1", "ReplicaSet", "a", spec={"selector": _SELECTOR, "template": _TEMPLATE}),
    ),
    (
        _at("apps", "statefulsets"),
        _of(
            "apps/v1",
            "StatefulSet",
            "a",
            spec={"selector": _SELECTOR, "template": _TEMPLATE, "serviceName": "a"},
        ),
    ),
    (
        _at("apps", "daemonsets"),
        _of("apps/v1", "DaemonSet", "a", spec={"selector": _SELECTOR, "template": _TEMPLATE}),
    ),
    (
        _at("apps", "controllerrevisions"),
        _of("apps/v1", "ControllerRevision", "a", revision=1, data={"a": "b"}),
    ),
    (_at("batch", "jobs"), _of("batch/v1", "Job", "a", spec={"template": _JOB_TEMPLATE})),
    (
        _at("batch", "cronjobs"),
        _of(
            "batch/v1",
            "CronJob",
            "a",
            spec={"schedule": "* * * * *", "jobTemplate": {"spec": {"template": _JOB_TEMPLATE}}},
        ),
    ),
    (
        _at("networking.k8s.io", "ingresses"),
        _of(
            "networking.k8s.io/v1",
            "Ingress",
            "a",
            spec={"defaultBackend": {"service": {"name": "a", "port": {"number": 80}}}},
        ),
    ),
    (
        _at("networking.k8s.io", "networkpolicies"),
        _of("networking.k8s.io/v1", "NetworkPolicy", "a", spec={"podSelector": _SELECTOR}),
    ),
    (
        _at("policy", "poddisruptionbudgets"),
        _of(
            "policy/v1", "PodDisruptionBudget", "a", spec={"minAvailable": 1, "selector": _SELECTOR}
        ),
    ),
    (
        _at("discovery.k8s.io", "endpointslices"),
        _of(
            "discovery.k8s.io/v1",
            "EndpointSlice",
            "a",
            addressType="IPv4",
            ports=[{"name": "http", "port": 80, "protocol": "TCP"}],
            endpoints=[{"addresses": ["192.0.2.1"]}],
        ),
    ),
    (
        _at("coordination.k8s.io", "leases"),
        _of("coordination.k8s.io/v1", "Lease", "a", spec={"holderIdentity": "me"}),
    ),
    (
        _at("rbac.authorization.k8s.io", "roles"),
        _of("rbac.authorization.k8s.io/v1", "Role", "a", rules=[_RULE]),
    ),
    (
        _at("rbac.authorization.k8s.io", "rolebindings"),
        _of(
            "rbac.authorization.k8s.io/v1",
            "RoleBinding",
            "a",
            roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "a"},
            subjects=[{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "u"}],
        ),
    ),
    (
        "/apis/autoscaling/v2/namespaces/{ns}/horizontalpodautoscalers",
        _of(
            "autoscaling/v2",
            "HorizontalPodAutoscaler",
            "a",
            spec={
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "a"},
                "maxReplicas": 3,
            },
        ),
    ),
)


def _shown() -> dict[str, list[Step]]:
    """Each kind: made, read, listed as a table, partly, and deleted."""
    found = {}
    for path, obj in SHOWN:
        name = obj["metadata"]["name"]
        found[f"a {obj['kind']}"] = [
            post(path, obj),
            get(path, TABLE),
            delete(f"{path}/{name}", propagationPolicy="Background"),
        ]
    return found


STORIES: Final[Stories] = {
    **_shown(),
    "lists": [
        *(post(CONFIG_MAPS, config_map(f"a{n}", {"n": str(n % 2)}, x=str(n))) for n in range(4)),
        get(CONFIG_MAPS, limit="2"),
        get(CONFIG_MAPS, limit="2", **{"continue": "{continue:4}"}),
        get(CONFIG_MAPS, limit="3", labelSelector="n=0"),
        get(CONFIG_MAPS, limit="1", labelSelector="n=0"),
        get(CONFIG_MAPS, labelSelector="n in (0,1),n!=1"),
        get(CONFIG_MAPS, fieldSelector="metadata.name=a1"),
        get(CONFIG_MAPS, fieldSelector="metadata.name!=a1,metadata.namespace={ns}"),
        get(CONFIG_MAPS, fieldSelector="data.x=1"),
        get(CONFIG_MAPS, fieldSelector="nonsense"),
        get(CONFIG_MAPS, labelSelector="n in"),
        get(CONFIG_MAPS, labelSelector="a b=c"),
        get(CONFIG_MAPS, labelSelector="n=not valid!"),
        get(CONFIG_MAPS, resourceVersion="{rv:1}", resourceVersionMatch="Exact"),
        get(CONFIG_MAPS, resourceVersion="{rv:1}", resourceVersionMatch="NotOlderThan"),
        get(CONFIG_MAPS, resourceVersion="0"),
        get(CONFIG_MAPS, resourceVersion="0", resourceVersionMatch="Exact"),
        get(CONFIG_MAPS, resourceVersionMatch="Exact"),
        get(CONFIG_MAPS, resourceVersion="{rv:1}", resourceVersionMatch="Other"),
        get(CONFIG_MAPS, resourceVersion="x"),
        get(CONFIG_MAPS, resourceVersion="{rv:1}", **{"continue": "{continue:4}"}),
        get(CONFIG_MAPS, **{"continue": "nonsense"}),
        get(CONFIG_MAPS, limit="-1"),
        get(CONFIG_MAPS, limit="x"),
        get(CONFIG_MAPS, sendInitialEvents="true"),
        get(CONFIG_MAPS, timeoutSeconds="x"),
        get(CONFIG_MAPS, PARTIALS, limit="1"),
        get(CONFIG_MAPS, TABLE, limit="1"),
        get(CONFIG_MAPS, TABLE, includeObject="None"),
        get(CONFIG_MAPS, TABLE, includeObject="Object", limit="1"),
        get(CONFIG_MAPS, TABLE, includeObject="Other"),
        get(CONFIG_MAPS + "/a1", resourceVersion="0"),
        get(CONFIG_MAPS + "/a1", resourceVersion="{rv:1}"),
        get(CONFIG_MAPS + "/absent"),
        get(CONFIG_MAPS, "application/xml"),
        get(CONFIG_MAPS, "application/json;as=Frob;v=v1;g=meta.k8s.io"),
        delete(CONFIG_MAPS, labelSelector="n=0"),
        get(CONFIG_MAPS),
    ],
    "watches": [
        post(CONFIG_MAPS, config_map("a", {"l": "1"}, x="1")),
        post(CONFIG_MAPS, config_map("b", {"l": "2"}, x="1")),
        patch("merge", CONFIG_MAPS + "/a", {"metadata": {"labels": {"l": "2"}}}),
        patch("merge", CONFIG_MAPS + "/b", {"metadata": {"labels": {"l": "1"}}}),
        patch("merge", CONFIG_MAPS + "/b", {"data": {"x": "2"}}),
        delete(CONFIG_MAPS + "/a"),
        watch(CONFIG_MAPS, resourceVersion="{rv:0}"),
        watch(CONFIG_MAPS, resourceVersion="{rv:0}", labelSelector="l=1"),
        watch(CONFIG_MAPS, resourceVersion="{rv:0}", labelSelector="l=2"),
        watch(CONFIG_MAPS, resourceVersion="{rv:0}", fieldSelector="metadata.name=b"),
        watch(CONFIG_MAPS + "/b", resourceVersion="{rv:0}"),
        watch(CONFIG_MAPS),
        watch(
            CONFIG_MAPS,
            sendInitialEvents="true",
            allowWatchBookmarks="true",
            resourceVersionMatch="NotOlderThan",
        ),
        get(
            CONFIG_MAPS,
            watch="true",
            timeoutSeconds="1",
            sendInitialEvents="true",
            allowWatchBookmarks="true",
        ),
        get(
            CONFIG_MAPS,
            watch="true",
            timeoutSeconds="1",
            sendInitialEvents="true",
            resourceVersionMatch="NotOlderThan",
        ),
        get(
            CONFIG_MAPS,
            watch="true",
            timeoutSeconds="1",
            resourceVersionMatch="NotOlderThan",
            resourceVersion="1",
        ),
        Step(
            "GET",
            CONFIG_MAPS,
            query={"watch": "1", "timeoutSeconds": "1", "resourceVersion": "{rv:3}"},
            accept=TABLE,
            events=True,
        ),
        Step(
            "GET",
            CONFIG_MAPS,
            query={"watch": "1", "timeoutSeconds": "1", "resourceVersion": "{rv:3}"},
            accept=PARTIAL,
            events=True,
        ),
        get(CONFIG_MAPS, watch="true", timeoutSeconds="1", fieldSelector="data.x=1"),
        get(CONFIG_MAPS, watch="true", timeoutSeconds="1", resourceVersion="x"),
        watch(PODS, resourceVersion="{rv:0}"),
    ],
    "what is not there": [
        get("/apis/absent.example.com/v1"),
        get("/apis/absent.example.com/v1/things"),
        get(CORE + "/absent"),
        get("/apis/apps/v1/namespaces/{ns}/absent/x"),
        get("/api/v1/namespaces/absent/configmaps"),
        get("/api/v1/namespaces/absent"),
        post("/api/v1/namespaces/absent/configmaps", config_map("a")),
        put(CONFIG_MAPS + "/a", config_map("a")),
        patch("merge", CONFIG_MAPS + "/a", {}),
        delete(CONFIG_MAPS + "/a"),
        get(CONFIG_MAPS + "/a/status"),
        get(PODS + "/a/log"),
        get(DEPLOYMENTS + "/a/scale"),
        post(CONFIG_MAPS + "/a", config_map("a")),
        put(CONFIG_MAPS, config_map("a")),
        delete("/apis"),
        get("/absent"),
        get("/version", user="limited"),
    ],
}
