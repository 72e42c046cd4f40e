"""Containers that are listed and not run."""

from __future__ import annotations

from typing import Any

import pytest

from tanebi.api.core.kinds import POD
from tanebi.kubelet.shown import SHOWN_ONLY, shown_names, split, with_shown


def pod(*names: str, shown: str = "") -> Any:
    meta: Any = {"name": "p", "namespace": "n", "annotations": {SHOWN_ONLY: shown} if shown else {}}
    containers = [{"name": name, "image": f"i-{name}"} for name in names]
    return POD.view({"metadata": meta, "spec": {"containers": containers}})


@pytest.mark.parametrize(
    ("names", "annotation", "runs", "shown"),
    [
        (("a", "q"), "", ["a", "q"], []),
        (("a", "q"), "q", ["a"], ["q"]),
        (("a", "q", "r"), "q,r", ["a"], ["q", "r"]),
        (("a",), "other", ["a"], []),
        (("q",), "q", ["q"], []),
    ],
)
def test_split(names: Any, annotation: str, runs: Any, shown: Any) -> None:
    run, only = split(pod(*names, shown=annotation))
    assert [c.name for c in run.spec.containers] == runs
    assert [c.name for c in only] == shown
    if shown:
        assert shown_names(run) == shown


def test_a_shown_container_goes_with_the_rest() -> None:
    _, shown = split(pod("a", "q", shown="q"))
    waiting = {"name": "a", "state": {"waiting": {"reason": "X"}}, "ready": False}
    found = with_shown({"containerStatuses": [waiting]}, shown)["containerStatuses"]
    assert [c["name"] for c in found] == ["a", "q"]
    assert (found[1]["ready"], found[1]["started"]) == (False, False)
    assert found[1]["state"] == {"waiting": {"reason": "ContainerCreating"}}
    running = {"name": "a", "state": {"running": {"startedAt": "t"}}, "ready": True}
    (_, entry) = with_shown({"containerStatuses": [running]}, shown)["containerStatuses"]
    assert entry["state"] == {"running": {"startedAt": "t"}}
    assert (entry["ready"], entry["image"], entry["restartCount"]) == (True, "i-q", 0)


def test_without_any_nothing_changes() -> None:
    status = {"containerStatuses": [{"name": "a"}]}
    assert with_shown(status, ()) is status
