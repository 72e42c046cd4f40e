from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from tanebi.api.core.kinds import DEPLOYMENT, ENDPOINT_SLICE, KINDS
from tanebi.api.kind import Kind
from tanebi.api.meta import Resource
from tanebi.apiserver.patch.errors import BadPatch
from tanebi.apiserver.patch.schema import BUILTIN, CUSTOM, ListRule, schema_of

CUSTOM_KIND = Kind("tanebi.dev", "v1", "Thing", "things", Resource)


@pytest.mark.parametrize(
    ("path", "keys"),
    [
        ("metadata.ownerReferences", ("uid",)),
        ("spec.template.metadata.ownerReferences", ("uid",)),
        ("spec.containers", ("name",)),
        ("spec.template.spec.initContainers", ("name",)),
        ("spec.containers.env", ("name",)),
        ("spec.containers.ports", ("containerPort", "protocol")),
        ("spec.ports", ("port", "protocol")),
        ("spec.containers.volumeMounts", ("mountPath",)),
        ("spec.volumes", ("name",)),
        ("spec.imagePullSecrets", ("name",)),
        ("status.conditions", ("type",)),
        ("metadata.finalizers", ()),
        ("spec.tolerations", None),
        ("spec.containers.args", None),
        ("spec.containers.envFrom", None),
        ("ports", None),
        ("endpoints", None),
    ],
)
def test_lists_of_builtin_kinds(path: str, keys: tuple[str, ...] | None) -> None:
    rule = BUILTIN.list_rule(tuple(path.split(".")))
    assert (rule and rule.keys) == keys if keys is not None else rule is None


def test_custom_kinds_have_keyed_lists_in_their_metadata_only() -> None:
    assert schema_of(CUSTOM_KIND) is CUSTOM
    assert CUSTOM.list_rule(("metadata", "ownerReferences")) is not None
    assert CUSTOM.list_rule(("spec", "template", "spec", "containers")) is None
    assert not CUSTOM.is_atomic_map(("spec", "selector"))


def test_builtin_kinds_go_by_their_own_schema() -> None:
    assert schema_of(DEPLOYMENT) is BUILTIN
    assert DEPLOYMENT.builtin
    assert ENDPOINT_SLICE.builtin


def test_selectors_and_references_are_single_values() -> None:
    assert BUILTIN.is_atomic_map(("spec", "selector"))
    assert BUILTIN.is_atomic_map(("spec", "containers", "env", "valueFrom", "secretKeyRef"))
    assert not BUILTIN.is_atomic_map(("metadata", "labels"))


def test_keys_have_defaults() -> None:
    rule = BUILTIN.list_rule(("containers", "ports"))
    assert rule is not None
    assert rule.key_of({"containerPort": 80}) == (("containerPort", 80), ("protocol", "TCP"))
    assert rule.key_of({"protocol": "UDP"}) == (("containerPort", 0), ("protocol", "UDP"))
    with pytest.raises(BadPatch, match="expected map"):
        rule.key_of(80)
    with pytest.raises(BadPatch, match='omits key field "name"'):
        ListRule(("name",), "name").key_of({})


# Of the schema that server-side apply goes by (client-go 0.32 applyconfigurations/internal): a kind, a path, and what is
# there: a `list` with its keys (none: a set), a `map` that is one value, an `item` of a list that is one value.
FACTS: Final = (Path(__file__).parent / "list_types.txt").read_text().splitlines()
NAMED: Final = {kind.kind: kind for kind in KINDS}


@pytest.mark.parametrize("fact", FACTS)
def test_lists_and_maps_are_what_kubernetes_says(fact: str) -> None:
    kind, dotted, what, keys = (*fact.split(" "), "")[:4]
    schema, path = schema_of(NAMED[kind]), tuple(dotted.split("."))
    if what == "list":
        rule = schema.list_rule(path)
        assert rule is not None
        assert sorted(rule.keys) == sorted(key for key in keys.split(",") if key)
    else:
        assert schema.is_atomic_map(path)
