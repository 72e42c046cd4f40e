"""Objects that stories begin with."""

from __future__ import annotations

from typing import Any, Final

Obj = dict[str, Any]

CORE: Final = "/api/v1/namespaces/{ns}"
CONFIG_MAPS: Final = CORE + "/configmaps"
PODS: Final = CORE + "/pods"
SERVICES: Final = CORE + "/services"
SECRETS: Final = CORE + "/secrets"
DEPLOYMENTS: Final = "/apis/apps/v1/namespaces/{ns}/deployments"
CRDS: Final = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def config_map(name: str, labels: dict[str, str] | None = None, **data: str) -> Obj:
    meta: Obj = {"name": name} | ({"labels": labels} if labels else {})
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}


def deployment(name: str, **spec: Any) -> Obj:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {
                    "containers": [
                        {
                            "name": "main",
                            "image": "example.com/main:1",
                            "args": ["a", "b"],
                            "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
                            "ports": [{"containerPort": 80, "name": "http"}],
                        },
                        {"name": "side", "image": "example.com/side:1"},
                    ],
                    "volumes": [{"name": "tmp", "emptyDir": {}}],
                },
            },
            **spec,
        },
    }


def pod(name: str, labels: dict[str, str] | None = None, **spec: Any) -> Obj:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name} | ({"labels": labels} if labels else {}),
        "spec": {"containers": [{"name": "main", "image": "example.com/main:1"}], **spec},
    }


def service(name: str, **spec: Any) -> Obj:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {
            "selector": {"app": name},
            "ports": [{"name": "http", "port": 80, "targetPort": 8080}],
            **spec,
        },
    }


def definition(plural: str, kind: str, group: str, schema: Obj, **version: Any) -> Obj:
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"plural": plural, "kind": kind},
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": schema},
                    **version,
                }
            ],
        },
    }


def custom(group: str, kind: str, name: str, **more: Any) -> Obj:
    return {"apiVersion": f"{group}/v1", "kind": kind, "metadata": {"name": name}, **more}
