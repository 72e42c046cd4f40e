from __future__ import annotations

import pytest

from autoscaler.api import POD_AUTOSCALER


@pytest.mark.parametrize(
    ("conditions", "phase"),
    [
        ([], "activating"),
        ([{"type": "Active", "status": "Unknown"}], "activating"),
        ([{"type": "Active", "status": "True"}], "active"),
        ([{"type": "Active", "status": "False"}], "inactive"),
    ],
)
def test_phase(conditions: list[dict[str, str]], phase: str) -> None:
    assert POD_AUTOSCALER.view({"status": {"conditions": conditions}}).status.phase == phase


def test_what_is_absent() -> None:
    empty = POD_AUTOSCALER.view({})
    assert (empty.spec.concurrency_limit, empty.spec.reachable) == (0, True)
    assert (empty.status.desired_scale, empty.status.initialized) == (None, False)
    assert not POD_AUTOSCALER.view({"spec": {"reachability": "Unreachable"}}).spec.reachable
