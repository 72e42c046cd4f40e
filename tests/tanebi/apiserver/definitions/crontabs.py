"""A definition to try things on: Kubernetes' own example, and more of what schemas can say."""

from __future__ import annotations

import copy
from typing import Any, Final

from tanebi.api.meta import Obj

CRDS: Final = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
CRONTABS: Final = "/apis/stable.example.com/v1/namespaces/default/crontabs"

_SPEC: Final[Obj] = {
    "type": "object",
    "required": ["cronSpec"],
    "properties": {
        "cronSpec": {"type": "string", "pattern": r"^(\d+|\*)(/\d+)?(\s+(\d+|\*)(/\d+)?){4}$"},
        "image": {"type": "string", "default": "busybox", "maxLength": 20},
        "replicas": {"type": "integer", "minimum": 1, "maximum": 10},
        "port": {"x-kubernetes-int-or-string": True},
        "policy": {"type": "string", "enum": ["Allow", "Forbid"]},
        "note": {"type": "string", "nullable": True},
        "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        "limits": {"type": "object", "additionalProperties": {"type": "integer"}},
        "tags": {
            "type": "array",
            "items": {"type": "string"},
            "x-kubernetes-list-type": "set",
        },
        "steps": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["name"],
                "properties": {
                    "name": {"type": "string"},
                    "weight": {"type": "integer", "default": 1},
                },
            },
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
        },
        "start": {"type": "string", "format": "date-time"},
    },
    "x-kubernetes-validations": [
        {"rule": "!has(self.replicas) || self.replicas != 7", "message": "seven is taken"},
        {
            "rule": "!has(oldSelf.policy) || has(self.policy) && self.policy == oldSelf.policy",
            "message": "policy is immutable",
            "fieldPath": ".policy",
        },
    ],
}
SCHEMA: Final[Obj] = {
    "type": "object",
    "properties": {
        "spec": _SPEC,
        "status": {
            "type": "object",
            "properties": {
                "replicas": {"type": "integer"},
                "labelSelector": {"type": "string"},
                "conditions": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["type"],
                        "properties": {"type": {"type": "string"}, "status": {"type": "string"}},
                    },
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["type"],
                },
            },
        },
    },
}


def crontabs(**spec: Any) -> Obj:
    """The definition; `spec` members replace its own."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "crontabs.stable.example.com"},
        "spec": {
            "group": "stable.example.com",
            "scope": "Namespaced",
            "names": {"plural": "crontabs", "kind": "CronTab", "shortNames": ["ct"]},
            "versions": [version("v1")],
            **spec,
        },
    }


def version(name: str, **more: Any) -> Obj:
    return {
        "name": name,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": copy.deepcopy(SCHEMA)},
        "subresources": {
            "status": {},
            "scale": {
                "specReplicasPath": ".spec.replicas",
                "statusReplicasPath": ".status.replicas",
            },
        },
        "additionalPrinterColumns": [
            {"name": "Spec", "type": "string", "jsonPath": ".spec.cronSpec"},
            {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
        ],
        "selectableFields": [{"jsonPath": ".spec.image"}],
        **more,
    }


def crontab(name: str, *, api_version: str = "stable.example.com/v1", **spec: Any) -> Obj:
    return {
        "apiVersion": api_version,
        "kind": "CronTab",
        "metadata": {"name": name},
        "spec": {"cronSpec": "* * * * */5", **spec},
    }
