from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tanebi.api.core.kinds import CONFIG_MAP
from tanebi.api.meta import Obj
from tanebi.apiserver.patch.managers import (
    ANCIENT,
    UPDATERS_MAX,
    Writer,
    read,
    track_update,
    write,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def cm(**data: str) -> Obj:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "x", "namespace": "d"},
        "data": data,
    }


def update(old: Obj | None, new: Obj, manager: str, *, after_s: int = 0, **more: Any) -> Obj:
    now = NOW + timedelta(seconds=after_s)
    return track_update(old, new, kind=CONFIG_MAP, manager=manager, now=now, **more)


def owned(obj: Obj) -> dict[str, Any]:
    return {e["manager"]: e["fieldsV1"] for e in obj["metadata"].get("managedFields", ())}


def test_a_creator_owns_what_it_wrote() -> None:
    made = update(None, cm(a="1"), "m")
    assert made["metadata"]["managedFields"] == [
        {
            "manager": "m",
            "operation": "Update",
            "apiVersion": "v1",
            "time": "2026-01-01T00:00:00Z",
            "fieldsType": "FieldsV1",
            "fieldsV1": {"f:data": {".": {}, "f:a": {}}},
        }
    ]


def test_a_changed_field_changes_hands_and_others_stay() -> None:
    made = update(None, cm(a="1", b="2"), "m")
    changed = update(made, cm(a="9", b="2", c="3"), "n", after_s=5)
    assert owned(changed) == {
        "m": {"f:data": {".": {}, "f:b": {}}},
        "n": {"f:data": {"f:a": {}, "f:c": {}}},
    }


def test_a_removed_field_is_nobodys() -> None:
    made = update(None, cm(a="1", b="2"), "m")
    assert owned(update(made, cm(a="1"), "n")) == {"m": {"f:data": {".": {}, "f:a": {}}}}


def test_who_owns_nothing_any_more_is_not_listed() -> None:
    made = update(update(None, cm(a="1"), "m"), cm(a="1", b="1"), "n")
    assert owned(update(made, cm(a="1", b="2"), "o")) == {
        "m": {"f:data": {".": {}, "f:a": {}}},
        "o": {"f:data": {"f:b": {}}},
    }


def test_an_object_that_nobody_owns_is_not_kept_account_of() -> None:
    assert owned(update(cm(a="1"), cm(a="2"), "n")) == {}


def test_a_write_that_changes_nothing_leaves_the_time() -> None:
    made = update(None, cm(a="1"), "m")
    assert update(made, cm(a="1"), "m", after_s=60) == made
    assert update(made, cm(a="1"), "n", after_s=60) == made


def test_a_changed_value_without_a_changed_owner_leaves_the_time() -> None:
    made = update(None, cm(a="1"), "m")
    again = update(made, cm(a="2"), "m", after_s=60)
    assert again["metadata"]["managedFields"] == made["metadata"]["managedFields"]


def test_what_a_client_says_of_managers_is_ignored_but_it_may_clear_them() -> None:
    made = update(None, cm(a="1"), "m")
    forged = cm(a="1")
    forged["metadata"]["managedFields"] = [{"manager": "evil"}]
    assert update(made, forged, "n") == made
    cleared = cm(a="1")
    cleared["metadata"]["managedFields"] = []
    assert "managedFields" not in update(made, cleared, "n")["metadata"]


def test_a_subresource_is_a_writer_of_its_own() -> None:
    made = update(None, cm(a="1"), "m")
    both = update(made, cm(a="1", b="2"), "m", subresource="status")
    entries = both["metadata"]["managedFields"]
    assert [e.get("subresource") for e in entries] == [None, "status"]


def test_old_updaters_are_folded_into_one() -> None:
    obj = update(None, cm(), "m0")
    data: dict[str, str] = {}
    for index in range(UPDATERS_MAX + 5):
        data[f"k{index}"] = "v"
        obj = update(obj, cm(**data), f"m{index}", after_s=index)
    managers = owned(obj)
    assert len(managers) == UPDATERS_MAX
    assert ANCIENT in managers
    everything = set().union(*(fields["f:data"] for fields in managers.values()))
    assert everything - {"."} == {f"f:k{index}" for index in range(UPDATERS_MAX + 5)}


def test_entries_round_trip() -> None:
    made = update(update(None, cm(a="1"), "m"), cm(a="1", b="2"), "n", subresource="status")
    assert write(made, read(made)) == made
    assert read(None) == {}
    assert read({"metadata": {"managedFields": [{"manager": "x"}, {"fieldsV1": 3}]}}) == {}


def test_writers_read_as_conflicts_name_them() -> None:
    assert str(Writer("Apply", "m", "v1")) == '"m"'
    assert str(Writer("Apply", "m", "v1", "status")) == '"m" with subresource "status"'
