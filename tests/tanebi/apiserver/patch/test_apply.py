from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanebi.api.core.kinds import CONFIG_MAP, DEPLOYMENT, POD
from tanebi.api.kind import AnyKind
from tanebi.api.meta import Obj
from tanebi.apiserver.patch import ApplyConflict, BadPatch, apply_patch, track_update
from tanebi.apiserver.patch.apply import LAST_APPLIED
from tanebi.apiserver.patch.fieldset import flatten
from tanebi.apiserver.patch.managers import BEFORE_FIRST_APPLY
from tanebi.apiserver.patch.schema import BUILTIN

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def run(
    live: Obj | None,
    config: Any,
    manager: str = "m",
    *,
    kind: AnyKind = POD,
    force: bool = False,
    after_s: int = 0,
    subresource: str = "",
) -> Obj:
    return apply_patch(
        kind,
        live,
        "apply",
        config,
        manager=manager,
        force=force,
        now=NOW + timedelta(seconds=after_s),
        subresource=subresource,
    )


def pod(*containers: Obj, **more: Any) -> Obj:
    meta = {"name": "x", "namespace": "d", **more.pop("metadata", {})}
    spec = {**({"containers": list(containers)} if containers else {}), **more}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}


def cm(**data: str) -> Obj:
    meta = {"name": "x", "namespace": "d"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}


def owned(obj: Obj) -> dict[str, Any]:
    return {e["manager"]: e["fieldsV1"] for e in obj["metadata"].get("managedFields", ())}


def bare(obj: Obj) -> Obj:
    meta = {k: v for k, v in obj["metadata"].items() if k != "managedFields"}
    return {**obj, "metadata": meta}


C = {"name": "c", "image": "i:1"}


def test_the_last_annotation_that_was_applied_takes_none_of_admissions_with_it() -> None:
    """`creator` is written by admission and owned by nobody."""
    live = run(None, pod(C, metadata={"annotations": {"a": "1"}, "labels": {"l": "1"}}))
    live["metadata"]["annotations"]["serving.knative.dev/creator"] = "somebody"
    after = run(live, pod(C))
    assert after["metadata"]["annotations"] == {"serving.knative.dev/creator": "somebody"}
    assert "labels" not in after["metadata"]


def test_it_creates() -> None:
    made = run(None, pod(C))
    assert bare(made) == pod(C)
    entry = made["metadata"]["managedFields"][0]
    assert (entry["manager"], entry["operation"], entry["time"]) == (
        "m",
        "Apply",
        "2026-01-01T00:00:00Z",
    )


def test_applying_again_changes_nothing_not_even_the_time() -> None:
    made = run(None, pod(C))
    assert run(made, pod(C), after_s=60) == made


def test_what_the_server_filled_in_stays_and_is_nobodys() -> None:
    made = run(None, pod(C))
    made["spec"]["containers"][0]["imagePullPolicy"] = "Always"
    again = run(made, pod({**C, "image": "i:2"}))
    assert again["spec"]["containers"] == [
        {"name": "c", "image": "i:2", "imagePullPolicy": "Always"}
    ]


def test_what_is_named_no_longer_goes() -> None:
    made = run(None, pod(C, {"name": "d", "image": "j"}, metadata={"labels": {"a": "1", "b": "2"}}))
    again = run(made, pod(C, metadata={"labels": {"a": "1"}}))
    assert bare(again) == pod(C, metadata={"labels": {"a": "1"}})


def test_the_last_member_of_a_map_takes_the_map_with_it() -> None:
    made = run(None, pod(C, metadata={"labels": {"a": "1"}}))
    assert bare(run(made, pod(C))) == pod(C)


def test_a_struct_goes_with_what_was_defaulted_inside() -> None:
    probe = {"httpGet": {"path": "/", "port": 80}}
    made = run(None, pod({**C, "livenessProbe": probe}))
    made["spec"]["containers"][0]["livenessProbe"]["timeoutSeconds"] = 1
    assert bare(run(made, pod(C))) == pod(C)


