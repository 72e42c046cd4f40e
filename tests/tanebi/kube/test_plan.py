from __future__ import annotations

import pytest

from tanebi.api.core.kinds import CONFIG_MAP
from tanebi.kube.plan import Invalid, Note, Patch, Plan, Wait


def test_plans_are_values() -> None:
    note = Note("Normal", "Created", "made it")
    patch = Patch(CONFIG_MAP, "d", "a", {"data": {}})
    assert Plan(events=(note,), patches=(patch,)) == Plan(events=(note,), patches=(patch,))
    assert Plan() != Plan(prune=False)


def test_an_empty_plan_prunes_and_leaves_the_status_alone() -> None:
    plan = Plan()
    assert plan.prune
    assert plan.status is None
    assert plan.children == plan.patches == plan.events == plan.drops == ()
    assert plan.requeue_after_s is None


def test_reasons_not_to_plan() -> None:
    with pytest.raises(Wait, match="not yet") as caught:
        raise Wait("not yet", retry_after_s=2.0)
    assert caught.value.retry_after_s == 2.0
    assert not issubclass(Invalid, Wait)
