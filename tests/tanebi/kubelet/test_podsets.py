"""Names and hashes; the rest is shown by the reconcilers that use it."""

from __future__ import annotations

from tanebi.api.core.kinds import DEPLOYMENT, POD
from tanebi.api.core.kinds_workload import REPLICA_SET
from tanebi.api.meta import Obj
from tanebi.base.rng import NAME_ALPHABET
from tanebi.kubelet.podsets import LETTERS, foreign_to, hash_of, make_pod, new_names
from tanebi.testing.planning import PlanningWorld

OWNER: Obj = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "ns", "uid": "u", "generation": 1},
}
TEMPLATE: Obj = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": []}}


def test_names_are_the_same_for_the_same_question() -> None:
    owner = DEPLOYMENT.view(OWNER)
    first = new_names(owner, "web-abc", 3, set())
    assert new_names(owner, "web-abc", 3, set()) == first
    assert len(set(first)) == 3
    assert all(name.startswith("web-abc-") and len(name) == 13 for name in first)
    assert new_names(owner, "web-abc", 1, {first[0]}) == [first[1]]
    later = DEPLOYMENT.view({**OWNER, "metadata": {**OWNER["metadata"], "generation": 2}})
    assert not set(new_names(later, "web-abc", 3, set())) & set(first), "another scaling"
    assert all(len(name) <= 63 for name in new_names(owner, "x" * 80, 2, set()))


def test_the_letters_are_those_of_generated_names() -> None:
    assert LETTERS == NAME_ALPHABET


def test_the_hash_follows_the_template() -> None:
    assert hash_of(TEMPLATE) == hash_of(dict(reversed(TEMPLATE.items())))
    assert len(hash_of(TEMPLATE)) == 10
    assert hash_of(TEMPLATE) != hash_of({**TEMPLATE, "spec": {}})


def test_a_pod_of_a_template() -> None:
    made = make_pod(
        DEPLOYMENT.view(OWNER),
        TEMPLATE,
        "p",
        node="here",
        labels={"a": "b"},
        spec={"hostname": "h"},
    )
    assert made["metadata"]["labels"] == {"app": "web", "a": "b"}
    assert made["spec"] == {"nodeName": "here", "containers": [], "hostname": "h"}
    assert "nodeName" not in make_pod(DEPLOYMENT.view(OWNER), TEMPLATE, "p", node="")["spec"]


def test_a_name_that_is_anothers_is_passed_over() -> None:
    owner = REPLICA_SET.view(
        {"metadata": {"name": "rs", "namespace": "ns", "uid": "u", "generation": 1}}
    )
    world = PlanningWorld()
    first, second = new_names(owner, "rs", 2, set())
    world.put(POD, {"metadata": {"name": first, "namespace": "ns"}, "spec": {}})
    assert new_names(owner, "rs", 1, set(), foreign_to(owner, world)) == [second]