def test_an_item_goes_with_what_was_defaulted_inside() -> None:
    made = run(None, pod(C, {"name": "d", "image": "j"}))
    made["spec"]["containers"][1]["imagePullPolicy"] = "Always"
    assert bare(run(made, pod(C))) == pod(C)


def test_what_another_owns_too_stays() -> None:
    made = run(run(None, cm(a="1", b="2"), "m", kind=CONFIG_MAP), cm(a="1"), "n", kind=CONFIG_MAP)
    assert owned(made)["n"] == {"f:data": {"f:a": {}}}
    without = run(made, cm(b="2"), "m", kind=CONFIG_MAP)
    assert without["data"] == {"a": "1", "b": "2"}
    assert owned(without) == {"m": {"f:data": {"f:b": {}}}, "n": {"f:data": {"f:a": {}}}}


def test_an_item_that_another_adds_to_keeps_its_key() -> None:
    made = run(run(None, pod(C), "m"), pod({"name": "c", "tty": True}), "n")
    without = run(made, pod(hostname="h"), "m")
    assert without["spec"] == {"containers": [{"name": "c", "tty": True}], "hostname": "h"}


def test_equal_values_are_shared_and_different_ones_conflict() -> None:
    made = run(None, cm(a="1", b="2"), "m", kind=CONFIG_MAP)
    run(made, cm(a="1"), "n", kind=CONFIG_MAP)
    with pytest.raises(ApplyConflict) as caught:
        run(made, cm(a="9", b="9"), "n", kind=CONFIG_MAP)
    assert caught.value.message == (
        'Apply failed with 2 conflicts: conflicts with "m":\n- .data.a\n- .data.b'
    )
    assert [c["field"] for c in caught.value.causes] == [".data.a", ".data.b"]


def test_force_takes_the_contested_fields_only() -> None:
    made = run(None, cm(a="1", b="2"), "m", kind=CONFIG_MAP)
    forced = run(made, cm(a="9"), "n", kind=CONFIG_MAP, force=True)
    assert forced["data"] == {"a": "9", "b": "2"}
    assert owned(forced) == {"m": {"f:data": {"f:b": {}}}, "n": {"f:data": {"f:a": {}}}}


def test_a_conflict_with_an_updater_names_its_version() -> None:
    made = run(None, cm(a="1"), "m", kind=CONFIG_MAP)
    changed = track_update(made, cm(a="2"), kind=CONFIG_MAP, manager="edit", now=NOW)
    with pytest.raises(ApplyConflict) as caught:
        run(changed, cm(a="1"), "m", kind=CONFIG_MAP)
    assert caught.value.message == (
        'Apply failed with 1 conflict: conflict with "edit" using v1: .data.a'
    )


def applied_by_the_client(**data: str) -> Obj:
    """As `kubectl apply` leaves an object."""
    config = cm(**data)
    note = {LAST_APPLIED: orjson.dumps(config).decode()}
    live = {**config, "metadata": {**config["metadata"], "annotations": note}}
    return track_update(None, live, kind=CONFIG_MAP, manager="kubectl-client-side-apply", now=NOW)


def test_kubectl_moves_from_the_client_to_the_server_without_a_conflict() -> None:
    live = applied_by_the_client(a="1")
    with pytest.raises(ApplyConflict) as conflict:
        run(live, cm(a="2"), "other", kind=CONFIG_MAP)
    assert conflict.value.message == (
        'Apply failed with 1 conflict: conflict with "kubectl-client-side-apply" using v1: .data.a'
    )
    moved = run(live, cm(a="2"), "kubectl", kind=CONFIG_MAP)
    assert moved["data"] == {"a": "2"}
    last = orjson.loads(moved["metadata"]["annotations"][LAST_APPLIED])
    assert last["data"] == {"a": "2"}


def test_what_somebody_changed_since_is_a_conflict_for_kubectl_too() -> None:
    live = applied_by_the_client(a="1", b="1")
    edited = {**live, "data": {"a": "1", "b": "9"}}
    edited = track_update(live, edited, kind=CONFIG_MAP, manager="edit", now=NOW)
    with pytest.raises(ApplyConflict) as conflict:
        run(edited, cm(a="2", b="2"), "kubectl", kind=CONFIG_MAP)
    assert [c.field for c in conflict.value.conflicts] == [".data.b"]


