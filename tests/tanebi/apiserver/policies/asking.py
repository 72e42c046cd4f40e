"""A policy about widgets, and its binding."""

from __future__ import annotations

from typing import Any, Final

from tanebi.api.meta import Obj

ROOT: Final = "/apis/admissionregistration.k8s.io/v1"
POLICIES: Final = f"{ROOT}/validatingadmissionpolicies"
BINDINGS: Final = f"{ROOT}/validatingadmissionpolicybindings"
RULE: Final[Obj] = {
    "operations": ["CREATE", "UPDATE"],
    "apiGroups": ["tanebi.dev"],
    "apiVersions": ["*"],
    "resources": ["widgets"],
}


def policy(expression: str, *, matching: Obj | None = None, message: str = "", **spec: Any) -> Obj:
    rule = {"expression": expression} | ({"message": message} if message else {})
    match = {"resourceRules": [RULE], **(matching or {})}
    return {
        "metadata": {"name": "sizes"},
        "spec": {"matchConstraints": match, "validations": [rule], **spec},
    }


def binding(*actions: str, **spec: Any) -> Obj:
    wanted = {"policyName": "sizes", "validationActions": list(actions or ("Deny",))}
    return {"metadata": {"name": "everywhere"}, "spec": {**wanted, **spec}}
