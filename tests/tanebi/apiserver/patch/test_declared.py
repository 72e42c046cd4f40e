from __future__ import annotations

from typing import Any

import pytest

from tanebi.api.core.kinds import POD
from tanebi.apiserver.patch import declared
from tanebi.apiserver.patch.errors import BadPatch
from tanebi.apiserver.patch.schema import BUILTIN


def pod(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec}


def test_what_is_declared_passes() -> None:
    declared.check(POD, pod(containers=[{"name": "a"}, {"name": "b"}]), BUILTIN)


@pytest.mark.parametrize(
    ("config", "text"),
    [
        (pod(frob=1), r"\(/p; /v1, Kind=Pod\): .spec.frob: field not declared in schema"),
        (
            pod(containers=[{"name": "a"}] * 2),
            r'.spec.containers: duplicate entries for key \[name="a"\]',
        ),
        (pod(containers="x"), "cannot unmarshal string into Go struct field Pod.spec.containers"),
        (pod(x=1, y=2), r"errors:\n  .spec.x: .*\n  .spec.y: "),
        (
            pod(containers=[{"name": "a", "env": [{"name": "E"}] * 2}]),
            r'.spec.containers\[name="a"\].env: duplicate entries',
        ),
    ],
)
def test_what_is_not_is_refused(config: dict[str, Any], text: str) -> None:
    with pytest.raises(BadPatch, match=text) as refused:
        declared.check(POD, config, BUILTIN)
    assert (refused.value.code, refused.value.reason) == (500, "")
