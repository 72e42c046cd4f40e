"""Whether somebody may: rules by table, bindings by table, and what must hold for any of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanebi.api.meta import Obj
from tanebi.apiserver.rbac import Attributes, allows, forbidden, missing, rule_allows
from tanebi.apiserver.user import User

GET_POD = Attributes("get", "", "pods", namespace="ns", name="p")
LABEL = "rbac.example/aggregate"


@dataclass
class Roles:
    """A Policy."""

    roles: dict[tuple[str, str], Obj] = field(default_factory=dict)
    bound: list[tuple[str, Obj]] = field(default_factory=list)

    def role(self, namespace: str, name: str) -> Obj | None:
        return self.roles.get((namespace, name))

    def cluster_role(self, name: str) -> Obj | None:
        return self.roles.get(("", name))

    def cluster_roles(self) -> Iterable[Obj]:
        return [role for (namespace, _), role in self.roles.items() if not namespace]

    def bindings(self, namespace: str) -> Iterable[Obj]:
        return [binding for where, binding in self.bound if where == namespace]

    def cluster_bindings(self) -> Iterable[Obj]:
        return self.bindings("")

    def add(self, name: str, *rules: Obj, namespace: str = "", **more: Any) -> Roles:
        labels = more.pop("labels", {})
        meta = {"name": name, "labels": labels}
        self.roles[namespace, name] = {"metadata": meta, "rules": list(rules), **more}
        return self

    def bind(self, kind: str, name: str, namespace: str, *subjects: Obj) -> Roles:
        ref = {"kind": kind, "name": name}
        self.bound.append((namespace, {"roleRef": ref, "subjects": list(subjects)}))
        return self


def rule(
    verbs: str = "*", groups: str = "*", resources: str = "*", names: str = "", urls: str = ""
) -> Obj:
    def listed(text: str) -> list[str]:
        return [part.replace("core", "") for part in text.split()]

    if urls:
        return {"verbs": listed(verbs), "nonResourceURLs": listed(urls)}
    found = {"verbs": listed(verbs), "apiGroups": listed(groups), "resources": listed(resources)}
    return found | ({"resourceNames": listed(names)} if names else {})


@pytest.mark.parametrize(
    ("given_rule", "wanted", "expected"),
    [
        (rule(), GET_POD, True),
        (rule("get", "core", "pods"), GET_POD, True),
        (rule("list watch", "core", "pods"), GET_POD, False),
        (rule("get", "apps", "pods"), GET_POD, False),
        (rule("get", "core", "services"), GET_POD, False),
        (rule("get", "core", "pods", "p q"), GET_POD, True),
        (rule("get", "core", "pods", "q"), GET_POD, False),
        (rule("get", "core", "pods", "p"), replace(GET_POD, name=""), False),
        (rule("get", "core", "pods"), replace(GET_POD, subresource="log"), False),
        (rule("get", "core", "pods/log"), replace(GET_POD, subresource="log"), True),
        (rule("get", "core", "*/log"), replace(GET_POD, subresource="log"), True),
        (rule("get", "core", "*"), replace(GET_POD, subresource="log"), True),
        (rule("get", urls="/metrics"), Attributes("get", path="/metrics"), True),
        (rule("get", urls="/apis/*"), Attributes("get", path="/apis/x/v1"), True),
        (rule("get", urls="/apis/*"), Attributes("get", path="/api"), False),
        (rule("*", urls="*"), Attributes("post", path="/x"), True),
        (rule(), Attributes("get", path="/metrics"), False),
        (rule("*", urls="*"), GET_POD, False),
        ({}, GET_POD, False),
    ],
)
def test_rules(given_rule: Obj, wanted: Attributes, expected: bool) -> None:
    assert rule_allows(given_rule, wanted) is expected


SUBJECTS = [
    ({"kind": "User", "name": "jane"}, User("jane"), True),
    ({"kind": "User", "name": "jane"}, User("joan"), False),
    ({"kind": "Group", "name": "devs"}, User("joan", ("devs",)), True),
    ({"kind": "Group", "name": "devs"}, User("devs"), False),
    (
        {"kind": "ServiceAccount", "name": "a", "namespace": "x"},
        User("system:serviceaccount:x:a"),
        True,
    ),
    (
        {"kind": "ServiceAccount", "name": "a", "namespace": "x"},
        User("system:serviceaccount:ns:a"),
        False,
    ),
    ({"kind": "Robot", "name": "jane"}, User("jane"), False),
]


@pytest.mark.parametrize(("subject", "user", "expected"), SUBJECTS)
def test_subjects(subject: Obj, user: User, expected: bool) -> None:
    policy = Roles().add("r", rule(), namespace="ns").bind("Role", "r", "ns", subject)
    assert allows(user, GET_POD, policy) is expected


def test_where_a_binding_holds() -> None:
    jane, subject = User("jane"), {"kind": "User", "name": "jane"}
    policy = Roles().add("r", rule()).bind("ClusterRole", "r", "ns", subject)
    assert allows(jane, GET_POD, policy)
    assert not allows(jane, replace(GET_POD, namespace="other"), policy)
    assert not allows(jane, replace(GET_POD, namespace=""), policy)
    everywhere = Roles().add("r", rule()).bind("ClusterRole", "r", "", subject)
    assert allows(jane, replace(GET_POD, namespace=""), everywhere)
    missing = Roles().bind("ClusterRole", "r", "", subject).bind("Role", "r", "", subject)
    assert not allows(jane, GET_POD, missing)


def test_aggregated_roles_have_the_rules_of_others_each_once() -> None:
    def selector(value: str) -> Obj:
        return {"clusterRoleSelectors": [{"matchLabels": {LABEL: value}}]}

    policy = (
        Roles()
        .add("admin", aggregationRule=selector("admin"))
        .add("edit", aggregationRule=selector("edit"), labels={LABEL: "admin"})
        .add("pods", rule("get", "core", "pods"), labels={LABEL: "edit"})
        .add("loop", aggregationRule=selector("admin"), labels={LABEL: "edit"})
        .bind("ClusterRole", "admin", "", {"kind": "User", "name": "jane"})
    )
    assert allows(User("jane"), GET_POD, policy)
    assert not allows(User("jane"), replace(GET_POD, verb="delete"), policy)


def test_masters_may_do_anything() -> None:
    assert allows(User("root", ("system:masters",)), GET_POD, Roles())


@pytest.mark.parametrize(
    ("needed", "owned", "expected"),
    [
        (rule("get", "core", "pods"), rule("get list", "core", "pods services"), True),
        (rule("get delete", "core", "pods"), rule("get", "core", "pods"), False),
        (rule(), rule(), True),
        (rule(), rule("get list create", "*", "*"), False),
        (rule("get", "core", "pods", "a"), rule("get", "core", "pods"), True),
        (rule("get", "core", "pods"), rule("get", "core", "pods", "a"), False),
        (rule("get", urls="/a/*"), rule("get", urls="/*"), True),
        (rule("get", urls="/*"), rule("get", urls="/a/*"), False),
    ],
)
def test_what_is_given_away_must_be_owned(needed: Obj, owned: Obj, expected: bool) -> None:
    assert (not missing([needed], [owned])) is expected


WORDS = st.lists(st.sampled_from(["a", "b", "*"]), max_size=3)
RULES = st.builds(
    lambda v, g, r, n: {"verbs": v, "apiGroups": g, "resources": r, "resourceNames": n},
    WORDS,
    WORDS,
    WORDS,
    st.lists(st.sampled_from(["a", "b"]), max_size=2),
)
WANTED = st.builds(
    Attributes,
    st.sampled_from(["a", "b"]),
    st.sampled_from(["a", "b"]),
    st.sampled_from(["a", "b"]),
    name=st.sampled_from(["", "a", "b"]),
)


@given(st.lists(RULES, max_size=3), st.lists(RULES, max_size=3), WANTED)
def test_what_is_covered_allows_nothing_new(
    needed: list[Obj], owned: list[Obj], wanted: Attributes
) -> None:
    if not missing(needed, owned) and any(rule_allows(one, wanted) for one in needed):
        assert any(rule_allows(one, wanted) for one in owned)


@given(st.lists(RULES, max_size=4), RULES, WANTED)
def test_more_rules_never_allow_less(rules: list[Obj], more: Obj, wanted: Attributes) -> None:
    def answer(given_rules: list[Obj]) -> bool:
        subject = {"kind": "User", "name": "u"}
        policy = Roles().add("r", *given_rules).bind("ClusterRole", "r", "", subject)
        return allows(User("u"), wanted, policy)

    assert answer([*rules, more]) >= answer(rules)


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        (
            Attributes("get", "", "services", namespace="z", name="x"),
            'services "x" is forbidden: User "y" cannot get resource "services" in API group "" in the namespace "z"',
        ),
        (
            Attributes("create", "", "pods", "exec", "z", "x"),
            'pods "x" is forbidden: User "y" cannot create resource "pods/exec" in API group "" in the namespace "z"',
        ),
        (
            Attributes("list", "apps", "deployments"),
            'deployments.apps is forbidden: User "y" cannot list resource "deployments" in API group "apps" '
            "at the cluster scope",
        ),
        (Attributes("get", path="/m"), 'forbidden: User "y" cannot get path "/m"'),
    ],
)
def test_kubernetes_words(wanted: Attributes, text: str) -> None:
    assert forbidden(User("y"), wanted) == text


def test_what_is_missing_is_named_as_kubernetes_prints_rules() -> None:
    needed = [
        {"apiGroups": [""], "resources": ["secrets", "pods/log"], "verbs": ["list", "get"]},
        {"nonResourceURLs": ["/metrics"], "verbs": ["get"]},
    ]
    owned = [{"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]}]
    assert missing(needed, owned) == [
        '{APIGroups:[""], Resources:["pods/log"], Verbs:["list"]}',
        '{APIGroups:[""], Resources:["secrets"], Verbs:["get" "list"]}',
        '{NonResourceURLs:["/metrics"], Verbs:["get"]}',
    ]
