"""The view of a Revision."""

from __future__ import annotations

from typing import Any

import pytest

from serving.api import REVISION

A, B = {"name": "a"}, {"name": "b", "ports": [{"containerPort": 1}]}


@pytest.mark.parametrize(
    ("containers", "name"), [([], None), ([A], "a"), ([A, B], "b"), ([A, A], None)]
)
def test_the_container_that_serves(containers: Any, name: Any) -> None:
    serving = REVISION.view({"spec": {"containers": containers}}).spec.serving_container
    assert (serving.name if serving else None) == name


def test_our_fields_beside_the_pods() -> None:
    spec = REVISION.view(
        {"spec": {"containerConcurrency": 1, "timeoutSeconds": 2, "hostIPC": True}}
    ).spec
    assert (spec.container_concurrency, spec.timeout_seconds, spec.host_ipc) == (1, 2, True)