def test_an_object_that_was_never_tracked_belongs_to_before_the_first_apply() -> None:
    with pytest.raises(ApplyConflict, match=BEFORE_FIRST_APPLY):
        run(cm(a="1"), cm(a="2"), kind=CONFIG_MAP)
    forced = run(cm(a="1", b="2"), cm(a="2"), kind=CONFIG_MAP, force=True)
    assert owned(forced) == {
        "m": {"f:data": {"f:a": {}}},
        BEFORE_FIRST_APPLY: {"f:data": {".": {}, "f:b": {}}},
    }


def test_items_keep_their_places() -> None:
    def images(obj: Obj) -> list[str]:
        return [c["name"] for c in obj["spec"]["containers"]]

    def named(*names: str) -> Obj:
        return pod(*({"name": name} for name in names))

    made = run(None, named("a", "b", "c"), "m")
    assert images(run(made, named("c", "a"), "n")) == ["b", "c", "a"]
    assert images(run(made, named("x", "b"), "n")) == ["a", "x", "b", "c"]
    assert images(run(made, named("b", "x"), "n")) == ["a", "b", "c", "x"]


def test_ports_are_told_apart_by_number_and_protocol() -> None:
    ports = [{"containerPort": 80}, {"containerPort": 80, "protocol": "UDP"}]
    made = run(None, pod({**C, "ports": ports}))
    assert made["spec"]["containers"][0]["ports"] == ports
    with pytest.raises(BadPatch, match="duplicate entries for key"):
        run(
            None,
            pod({**C, "ports": [{"containerPort": 80}, {"containerPort": 80, "protocol": "TCP"}]}),
        )


def test_sets_are_merged_and_shrink() -> None:
    def final(*names: str) -> Obj:
        return pod(C, metadata={"finalizers": list(names)})

    both = run(run(None, final("a", "b"), "m"), final("b", "c"), "n")
    assert both["metadata"]["finalizers"] == ["a", "b", "c"]
    assert run(both, final("a"), "m")["metadata"]["finalizers"] == ["a", "b", "c"]
    assert run(both, pod(C), "m")["metadata"]["finalizers"] == ["b", "c"]


def test_single_values_are_replaced_whole() -> None:
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "x", "namespace": "d"},
        "spec": {"selector": {"matchLabels": {"a": "1", "b": "2"}}},
    }
    made = run(None, deployment, kind=DEPLOYMENT)
    other = deepcopy(deployment)
    other["spec"] = {"selector": {"matchLabels": {"a": "1"}}}
    assert run(made, other, kind=DEPLOYMENT)["spec"] == other["spec"]


def test_status_is_not_applied_to_the_object_nor_the_spec_to_its_status() -> None:
    config = {**pod(C), "status": {"phase": "Running"}}
    made = run(None, config)
    assert "status" not in made
    with_status = run(made, {**config, "metadata": {"name": "x"}}, "s", subresource="status")
    assert with_status["status"] == {"phase": "Running"}
    assert owned(with_status)["s"] == {"f:status": {"f:phase": {}}}
    assert owned(with_status)["m"] == owned(made)["m"]


def test_nulls_are_no_wishes() -> None:
    made = run(None, pod(C, hostname="h"))
    assert bare(run(made, pod(C, hostname=None))) == pod(C)


@pytest.mark.parametrize(
    ("config", "text"),
    [
        ([], "is an object"),
        ({"kind": "Pod"}, "invalid object type: /, Kind=Pod"),
        ({"apiVersion": "v1", "kind": "Service"}, "invalid object type: /v1, Kind=Service"),
        ({"apiVersion": "v1", "kind": "Pod", "metadata": []}, "metadata is not an object"),
        ({"apiVersion": "v1", "kind": "Pod", "metadata": "x"}, "metadata is not an object"),
        (pod(metadata={"managedFields": [{}]}), "metadata.managedFields must be nil"),
        (
            pod({"name": "a", "frob": 1}),
            r".spec.containers\[0\].frob: field not declared in schema",
        ),
        (pod(C, C), "duplicate entries for key"),
    ],
)
def test_bad_configurations(config: Any, text: str) -> None:
    with pytest.raises(BadPatch, match=text):
        run(None, config)


