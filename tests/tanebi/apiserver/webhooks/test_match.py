"""Which webhooks concern a write."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tanebi.api.core.kinds import NAMESPACE, POD
from tanebi.api.meta import Key, Obj
from tanebi.apiserver.cel import CannotEvaluate
from tanebi.apiserver.user import ADMIN
from tanebi.apiserver.webhooks.match import Attempt, conditions_hold, matched_as, selected
from tests.tanebi.apiserver.calling import WIDGET

CREATE = Attempt(WIDGET, "CREATE", Key("default", "a"), ADMIN)
RULE: Obj = {
    "operations": ["CREATE"],
    "apiGroups": ["tanebi.dev"],
    "apiVersions": ["v1"],
    "resources": ["widgets"],
}


@pytest.mark.parametrize(
    ("rule", "attempt", "found"),
    [
        ({}, {}, True),
        ({"operations": ["*"]}, {"operation": "DELETE"}, True),
        ({}, {"operation": "UPDATE"}, False),
        ({"apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*"]}, {}, True),
        ({"apiGroups": ["apps"]}, {}, False),
        ({"apiVersions": ["v2"]}, {}, False),
        ({"scope": "Namespaced"}, {}, True),
        ({"scope": "Cluster"}, {}, False),
        ({}, {"subresource": "status"}, False),
        ({"resources": ["*"]}, {"subresource": "status"}, False),
        ({"resources": ["*/*"]}, {"subresource": "status"}, True),
        ({"resources": ["*/*"]}, {}, True),
        ({"resources": ["widgets/*"]}, {"subresource": "status"}, True),
        ({"resources": ["widgets/status"]}, {"subresource": "status"}, True),
        ({"resources": ["*/status"]}, {"subresource": "status"}, True),
        ({"resources": ["widgets/status"]}, {}, False),
    ],
)
def test_rules(rule: Obj, attempt: dict[str, Any], found: bool) -> None:
    hook = {"rules": [{**RULE, **rule}]}
    assert (matched_as(hook, replace(CREATE, **attempt), [WIDGET]) is WIDGET) is found


def test_a_rule_for_one_version_is_for_all_unless_exact() -> None:
    newer = replace(WIDGET, version="v2")
    attempt = replace(CREATE, kind=newer)
    hook: Obj = {"rules": [RULE]}
    assert matched_as(hook, attempt, [newer, WIDGET]) is WIDGET
    assert matched_as({**hook, "matchPolicy": "Exact"}, attempt, [newer, WIDGET]) is None


def labelled(**labels: str) -> Obj:
    return {"metadata": {"labels": labels}}


def test_selectors() -> None:
    chosen = {"matchLabels": {"a": "b"}}
    for hook in ({"namespaceSelector": chosen}, {"objectSelector": chosen}):
        about = "namespaceSelector" in hook
        yes, no = labelled(a="b"), labelled()
        assert selected(hook, CREATE, no if about else yes, yes if about else no)
        assert not selected(hook, CREATE, yes if about else no, no if about else yes)
    leaving = replace(CREATE, operation="UPDATE", old=labelled(a="b"))
    assert selected({"objectSelector": chosen}, leaving, labelled(), None)
    space = Attempt(NAMESPACE, "CREATE", Key("", "n"), ADMIN)
    assert selected({"namespaceSelector": chosen}, space, labelled(a="b"), None)
    assert not selected({"namespaceSelector": chosen}, space, labelled(), None)
    assert selected({}, replace(CREATE, kind=POD), labelled(), None)


def test_conditions() -> None:
    def hook(*sources: str) -> Obj:
        return {"matchConditions": [{"name": "n", "expression": one} for one in sources]}

    given: Obj = {"object": {"a": 1}, "oldObject": None, "request": {"operation": "CREATE"}}
    assert conditions_hold(hook("object.a == 1", "request.operation == 'CREATE'"), given)
    assert not conditions_hold(hook("object.a == 1", "has(object.b)"), given)
    assert not conditions_hold(hook("object.b == 1", "object.a == 2"), given)
    with pytest.raises(CannotEvaluate, match="no such key: b"):
        conditions_hold(hook("object.b == 1", "object.a == 1"), given)
