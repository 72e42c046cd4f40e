"""Kinds out of definitions."""

from __future__ import annotations

from tanebi.apiserver.definitions.kinds import Acceptance, Names, accept, kinds_of, priority
from tanebi.apiserver.definitions.rules import default_definition
from tests.tanebi.apiserver.definitions.crontabs import crontabs, version


def test_versions_in_kubernetes_order() -> None:
    names = ["foo10", "v1alpha1", "v11beta2", "v2", "v1", "v3beta1", "foo1", "v10", "v12alpha1"]
    ordered = sorted(({"name": name} for name in names), key=priority)
    assert [one["name"] for one in ordered] == [
        "v10",
        "v2",
        "v1",
        "v11beta2",
        "v3beta1",
        "v12alpha1",
        "v1alpha1",
        "foo1",
        "foo10",
    ]


def test_a_kind_says_what_its_definition_said() -> None:
    definition = crontabs(
        versions=[version("v1"), version("v1beta1", storage=False, deprecated=True)]
    )
    definition = default_definition(definition, None, None)  # type: ignore[arg-type]  # not looked at
    new, old = kinds_of(definition)
    assert (new.resource, new.version, new.stored_as) == (
        "crontabs.stable.example.com",
        "v1",
        "stable.example.com/v1",
    )
    assert old.stored_as == new.stored_as
    assert (new.singular, new.list_kind, new.status) == ("crontab", "CronTabList", True)
    assert new.scale is not None
    assert new.scale.selector == ""
    assert new.fields == ("spec.image",)
    assert old.deprecation == "stable.example.com/v1beta1 CronTab is deprecated"
    assert new.deprecation == ""


def test_names_clash_within_a_group() -> None:
    taken = [Names("crontabs", "crontab", "CronTab", "CronTabList", ("ct",))]

    def reason(*names: str, short: tuple[str, ...] = ()) -> Acceptance:
        return accept(Names(names[0], names[1], names[2], names[3], short), taken)

    assert reason("a", "b", "C", "CList") == Acceptance()
    assert reason("ct", "b", "C", "CList").reason == "PluralConflict"
    assert reason("a", "crontab", "C", "CList").reason == "SingularConflict"
    assert reason("a", "b", "CronTab", "CList").reason == "KindConflict"
    assert reason("a", "b", "C", "CronTabList").reason == "ListKindConflict"
    assert reason("a", "b", "C", "CList", short=("ct",)) == Acceptance(
        "ShortNamesConflict", '"ct" is already in use'
    )
