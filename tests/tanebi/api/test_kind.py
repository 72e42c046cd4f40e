from datetime import UTC, datetime

import pytest

from tanebi.api.core.kinds import DEPLOYMENT, KINDS, POD
from tanebi.api.kind import Admission, Kind, Kinds, no_defaults, no_rules
from tanebi.api.meta import Resource

THING = Kind("x.io", "v1", "Thing", "things", Resource, short_names=("th",))


def test_names_are_derived() -> None:
    assert (THING.api_version, THING.resource, THING.singular, THING.list_kind) == (
        "x.io/v1",
        "things.x.io",
        "thing",
        "ThingList",
    )
    assert (POD.api_version, POD.resource) == ("v1", "pods")
    assert repr(THING) == "Kind(things.x.io/v1)"


def test_a_kind_is_found_by_each_of_its_names() -> None:
    kinds = Kinds((*KINDS, THING))
    assert kinds.at("apps", "v1", "deployments") is DEPLOYMENT
    assert kinds.at("apps", "v2", "deployments") is None
    assert kinds.of("apps/v1", "Deployment") is DEPLOYMENT
    for name in ("things", "thing", "Thing", "th", "things.x.io", "things.v1.x.io"):
        assert kinds.called(name) == [THING]
    assert kinds.called("nothing") == []
    assert THING in list(kinds)


def test_declaring_a_kind_twice_is_a_bug() -> None:
    with pytest.raises(AssertionError, match="declared twice"):
        Kinds((POD, POD))


def test_without_rules_everything_is_admitted_unchanged() -> None:
    class NoConfigs:
        def get(self, kind: object) -> object:
            raise AssertionError("not asked")

    admission = Admission("CREATE", "me", datetime(2026, 1, 1, tzinfo=UTC), NoConfigs())  # type: ignore[arg-type]
    obj = {"metadata": {"name": "a"}}
    assert no_defaults(obj, None, admission) is obj
    assert no_rules(THING.view(obj), None, admission) == []
