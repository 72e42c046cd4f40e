"""The roles and bindings that are there from the start, named as Kubernetes' and Knative's. Pure.

Source: k8s.io/kubernetes plugin/pkg/auth/authorizer/rbac/bootstrappolicy; knative.dev/serving and eventing, config/core/roles.
Caller: tanebi.apiserver.bootstrap.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tanebi.api.core.identity_rules import GROUP
from tanebi.api.meta import Obj

READ: Final = ("get", "list", "watch")
WRITE: Final = ("create", "delete", "deletecollection", "patch", "update")
OPEN: Final = ("/healthz", "/livez", "/readyz", "/version", "/version/")
DISCOVERY: Final = ("/api", "/api/*", "/apis", "/apis/*", "/openapi", "/openapi/*", *OPEN)
ISSUER: Final = ("/.well-known/openid-configuration", "/openid/v1/jwks")
KNATIVE_GROUPS: Final = {
    "serving": (
        "serving.knative.dev",
        "networking.internal.knative.dev",
        "autoscaling.internal.knative.dev",
        "caching.internal.knative.dev",
    ),
    "eventing": (
        "eventing.knative.dev",
        "messaging.knative.dev",
        "flows.knative.dev",
        "sources.knative.dev",
    ),
}

_CORE_VIEW: Final = (
    "configmaps",
    "endpoints",
    "events",
    "limitranges",
    "namespaces",
    "namespaces/status",
    "persistentvolumeclaims",
    "persistentvolumeclaims/status",
    "pods",
    "pods/log",
    "pods/status",
    "replicationcontrollers",
    "replicationcontrollers/scale",
    "resourcequotas",
    "resourcequotas/status",
    "serviceaccounts",
    "services",
    "services/status",
)
_CORE_EDIT: Final = (
    "configmaps",
    "events",
    "persistentvolumeclaims",
    "pods",
    "replicationcontrollers",
    "replicationcontrollers/scale",
    "secrets",
    "serviceaccounts",
    "services",
)
_ENTER: Final = ("pods/attach", "pods/exec", "pods/portforward", "pods/proxy", "services/proxy")
_WORKLOADS: Final = (
    (
        "apps",
        (
            "controllerrevisions",
            "daemonsets",
            "deployments",
            "deployments/scale",
            "replicasets",
            "replicasets/scale",
            "statefulsets",
            "statefulsets/scale",
        ),
    ),
    ("autoscaling", ("horizontalpodautoscalers",)),
    ("batch", ("cronjobs", "jobs")),
    ("discovery.k8s.io", ("endpointslices",)),
    ("networking.k8s.io", ("ingresses", "networkpolicies")),
    ("policy", ("poddisruptionbudgets",)),
)


def rule(verbs: Sequence[str], group: str, resources: Sequence[str]) -> Obj:
    return {"verbs": list(verbs), "apiGroups": [group], "resources": list(resources)}


def urls(paths: Sequence[str]) -> Obj:
    return {"verbs": ["get"], "nonResourceURLs": list(paths)}


def _everywhere(verbs: Sequence[str]) -> list[Obj]:
    return [rule(verbs, group, resources) for group, resources in _WORKLOADS]


def _role(name: str, rules: Sequence[Obj] | None = None, **labels: str) -> Obj:
    shown = {f"{GROUP}/{key.replace('_', '-')}": value for key, value in labels.items()}
    shown["kubernetes.io/bootstrapping"] = "rbac-defaults"
    return {"metadata": {"name": name, "labels": shown}, "rules": list(rules or ())}


def _aggregated(name: str, **labels: str) -> Obj:
    role = _role(name, None, **labels)
    selector = {"matchLabels": {f"{GROUP}/aggregate-to-{name}": "true"}}
    return role | {"aggregationRule": {"clusterRoleSelectors": [selector]}}


def _knative() -> list[Obj]:
    found: list[Obj] = []
    for part, groups in KNATIVE_GROUPS.items():
        everything = [rule(["*"], group, ["*"]) for group in groups]
        reading = [rule(READ, group, ["*"]) for group in groups]
        writing = [rule((*READ, *WRITE), group, ["*"]) for group in groups]
        base = f"knative-{part}-namespaced"
        found += [
            _role(f"knative-{part}-admin", everything),
            _role(f"{base}-admin", everything, aggregate_to_admin="true"),
            _role(f"{base}-edit", writing, aggregate_to_edit="true"),
            _role(f"{base}-view", reading, aggregate_to_view="true"),
        ]
    return found


def cluster_roles() -> list[Obj]:
    everything = [rule(["*"], "*", ["*"]), {"verbs": ["*"], "nonResourceURLs": ["*"]}]
    bind = rule((*READ, *WRITE), GROUP, ("roles", "rolebindings"))
    return [
        _role("cluster-admin", everything),
        _role("system:discovery", [urls(DISCOVERY)]),
        _role("system:public-info-viewer", [urls(OPEN)]),
        _role("system:service-account-issuer-discovery", [urls(ISSUER)]),
        _role(
            "system:basic-user",
            [
                rule(
                    ["create"],
                    "authorization.k8s.io",
                    ("selfsubjectaccessreviews", "selfsubjectrulesreviews"),
                ),
                rule(["create"], "authentication.k8s.io", ("selfsubjectreviews",)),
            ],
        ),
        _role(
            "system:auth-delegator",
            [
                rule(["create"], "authentication.k8s.io", ("tokenreviews",)),
                rule(["create"], "authorization.k8s.io", ("subjectaccessreviews",)),
            ],
        ),
        _aggregated("admin"),
        _aggregated("edit", aggregate_to_admin="true"),
        _aggregated("view", aggregate_to_edit="true"),
        _role(
            "system:aggregate-to-admin",
            [bind, rule(["create"], "authorization.k8s.io", ("localsubjectaccessreviews",))],
            aggregate_to_admin="true",
        ),
        _role(
            "system:aggregate-to-edit",
            [
                rule((*READ, *WRITE), "", (*_ENTER, "secrets")),
                rule(["create"], "", ("pods/eviction", "serviceaccounts/token")),
                rule(["impersonate"], "", ("serviceaccounts",)),
                rule(WRITE, "", _CORE_EDIT),
                *_everywhere(WRITE),
                rule((*READ, *WRITE), "coordination.k8s.io", ("leases",)),
            ],
            aggregate_to_edit="true",
        ),
        _role(
            "system:aggregate-to-view",
            [rule(READ, "", _CORE_VIEW), *_everywhere(READ)],
            aggregate_to_view="true",
        ),
        *_knative(),
    ]


def cluster_role_bindings() -> list[Obj]:
    bound = {
        "cluster-admin": ("system:masters",),
        "system:discovery": ("system:authenticated",),
        "system:basic-user": ("system:authenticated",),
        "system:public-info-viewer": ("system:authenticated", "system:unauthenticated"),
        "system:service-account-issuer-discovery": ("system:serviceaccounts",),
    }
    return [
        {
            "metadata": {"name": name, "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"}},
            "subjects": [{"kind": "Group", "apiGroup": GROUP, "name": group} for group in groups],
            "roleRef": {"kind": "ClusterRole", "apiGroup": GROUP, "name": name},
        }
        for name, groups in bound.items()
    ]
