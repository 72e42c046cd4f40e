"""Who refers to what."""

from __future__ import annotations

from typing import Any

from eventing.api.kinds import BROKER, TRIGGER
from eventing.reconcile.references import addressable_kinds, reads, ref_of, resolvable
from tanebi.api.core.kinds import KINDS, SERVICE
from tanebi.api.kind import Kinds
from tanebi.api.meta import Destination, Key


def test_addressable_kinds() -> None:
    assert addressable_kinds(Kinds([*KINDS, BROKER, TRIGGER])) == (SERVICE, BROKER)


def test_only_watched_kinds_are_read(world: Any) -> None:
    service = {"metadata": {"namespace": "a", "name": "s"}}
    world.put(SERVICE, service)
    assert resolvable(world, [SERVICE])(SERVICE, "a", "s") == service
    assert resolvable(world, [])(SERVICE, "a", "s") is None


def test_a_change_concerns_those_who_refer_to_it(world: Any, make_trigger: Any) -> None:
    ref = {"apiVersion": "v1", "kind": "Service", "name": "s"}
    world.put(TRIGGER, make_trigger("one", subscriber={"ref": ref}))
    world.put(TRIGGER, make_trigger("far", subscriber={"ref": {**ref, "namespace": "x"}}))
    world.put(TRIGGER, make_trigger("uri"))
    found = reads(SERVICE, TRIGGER, lambda t: [ref_of(t.spec.subscriber), ref_of(None)])
    near = {"metadata": {"namespace": "shop", "name": "s"}}
    assert list(found.keys(near, world)) == [Key("shop", "one")]
    far = {"metadata": {"namespace": "x", "name": "s"}}
    assert list(found.keys(far, world)) == [Key("shop", "far")]
    assert ref_of(Destination(uri="http://x/")) is None
