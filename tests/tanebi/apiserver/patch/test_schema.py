from __future__ import annotations

import pytest

from tanebi.api.core.kinds import DEPLOYMENT, ENDPOINT_SLICE, KINDS
from tanebi.api.kind import Kind
from tanebi.api.meta import Resource
from tanebi.apiserver.patch.errors import BadPatch
from tanebi.apiserver.patch.schema import BUILTIN, CUSTOM, schema_of

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
    assert all(schema_of(kind) is BUILTIN for kind in KINDS)
    assert DEPLOYMENT.builtin
    assert ENDPOINT_SLICE.builtin


def test_selectors_and_references_are_single_values() -> None:
    assert BUILTIN.is_atomic_map(("spec", "selector"))
    assert BUILTIN.is_atomic_map(("spec", "containers", "env", "valueFrom", "secretKeyRef"))
    assert not BUILTIN.is_atomic_map(("metadata", "labels"))


def test_keys_have_defaults() -> None:
    rule = BUILTIN.list_rule(("containers", "ports"))
    assert rule is not None
    assert rule.key_of({"containerPort": 80}, "x") == (("containerPort", 80), ("protocol", "TCP"))
    with pytest.raises(BadPatch, match="omits key field 'containerPort'"):
        rule.key_of({"protocol": "UDP"}, "x")
    with pytest.raises(BadPatch, match="expected an object"):
        rule.key_of(80, "x")
