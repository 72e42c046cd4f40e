from __future__ import annotations

from typing import Any, cast

import pytest

from importers.api.ping_defaults import defaults
from tanebi.api.kind import Admission

UNUSED = cast(Admission, None)


@pytest.mark.parametrize(
    ("spec", "want"),
    [
        ({}, {"schedule": "* * * * *"}),
        ({"schedule": "@daily"}, {"schedule": "@daily"}),
        (
            {"schedule": "@daily", "sink": {"ref": {"name": "b"}}},
            {"schedule": "@daily", "sink": {"ref": {"name": "b", "namespace": "ns"}}},
        ),
        (
            {"schedule": "@daily", "sink": {"ref": {"name": "b", "namespace": "other"}}},
            {"schedule": "@daily", "sink": {"ref": {"name": "b", "namespace": "other"}}},
        ),
    ],
)
def test_defaults(spec: dict[str, Any], want: dict[str, Any]) -> None:
    obj = {"metadata": {"name": "p", "namespace": "ns"}, "spec": spec}
    assert defaults(obj, None, UNUSED)["spec"] == want


def test_what_is_no_object_is_left_for_validation() -> None:
    assert defaults({"metadata": {}, "spec": 3}, None, UNUSED)["spec"] == 3