def test_nothing_is_changed_in_place() -> None:
    made = run(None, pod(C, metadata={"labels": {"a": "1"}}))
    config = pod({"name": "d"}, metadata={"labels": {"b": "2"}})
    before = deepcopy((made, config))
    run(made, config, "n")
    run(made, config, "m")
    assert (made, config) == before


# --- properties -----------------------------------------------------------------------------------

LABELS = st.dictionaries(st.sampled_from("abc"), st.sampled_from("12"), max_size=3)
CONTAINERS = st.lists(
    st.fixed_dictionaries(
        {"name": st.sampled_from("xyz")},
        optional={
            "image": st.sampled_from(["i", "j"]),
            "args": st.lists(st.sampled_from("pq"), min_size=1, max_size=2),
            "env": st.lists(
                st.fixed_dictionaries(
                    {"name": st.sampled_from("EF"), "value": st.sampled_from("12")}
                ),
                min_size=1,
                max_size=2,
                unique_by=lambda item: item["name"],
            ),
        },
    ),
    max_size=3,
    unique_by=lambda item: item["name"],
)
CONFIGS = st.builds(
    lambda labels, containers: pod(*containers, metadata={"labels": labels}), LABELS, CONTAINERS
)
STEPS = st.lists(st.tuples(st.sampled_from(["m", "n", "o"]), CONFIGS), min_size=1, max_size=6)


def replay(steps: list[tuple[str, Obj]]) -> Obj:
    live: Obj | None = None
    for manager, config in steps:
        live = run(live, config, manager, force=True)
    assert live is not None
    return live


@given(STEPS)
def test_a_forced_apply_gets_what_it_wants_and_again_nothing(steps: list[tuple[str, Obj]]) -> None:
    live = replay(steps)
    manager, config = steps[-1]
    assert run(live, config, manager, after_s=60) == live
    found = live["metadata"].get("labels") or {}
    assert found.items() >= config["metadata"]["labels"].items()
    by_name = {c["name"]: c for c in live["spec"].get("containers", [])}
    for wanted in config["spec"].get("containers", []):
        have = by_name[wanted["name"]]
        for field in ("image", "args"):
            assert have.get(field) == wanted.get(field, have.get(field))
        env = {item["name"]: item.get("value") for item in have.get("env", [])}
        assert env.items() >= {i["name"]: i["value"] for i in wanted.get("env", [])}.items()


@given(STEPS)
def test_every_field_that_is_there_is_owned_and_every_owned_field_is_there(
    steps: list[tuple[str, Obj]],
) -> None:
    """Nothing was defaulted here, so ownership covers the object exactly."""
    from_owners = set()
    live = replay(steps)

    def walk(tree: Any, at: tuple[str, ...]) -> None:
        if at and (not tree or "." in tree):
            from_owners.add(at)
        for step, below in tree.items():
            if step != ".":
                walk(below, (*at, step))

    for fields in owned(live).values():
        walk(fields, ())
    there = set(flatten(live, BUILTIN))
    assert {f for f in there if not _is_empty(live, f)} <= from_owners


def _is_empty(live: Obj, field: tuple[str, ...]) -> bool:
    return flatten(live, BUILTIN)[field] in ({}, [])


@given(CONFIGS, CONFIGS)
def test_one_manager_alone_ends_with_its_last_configuration(first: Obj, last: Obj) -> None:
    live = run(run(None, first), last)
    alone = run(None, last)
    assert _normal(live) == _normal(alone)


def _normal(obj: Obj) -> Obj:
    """Without what may as well be absent, and with items in one order."""
    spec = obj["spec"]
    containers = sorted(spec.get("containers", []), key=lambda c: str(c["name"]))
    plain = [
        {
            k: sorted(v, key=lambda e: e["name"]) if k == "env" else v
            for k, v in c.items()
            if v != []
        }
        for c in containers
    ]
    return {"labels": obj["metadata"].get("labels") or {}, "containers": plain}
