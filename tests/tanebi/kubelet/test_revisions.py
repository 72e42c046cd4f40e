"""The templates that a set has had."""

from __future__ import annotations

from tanebi.api.core.kinds_workload import CONTROLLER_REVISION, DAEMON_SET
from tanebi.api.meta import Obj
from tanebi.kubelet.revisions import forgotten, history_of, short
from tanebi.testing.planning import PlanningWorld
from tests.tanebi.kubelet.settling import TEMPLATE

OTHER: Obj = {**TEMPLATE, "spec": {"containers": []}}


def test_templates_come_and_come_back() -> None:
    world = PlanningWorld()
    world.put(DAEMON_SET, {"metadata": {"name": "d", "namespace": "ns"}})
    owner = world.get(DAEMON_SET, "ns", "d")
    assert owner is not None
    for template, revision in ((TEMPLATE, 1), (OTHER, 2)):
        history = history_of(owner, template, world)
        (made,) = history.create
        assert made["revision"] == revision
        assert made["metadata"]["labels"]["controller-revision-hash"] == short(history.current)
        world.put(CONTROLLER_REVISION, made)
        assert history_of(owner, template, world).template(history.current) == template
    back = history_of(owner, TEMPLATE, world)
    assert back.create == ()
    assert back.patches[0].body == {"revision": 3}
    assert back.template("nobody") is None
    assert [d.name for d in forgotten(back, 0, {back.current})] == [
        history_of(owner, OTHER, world).current
    ]
    assert forgotten(back, None, set()) == []


def test_a_template_is_known_by_what_it_says_and_not_by_its_name() -> None:
    world = PlanningWorld()
    world.put(DAEMON_SET, {"metadata": {"name": "d", "namespace": "ns"}})
    owner = world.get(DAEMON_SET, "ns", "d")
    assert owner is not None
    (made,) = history_of(owner, TEMPLATE, world).create
    world.put(CONTROLLER_REVISION, {**made, "metadata": {**made["metadata"], "name": "d-other"}})
    history = history_of(owner, TEMPLATE, world)
    assert (history.current, history.create) == ("d-other", ())
