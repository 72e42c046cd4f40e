"""The schema of one version, as the server asks."""

from __future__ import annotations

from tanebi.apiserver.structural.structure import Structural
from tests.tanebi.apiserver.definitions.crontabs import SCHEMA, crontab


def test_in_order_form_first_and_rules_after() -> None:
    structure = Structural(SCHEMA)
    obj = {**crontab("a", replicas=7, colour="red"), "extra": 1}
    assert structure.prune(obj) == ["extra", "spec.colour"]
    structure.complete(obj)
    assert obj["metadata"] == {"name": "a"}
    assert obj["spec"]["image"] == "busybox"
    assert [c["message"] for c in structure.problems(obj, None)] == [
        'Invalid value: "object": seven is taken'
    ]
    obj["spec"]["cronSpec"] = 1
    assert [c["field"] for c in structure.problems(obj, None)] == ["spec.cronSpec", "<nil>"]
