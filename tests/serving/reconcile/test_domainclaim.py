"""A claim that a mapping made for itself goes with it; no other does."""

from __future__ import annotations

from typing import Any

import pytest

from serving.api import DOMAIN_CLAIM, DOMAIN_MAPPING
from serving.reconcile.domainclaim import DomainClaimReconciler, make_claim
from tanebi.testing.planning import FixedConfigs, PlanningWorld

MAPPING = {"metadata": {"name": "a.b", "namespace": "n", "uid": "u"}}


@pytest.mark.parametrize(
    ("auto", "made_here", "mapped", "stays"),
    [
        ("true", True, False, False),
        ("true", True, True, True),
        ("true", False, False, True),
        ("false", True, False, True),
    ],
)
def test_when_it_goes(auto: str, made_here: bool, mapped: bool, stays: bool) -> None:
    network = {"config-network": {"autocreate-cluster-domain-claims": auto}}
    world = PlanningWorld(configs=FixedConfigs(network))
    claim: Any = make_claim(DOMAIN_MAPPING.view(MAPPING))
    assert claim["spec"] == {"namespace": "n"}
    if not made_here:
        claim["metadata"]["annotations"] = {}
    world.put(DOMAIN_CLAIM, claim)
    if mapped:
        world.put(DOMAIN_MAPPING, MAPPING)
    world.settle((DomainClaimReconciler(),))
    assert (world.raw(DOMAIN_CLAIM, "", "a.b") is not None) == stays


def test_a_mapping_wakes_the_claim_of_its_name() -> None:
    (reads,) = DomainClaimReconciler().reads
    assert [key.name for key in reads.keys(MAPPING, PlanningWorld())] == ["a.b"]
