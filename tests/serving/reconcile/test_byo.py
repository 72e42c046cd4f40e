"""When an existing revision may stand for a template with its name."""

from __future__ import annotations

from typing import Any

import pytest

from serving.api import CONFIGURATION, REVISION
from serving.reconcile.byo import name_is_taken

SPEC = {"containers": [{"image": "dev.local/hello"}]}


def revision(*, owner: str = "u", generation: str = "1", spec: Any = SPEC) -> Any:
    ref = {
        "apiVersion": "v1",
        "kind": "Configuration",
        "name": "c",
        "uid": owner,
        "controller": True,
    }
    labels = {"serving.knative.dev/configurationGeneration": generation}
    meta = {"name": "c-x", "labels": labels, "ownerReferences": [ref]}
    return REVISION.view({"metadata": meta, "spec": spec})


@pytest.mark.parametrize(
    ("existing", "taken"),
    [
        (revision(), False),
        (revision(owner="other"), True),
        (revision(generation="7"), False),
        (revision(generation="7", spec={"containers": [{"image": "other"}]}), True),
        (revision(spec={"containers": [{"image": "other"}]}), False),
    ],
    ids=["same", "foreign", "older but equal", "older and different", "this generation"],
)
def test_taken(existing: Any, taken: bool) -> None:
    template = {"metadata": {"name": "c-x"}, "spec": SPEC}
    meta = {"name": "c", "uid": "u", "generation": 1}
    configuration = CONFIGURATION.view({"metadata": meta, "spec": {"template": template}})
    assert name_is_taken(configuration, existing) is taken
