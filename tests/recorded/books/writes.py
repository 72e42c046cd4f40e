"""Writing: refusals, validation of each kind, options, deletion, namespaces, definitions, quota, rights."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from tests.recorded.books.objects import (
    CONFIG_MAPS,
    CORE,
    CRDS,
    DEPLOYMENTS,
    PODS,
    SECRETS,
    SERVICES,
    config_map,
    custom,
    definition,
    deployment,
    pod,
    service,
)
from tests.recorded.books.reads import SHOWN
from tests.recorded.steps import TABLE, Step, Stories, delete, get, patch, post, put, wait

_CM = CONFIG_MAPS + "/a"
_G = "write.example.com"
_ROLES = "/apis/rbac.authorization.k8s.io/v1/namespaces/{ns}/roles"
_BINDINGS = "/apis/rbac.authorization.k8s.io/v1/namespaces/{ns}/rolebindings"
_CLUSTER_ROLES = "/apis/rbac.authorization.k8s.io/v1/clusterroles"
_JOBS = "/apis/batch/v1/namespaces/{ns}/jobs"
_CRON = "/apis/batch/v1/namespaces/{ns}/cronjobs"
_MADE: Final = {obj["kind"]: (path, obj) for path, obj in SHOWN}


def _but(kind: str, **members: Any) -> Step:
    """The sample of a kind with other members."""
    path, obj = _MADE[kind]
    return post(path, {**obj, **members})


def _spec(kind: str, **members: Any) -> Step:
    path, obj = _MADE[kind]
    return post(path, {**obj, "spec": {**obj["spec"], **members}})


def _container(**members: Any) -> Step:
    base = {"name": "main", "image": "example.com/main:1"}
    return post(PODS, {**pod("p"), "spec": {"containers": [base | members]}})


def _named(name: Any, **meta: Any) -> Step:
    return post(CONFIG_MAPS, {**config_map("a"), "metadata": {"name": name, **meta}})


_SCHEMA: Final = {
    "type": "object",
    "required": ["spec"],
    "properties": {
        "spec": {
            "type": "object",
            "required": ["name"],
            "properties": {
                "name": {"type": "string", "maxLength": 5, "pattern": "^[a-z]+$"},
                "size": {"type": "integer", "minimum": 1, "maximum": 9, "default": 3},
                "ratio": {"type": "number"},
                "mode": {"type": "string", "enum": ["on", "off"]},
                "when": {"type": "string", "format": "date-time"},
                "tags": {"type": "array", "maxItems": 2, "items": {"type": "string"}},
                "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                "either": {"x-kubernetes-int-or-string": True},
                "nested": {
                    "type": "object",
                    "properties": {
                        "a": {"type": "string", "default": "x"},
                        "b": {"type": "integer"},
                    },
                },
                "lower": {"type": "integer"},
                "fixed": {
                    "type": "string",
                    "x-kubernetes-validations": [
                        {"rule": "self == oldSelf", "message": "fixed is immutable"}
                    ],
                },
                "set": {
                    "type": "array",
                    "x-kubernetes-list-type": "set",
                    "items": {"type": "string"},
                },
            },
            "x-kubernetes-validations": [
                {
                    "rule": "!has(self.lower) || self.lower <= self.size",
                    "message": "lower than size",
                    "reason": "FieldValueForbidden",
                    "fieldPath": ".lower",
                },
                {"rule": "self.name != 'bad'"},
            ],
        },
        "status": {"type": "object", "properties": {"replicas": {"type": "integer"}}},
    },
}
_COLUMNS: Final = [
    {"name": "Size", "type": "integer", "jsonPath": ".spec.size"},
    {"name": "Tags", "type": "string", "jsonPath": ".spec.tags[*]", "priority": 1},
    {"name": "First", "type": "string", "jsonPath": ".spec.tags[0]"},
    {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
]
_SCALE: Final = {"specReplicasPath": ".spec.size", "statusReplicasPath": ".status.replicas"}
_THINGS = f"/apis/{_G}/v1/namespaces/{{ns}}/things"


_PODS: Final = [
    post(PODS, {**pod("p"), "spec": {}}),
    post(PODS, {**pod("p"), "spec": {"containers": []}}),
    _container(name="", image=""),
    _container(name="A_b"),
    _container(imagePullPolicy="Sometimes"),
    _container(env=[{"name": ""}, {"name": "a=b"}]),
    _container(env=[{"name": "A", "valueFrom": {}}]),
    _container(
        env=[
            {
                "name": "A",
                "value": "1",
                "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}},
            }
        ]
    ),
    _container(env=[{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "spec.frob"}}}]),
    _container(ports=[{"containerPort": 0}, {"containerPort": 80, "protocol": "X"}]),
    _container(ports=[{"containerPort": 80, "name": "UPPER"}, {"containerPort": 81, "name": "a"}]),
    _container(ports=[{"containerPort": 80, "name": "a"}, {"containerPort": 81, "name": "a"}]),
    _container(volumeMounts=[{"name": "absent", "mountPath": "/x"}]),
    _container(volumeMounts=[{"name": "absent", "mountPath": ""}]),
    _container(resources={"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}),
    _container(resources={"requests": {"cpu": "-1"}}),
    _container(resources={"requests": {"cpu": "x"}}),
    _container(resources={"requests": {"frob": "1"}}),
    _container(livenessProbe={}),
    _container(livenessProbe={"httpGet": {"port": 80}, "tcpSocket": {"port": 80}}),
    _container(livenessProbe={"httpGet": {"port": 0}, "periodSeconds": -1}),
    _container(readinessProbe={"exec": {"command": []}}),
    _container(lifecycle={"preStop": {}}),
    _container(terminationMessagePolicy="X"),
    _container(securityContext={"runAsUser": -1}),
    _container(securityContext={"privileged": True, "allowPrivilegeEscalation": False}),
    post(PODS, pod("p", restartPolicy="X")),
    post(PODS, pod("p", dnsPolicy="X")),
    post(PODS, pod("p", terminationGracePeriodSeconds=-1)),
    post(PODS, pod("p", activeDeadlineSeconds=0)),
    post(
        PODS,
        pod(
            "p",
            volumes=[
                {"name": "a"},
                {"name": "a", "emptyDir": {}},
                {"name": "B", "emptyDir": {}},
            ],
        ),
    ),
    post(PODS, pod("p", volumes=[{"name": "a", "configMap": {}}, {"name": "b", "secret": {}}])),
    post(PODS, pod("p", nodeSelector={"a b": "c"})),
    post(PODS, pod("p", tolerations=[{"key": "a", "operator": "X"}])),
    post(PODS, pod("p", hostname="Not_valid")),
    post(PODS, pod("p", serviceAccountName="Not_valid")),
    post(PODS, pod("p", initContainers=[{"name": "main", "image": "x"}])),
    post(PODS, pod("p", priorityClassName="absent")),
    post(PODS, pod("p", imagePullSecrets=[{"name": ""}])),
    post(PODS, pod("p", overhead={"cpu": "1"})),
]


def _apart(steps: list[Step]) -> list[Step]:
    """Each object with a name of its own: one that is taken is not in the way of the next."""
    found = []
    for number, step in enumerate(steps):
        meta = {**step.body["metadata"], "name": f"{step.body['metadata']['name']}{number}"}
        found.append(replace(step, body={**step.body, "metadata": meta}))
    return found


STORIES: Final[Stories] = {
    "names and metadata": [
        _named("A_b"),
        _named("a" * 254),
        _named(""),
        _named("a", labels={"a b": "c"}),
        _named("a", labels={"a": "b c"}),
        _named("a", labels={"a": "b" * 64}),
        _named("a", annotations={"a b": "c"}),
        _named("a", finalizers=["nodomain"]),
        _named("a", ownerReferences=[{"apiVersion": "v1", "kind": "Pod", "name": "", "uid": ""}]),
        _named("a", resourceVersion="1"),
        _named("a", uid="mine"),
        _named("a", generateName="b-", namespace="other"),
        post(CONFIG_MAPS, {**config_map("a"), "metadata": {"generateName": "gen-"}}),
        post(SERVICES, service("1a")),
        post(
            "/api/v1/namespaces",
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a.b"}},
        ),
        post(CONFIG_MAPS, b"{"),
        post(CONFIG_MAPS, b""),
        post(CONFIG_MAPS, [1]),
        post(CONFIG_MAPS, {"metadata": {"name": "a"}}),
        post(CONFIG_MAPS, {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}}),
        post(CONFIG_MAPS, {"apiVersion": "v2", "kind": "ConfigMap", "metadata": {"name": "a"}}),
        post(CONFIG_MAPS, {**config_map("a"), "data": {"x": 1}}),
        post(CONFIG_MAPS, {**config_map("a"), "data": "x"}),
        Step("POST", CONFIG_MAPS, config_map("a"), type="text/plain"),
        Step(
            "POST",
            CONFIG_MAPS,
            b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: y}\n",
            type="application/yaml",
        ),
        Step("POST", CONFIG_MAPS, b"a: [", type="application/yaml"),
    ],
    "conflicts and options": [
        post(CONFIG_MAPS, config_map("a", x="1")),
        post(CONFIG_MAPS, config_map("a", x="1")),
        put(_CM, {**config_map("a"), "metadata": {"name": "a", "resourceVersion": "1"}}),
        put(_CM, {**config_map("a"), "metadata": {"name": "a", "uid": "other"}}),
        put(_CM, {**config_map("b")}),
        put(_CM, config_map("a", x="2"), dryRun="All"),
        get(_CM),
        put(_CM, config_map("a", x="2"), dryRun="Some"),
        put(_CM, config_map("a", x="2"), fieldValidation="Some"),
        post(CONFIG_MAPS, config_map("b", x="2"), fieldManager="m" * 129),
        post(CONFIG_MAPS, config_map("b", x="2"), dryRun="All"),
        get(CONFIG_MAPS + "/b"),
        post(CONFIG_MAPS, {**config_map("c"), "extra": 1}),
        post(
            CONFIG_MAPS,
            {**config_map("d"), "extra": 1, "metadata": {"name": "d", "frob": 1}},
            fieldValidation="Strict",
        ),
        post(CONFIG_MAPS, {**config_map("d"), "extra": 1}, fieldValidation="Ignore"),
        post(
            CONFIG_MAPS,
            b'{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"e"},"data":{"a":"1","a":"2"}}',
        ),
        post(
            CONFIG_MAPS,
            b'{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"f"},"data":{"a":"1","a":"2"}}',
            fieldValidation="Strict",
        ),
        post(
            DEPLOYMENTS, deployment("d", frob=1, strategy={"kind": "x"}), fieldValidation="Strict"
        ),
        post(DEPLOYMENTS, deployment("d", frob=1, strategy={"kind": "x"})),
    ],
    "validation of pods": _apart(_PODS),
    "validation of services": [
        post(SERVICES, service("s", ports=[])),
        post(SERVICES, service("s", ports=[{"port": 0}])),
        post(SERVICES, service("s", ports=[{"port": 80}, {"port": 81}])),
        post(SERVICES, service("s", ports=[{"port": 80, "name": "a"}, {"port": 80, "name": "b"}])),
        post(SERVICES, service("s", ports=[{"port": 80, "name": "a"}, {"port": 81, "name": "a"}])),
        post(SERVICES, service("s", ports=[{"port": 80, "protocol": "X"}])),
        post(SERVICES, service("s", ports=[{"port": 80, "targetPort": "BAD_NAME"}])),
        post(SERVICES, service("s", type="X")),
        post(SERVICES, service("s", type="ExternalName")),
        post(SERVICES, service("s", type="ExternalName", externalName="Not_valid")),
        post(SERVICES, service("s", clusterIP="x")),
        post(SERVICES, service("s", sessionAffinity="X")),
        post(SERVICES, service("s", clusterIP="None")),
        patch("merge", SERVICES + "/s", {"spec": {"clusterIP": "10.96.0.77"}}),
        post(SERVICES, service("t", type="NodePort")),
        post(SERVICES, service("u", type="LoadBalancer")),
        post(SERVICES, service("v", ports=[{"port": 80, "nodePort": 30000}])),
        patch("merge", SERVICES + "/t", {"spec": {"type": "ClusterIP"}}),
        post(SERVICES, service("w", externalTrafficPolicy="Local")),
        post(SERVICES, service("w", internalTrafficPolicy="X")),
        post(SERVICES, service("w", ipFamilyPolicy="X")),
    ],
    "validation of workloads": [
        post(DEPLOYMENTS, deployment("d", selector={})),
        post(DEPLOYMENTS, deployment("d", selector={"matchLabels": {"other": "x"}})),
        post(DEPLOYMENTS, deployment("d", replicas=-1)),
        post(DEPLOYMENTS, deployment("d", minReadySeconds=-1, revisionHistoryLimit=-1)),
        post(DEPLOYMENTS, deployment("d", progressDeadlineSeconds=0)),
        post(DEPLOYMENTS, deployment("d", strategy={"type": "X"})),
        post(
            DEPLOYMENTS,
            deployment("d", strategy={"type": "Recreate", "rollingUpdate": {"maxSurge": 1}}),
        ),
        post(
            DEPLOYMENTS,
            deployment("d", strategy={"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 0}}),
        ),
        post(DEPLOYMENTS, deployment("d", strategy={"rollingUpdate": {"maxSurge": "x%"}})),
        post(DEPLOYMENTS, deployment("d", template={})),
        _spec("StatefulSet", podManagementPolicy="X"),
        _spec("StatefulSet", updateStrategy={"type": "X"}),
        _spec("StatefulSet", replicas=-1),
        _spec("DaemonSet", updateStrategy={"type": "X"}),
        _spec("ReplicaSet", selector={}),
        _spec("Job", completions=-1, parallelism=-1),
        _spec("Job", backoffLimit=-1, activeDeadlineSeconds=-1),
        _spec("Job", completionMode="X"),
        _spec("Job", template={"spec": {**_MADE["Pod"][1]["spec"], "restartPolicy": "Always"}}),
        _spec("Job", ttlSecondsAfterFinished=-1),
        _spec("CronJob", schedule="x"),
        _spec("CronJob", schedule=""),
        _spec("CronJob", concurrencyPolicy="X"),
        _spec("CronJob", timeZone="Nowhere/Land"),
        _spec("CronJob", startingDeadlineSeconds=-1),
        _spec("HorizontalPodAutoscaler", maxReplicas=0),
        _spec("HorizontalPodAutoscaler", minReplicas=5),
        _spec("PodDisruptionBudget", maxUnavailable=1),
        _spec("PodDisruptionBudget", minAvailable="x"),
    ],
    "validation of the rest": [
        _but("ConfigMap", data={"not a key": "1"}),
        _but("ConfigMap", data={"a": "1"}, binaryData={"a": "AA=="}),
        _but("ConfigMap", data={"..": "1"}),
        _but("Secret", stringData={"not a key": "1"}),
        _but("Secret", data={"a": "not base64"}),
        _but("Secret", type="kubernetes.io/tls"),
        _but("Secret", type="kubernetes.io/dockerconfigjson"),
        _but("Secret", type="kubernetes.io/basic-auth", stringData={}),
        _but("Secret", immutable=True),
        patch("merge", SECRETS + "/a", {"stringData": {"k": "w"}}),
        patch("merge", SECRETS + "/a", {"type": "other"}),
        _spec("PersistentVolumeClaim", accessModes=[]),
        _spec("PersistentVolumeClaim", accessModes=["X"]),
        _spec("PersistentVolumeClaim", resources={}),
        _spec("ResourceQuota", hard={"pods": "-1"}),
        _spec("ResourceQuota", hard={"pods": "1.5"}),
        _but("Endpoints", subsets=[{"addresses": [{"ip": "x"}], "ports": [{"port": 80}]}]),
        _but("Endpoints", subsets=[{"addresses": [], "ports": []}]),
        _but("EndpointSlice", addressType="X"),
        _but("EndpointSlice", endpoints=[{"addresses": ["x"]}]),
        _but("EndpointSlice", endpoints=[{"addresses": []}]),
        _spec("Ingress", defaultBackend=None),
        _spec(
            "Ingress",
            rules=[{"http": {"paths": [{"path": "x", "pathType": "Prefix", "backend": {}}]}}],
        ),
        _spec("Ingress", rules=[{"host": "Bad_Host"}]),
        _spec("NetworkPolicy", policyTypes=["X"]),
        _spec("Lease", leaseDurationSeconds=0, leaseTransitions=-1),
        _but("Role", rules=[{"verbs": [], "apiGroups": [""], "resources": ["pods"]}]),
        _but("Role", rules=[{"verbs": ["get"]}]),
        _but("Role", rules=[{"verbs": ["get"], "nonResourceURLs": ["/x"]}]),
        _but("RoleBinding", roleRef={"apiGroup": "x", "kind": "Role", "name": "a"}),
        _but(
            "RoleBinding",
            roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": "X", "name": ""},
        ),
        _but("RoleBinding", subjects=[{"kind": "X", "name": ""}]),
        _but("RoleBinding", subjects=[{"kind": "ServiceAccount", "name": "a"}]),
        _but("RoleBinding"),
        patch("merge", _BINDINGS + "/a", {"roleRef": {"name": "b"}}),
        _but("Event", involvedObject={"namespace": "other"}),
        _but(
            "LimitRange",
            spec={"limits": [{"type": "Container", "min": {"cpu": "2"}, "max": {"cpu": "1"}}]},
        ),
        _but("ControllerRevision", revision=-1),
    ],
    "deletion": [
        post(CONFIG_MAPS, config_map("a")),
        delete(_CM, {"preconditions": {"uid": "other"}}),
        delete(_CM, {"preconditions": {"resourceVersion": "1"}}),
        delete(_CM, {"propagationPolicy": "X"}),
        delete(_CM, {"propagationPolicy": "Orphan", "orphanDependents": True}),
        delete(_CM, dryRun="All"),
        patch("merge", _CM, {"metadata": {"finalizers": ["example.com/f"]}}),
        delete(_CM),
        delete(_CM),
        patch("merge", _CM, {"metadata": {"finalizers": ["example.com/f", "example.com/g"]}}),
        patch("merge", _CM, {"data": {"still": "changes"}}),
        post(CONFIG_MAPS, config_map("a")),
        patch("merge", _CM, {"metadata": {"finalizers": None}}),
        get(_CM),
        post(PODS, pod("p")),
        delete(PODS + "/p"),
        post(PODS, pod("q", nodeName="n1")),
        delete(PODS + "/q"),
        get(PODS + "/q"),
        delete(PODS + "/q", {"gracePeriodSeconds": 5}),
        delete(PODS + "/q", {"gracePeriodSeconds": 60}),
        delete(PODS + "/q", {"gracePeriodSeconds": 0}),
        get(PODS + "/q"),
        post(DEPLOYMENTS, deployment("d")),
        delete(DEPLOYMENTS + "/d", {"propagationPolicy": "Foreground"}),
        delete("/api/v1/namespaces/default"),
        delete("/api/v1/namespaces/kube-system"),
    ],
    "namespaces": [
        post(
            "/api/v1/namespaces",
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "r-leaving"}},
        ),
        put(
            "/api/v1/namespaces/r-leaving/finalize",
            {
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": {"name": "r-leaving"},
                "spec": {"finalizers": ["kubernetes", "example.com/f"]},
            },
        ),
        delete("/api/v1/namespaces/r-leaving"),
        post("/api/v1/namespaces/r-leaving/configmaps", config_map("a")),
    ],
    "definitions": [
        post(
            CRDS,
            definition(
                "things",
                "Thing",
                _G,
                _SCHEMA,
                subresources={"status": {}, "scale": _SCALE},
                additionalPrinterColumns=_COLUMNS,
            ),
        ),
        wait(CRDS + f"/things.{_G}", "Established"),
        post(
            _THINGS, custom(_G, "Thing", "t", spec={"name": "abc", "tags": ["x", "y"], "frob": 1})
        ),
        post(
            _THINGS,
            custom(_G, "Thing", "u", spec={"name": "abc", "frob": 1}),
            fieldValidation="Strict",
        ),
        post(_THINGS, custom(_G, "Thing", "u", spec={})),
        post(_THINGS, custom(_G, "Thing", "u")),
        post(_THINGS, custom(_G, "Thing", "u", spec={"name": "TOO LONG"})),
        post(_THINGS, custom(_G, "Thing", "u", spec={"name": 1, "size": "x"})),
        post(_THINGS, custom(_G, "Thing", "u", spec={"name": "a", "size": 10, "mode": "x"})),
        post(_THINGS, custom(_G, "Thing", "u", spec={"name": "a", "size": 1.5})),
        post(_THINGS, custom(_G, "Thing", "u", spec={"name": "a", "when": "yesterday"})),
        post(_THINGS, custom(_G, "Thing", "u", spec={"name": "a", "tags": ["1", "2", "3"]})),
        post(_THINGS, custom(_G, "Thing", "u", spec={"name": "a", "tags": [1]})),
        post(_THINGS, custom(_G, "Thing", "u", spec={"name": "a", "either": 1.5})),
        post(_THINGS, custom(_G, "Thing", "u", spec={"name": "a", "set": ["a", "a"]})),
        post(_THINGS, custom(_G, "Thing", "u", spec={"name": "a", "nested": None})),
        post(_THINGS, custom(_G, "Thing", "u2", spec={"name": "a", "nested": {}})),
        post(_THINGS, custom(_G, "Thing", "u3", spec={"name": "a", "lower": 5})),
        post(_THINGS, custom(_G, "Thing", "u3", spec={"name": "bad"})),
        post(_THINGS, custom(_G, "Thing", "u4", spec={"name": "a", "fixed": "x"})),
        patch("merge", _THINGS + "/u4", {"spec": {"fixed": "y"}}),
        get(_THINGS, TABLE),
        get(_THINGS + "/t/scale"),
        patch("merge", _THINGS + "/t/scale", {"spec": {"replicas": 5}}),
        patch("merge", _THINGS + "/t/scale", {"spec": {"replicas": 50}}),
        patch("merge", _THINGS + "/t/status", {"status": {"replicas": 2}, "spec": {"size": 1}}),
        get(f"/apis/{_G}/v1"),
        get(f"/apis/{_G}"),
        post(CRDS, definition("bads", "Bad", _G, {"type": "object", "properties": {"a": {}}})),
        post(
            CRDS,
            {**definition("bads", "Bad", _G, {"type": "object"}), "metadata": {"name": "wrong"}},
        ),
        post(CRDS, definition("things2", "Thing", _G, {"type": "object"})),
        get(CRDS + f"/things.{_G}", TABLE),
    ],
    "quota": [
        post(
            CORE + "/resourcequotas",
            {
                "apiVersion": "v1",
                "kind": "ResourceQuota",
                "metadata": {"name": "q"},
                "spec": {"hard": {"count/configmaps": "0", "pods": "0", "requests.cpu": "1"}},
            },
        ),
        patch(
            "merge",
            CORE + "/resourcequotas/q/status",
            {
                "status": {
                    "hard": {"count/configmaps": "0", "pods": "0", "requests.cpu": "1"},
                    "used": {"count/configmaps": "0", "pods": "0", "requests.cpu": "0"},
                }
            },
        ),
        post(CONFIG_MAPS, config_map("a")),
        post(PODS, pod("p")),
        post(
            PODS,
            {
                **pod("p"),
                "spec": {
                    "containers": [
                        {"name": "m", "image": "i", "resources": {"requests": {"cpu": "2"}}}
                    ]
                },
            },
        ),
    ],
    "rights": [
        get(CONFIG_MAPS, user="limited"),
        get(_CM, user="limited"),
        post(CONFIG_MAPS, config_map("a"), user="limited"),
        put(_CM, config_map("a"), user="limited"),
        patch("merge", _CM, {}, user="limited"),
        delete(_CM, user="limited"),
        delete(CONFIG_MAPS, user="limited"),
        get("/api/v1/configmaps", user="limited"),
        get("/api/v1/nodes", user="limited"),
        get("/api/v1/namespaces/{ns}", user="limited"),
        get(CONFIG_MAPS, user="limited", watch="true"),
        get(PODS + "/p/log", user="limited"),
        get("/apis/apps/v1/namespaces/{ns}/deployments/d/scale", user="limited"),
        get("/metrics", user="limited"),
        get("/apis", user="limited"),
        post(
            _ROLES,
            {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "Role",
                "metadata": {"name": "maker"},
                "rules": [
                    {
                        "apiGroups": ["rbac.authorization.k8s.io"],
                        "resources": ["roles", "rolebindings"],
                        "verbs": ["create"],
                    },
                    {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]},
                ],
            },
        ),
        post(
            _BINDINGS,
            {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "RoleBinding",
                "metadata": {"name": "maker"},
                "roleRef": {
                    "apiGroup": "rbac.authorization.k8s.io",
                    "kind": "Role",
                    "name": "maker",
                },
                "subjects": [
                    {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "limited"}
                ],
            },
        ),
        post(
            _ROLES,
            {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "Role",
                "metadata": {"name": "more"},
                "rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list"]}],
            },
            user="limited",
        ),
        post(
            _ROLES,
            {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "Role",
                "metadata": {"name": "same"},
                "rules": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}],
            },
            user="limited",
        ),
        post(
            _BINDINGS,
            {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "RoleBinding",
                "metadata": {"name": "more"},
                "roleRef": {
                    "apiGroup": "rbac.authorization.k8s.io",
                    "kind": "ClusterRole",
                    "name": "cluster-admin",
                },
                "subjects": [
                    {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "limited"}
                ],
            },
            user="limited",
        ),
        post(
            "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
            {
                "apiVersion": "authorization.k8s.io/v1",
                "kind": "SelfSubjectAccessReview",
                "spec": {
                    "resourceAttributes": {
                        "verb": "get",
                        "resource": "configmaps",
                        "namespace": "{ns}",
                    }
                },
            },
            user="limited",
        ),
        post(
            "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
            {
                "apiVersion": "authorization.k8s.io/v1",
                "kind": "SelfSubjectAccessReview",
                "spec": {},
            },
        ),
        post(
            "/apis/authentication.k8s.io/v1/selfsubjectreviews",
            {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"},
            user="limited",
        ),
    ],
}
