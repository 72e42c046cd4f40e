"""What is warned about: only what nobody has said."""

from __future__ import annotations

from typing import Any

import pytest

from serving.api.insecure_defaults import warn_of_insecure_defaults
from tanebi.api.core.pod import PodSpec
from tanebi.api.fielderrors import render

TEXT = (
    "Kubernetes default value is insecure, Knative may default this to secure in a future release"
)
SAFE: Any = {
    "runAsNonRoot": True,
    "allowPrivilegeEscalation": False,
    "seccompProfile": {"type": "RuntimeDefault"},
    "capabilities": {"drop": ["ALL"]},
}
P = "containers[0].securityContext"


def warned(context: Any = None, pod: Any = None) -> str:
    container = {"image": "i", **({"securityContext": context} if context is not None else {})}
    spec = {"containers": [container], **({"securityContext": pod} if pod else {})}
    found = warn_of_insecure_defaults(PodSpec.model_validate(spec))
    assert {each.level for each in found} <= {"warning"}
    return render(found)


def test_everything_left_open() -> None:
    names = ("allowPrivilegeEscalation", "capabilities", "runAsNonRoot", "seccompProfile")
    assert warned() == f"{TEXT}: {', '.join(f'{P}.{name}' for name in names)}"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, ""),
        ({"runAsNonRoot": False, "allowPrivilegeEscalation": True}, ""),
        ({"runAsNonRoot": None}, f"{TEXT}: {P}.runAsNonRoot"),
        ({"seccompProfile": {}}, f"{TEXT}: {P}.seccompProfile.type"),
        ({"capabilities": {}}, f"{TEXT}: {P}.capabilities.drop"),
        ({"capabilities": {"drop": []}}, ""),
        (
            {"capabilities": {"drop": ["all"]}},
            f"invalid value: all: {P}.capabilities.drop\nMust be spelled as 'ALL'",
        ),
    ],
)
def test_each_of_them(change: Any, said: str) -> None:
    assert warned({**SAFE, **change}) == said


def test_what_the_pod_says_holds() -> None:
    own = {key: SAFE[key] for key in ("allowPrivilegeEscalation", "capabilities")}
    pod = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    assert warned(own, pod) == ""
    assert "runAsNonRoot" in warned(own)
