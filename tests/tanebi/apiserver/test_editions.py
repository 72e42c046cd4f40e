"""Stored objects as a version shows them."""

from __future__ import annotations

from typing import Final

from tanebi.apiserver.definitions.kinds import kinds_of
from tanebi.apiserver.definitions.rules import default_definition
from tanebi.apiserver.editions import private, shown, to_store
from tanebi.apiserver.history import Entry
from tests.tanebi.apiserver.calling import WIDGET, widget
from tests.tanebi.apiserver.definitions.crontabs import crontab, crontabs, version

DEFINITION: Final = default_definition(
    crontabs(versions=[version("v1"), version("v2", storage=False)]),
    None,
    None,  # type: ignore[arg-type]  # not looked at
)


def test_own_kinds_are_shown_as_they_are_stored() -> None:
    entry = Entry.of(widget("a"), 1)
    assert shown(WIDGET, entry) == (entry.obj, entry.body)
    assert to_store(WIDGET, entry.obj) is entry.obj


def test_a_version_shows_itself_and_is_worked_out_once() -> None:
    new, old = kinds_of(DEFINITION)
    assert (new.version, old.version) == ("v2", "v1")
    entry = Entry.of(crontab("a", unknown=1), 1)
    obj, body = shown(new, entry)
    assert obj["apiVersion"] == "stable.example.com/v2"
    assert obj["spec"] == {"cronSpec": "* * * * */5", "image": "busybox"}
    assert shown(new, entry)[1] is body
    assert private(new, entry) == obj
    assert private(new, entry) is not obj
    assert shown(old, entry)[0]["apiVersion"] == "stable.example.com/v1"
    assert to_store(new, obj)["apiVersion"] == "stable.example.com/v1"
    entry.retire()
    assert entry.shown is None
