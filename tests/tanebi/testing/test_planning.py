"""The world that carries out plans."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest

from tanebi.api.core.kinds import CONFIG_MAP, DEPLOYMENT
from tanebi.api.kind import AnyKind, Configs
from tanebi.api.meta import owner_reference
from tanebi.kube.plan import Patch, Plan, Reads, Seen
from tanebi.testing.planning import PlanningWorld

META = {"name": "a", "namespace": "n"}


@dataclass
class Maker:
    """One deployment for each ConfigMap that says so."""

    kind: Any = CONFIG_MAP
    owns: tuple[AnyKind, ...] = (DEPLOYMENT,)
    reads: tuple[Reads, ...] = ()

    def desired(self, resource: Any, seen: Seen, configs: Configs, now: datetime) -> Plan:
        if not resource.data:
            return Plan()
        meta = {**META, "labels": resource.data, "ownerReferences": [owner_reference(resource)]}
        child = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": {}}
        label = {"metadata": {"labels": {"made": "yes"}}}
        return Plan(children=(child,), patches=(Patch(CONFIG_MAP, "n", "a", label),))


def test_children_patches_and_pruning() -> None:
    world = PlanningWorld()
    world.put(CONFIG_MAP, {"metadata": META, "data": {"x": "1"}})
    world.settle([Maker()])
    child = world.raw(DEPLOYMENT, "n", "a")
    assert child is not None
    assert child["metadata"]["labels"] == {"x": "1"}
    assert world.raw(CONFIG_MAP, "n", "a")["metadata"]["labels"] == {"made": "yes"}  # type: ignore[index]
    world.put(CONFIG_MAP, {"metadata": META, "data": {}})
    world.settle([Maker()])
    assert world.raw(DEPLOYMENT, "n", "a") is None


def test_generations_follow_the_spec_only() -> None:
    world = PlanningWorld()
    first = world.put(DEPLOYMENT, {"metadata": dict(META), "spec": {"replicas": 1}})
    again = world.put(DEPLOYMENT, {"metadata": dict(META), "spec": {"replicas": 1}})
    changed = world.put(DEPLOYMENT, {"metadata": dict(META), "spec": {"replicas": 2}})
    generations = [obj["metadata"]["generation"] for obj in (first, again, changed)]
    assert generations == [1, 1, 2]
    assert len({obj["metadata"]["uid"] for obj in (first, again, changed)}) == 1


def test_a_world_that_never_rests_is_told() -> None:
    class Restless(Maker):
        def desired(self, resource: Any, seen: Seen, configs: Configs, now: datetime) -> Plan:
            return Plan(status={"now": now.isoformat()})

    world = PlanningWorld()
    world.put(CONFIG_MAP, {"metadata": META})
    with pytest.raises(AssertionError, match="still writing"):
        world.settle([Restless()])
