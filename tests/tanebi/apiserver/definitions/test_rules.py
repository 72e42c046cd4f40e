"""What a definition is refused for."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tanebi.api.meta import Obj
from tanebi.apiserver.definitions.rules import default_definition, definition_problems
from tests.tanebi.apiserver.definitions.crontabs import crontabs, version

ROOT = "spec.versions[0].schema.openAPIV3Schema"


def complete(obj: Obj, old: Obj | None = None) -> Obj:
    return default_definition(copy.deepcopy(obj), old, None)  # type: ignore[arg-type]  # not looked at


def fields(obj: Obj, old: Obj | None = None) -> dict[str, str]:
    return {c["field"]: c["message"] for c in definition_problems(complete(obj, old), old)}


def test_defaults() -> None:
    found = complete(crontabs())
    assert found["spec"]["names"]["singular"] == "crontab"
    assert found["spec"]["names"]["listKind"] == "CronTabList"
    assert found["spec"]["conversion"] == {"strategy": "None"}
    assert found["status"]["storedVersions"] == ["v1"]
    assert fields(crontabs()) == {}


def names(**more: Any) -> Callable[[Obj], None]:
    return lambda obj: obj["spec"]["names"].update(more)


def schema(change: Callable[[Obj], Any]) -> Callable[[Obj], None]:
    def at(obj: Obj) -> None:
        change(obj["spec"]["versions"][0]["schema"]["openAPIV3Schema"])

    return at


def spec_part(name: str, inner: Obj) -> Callable[[Obj], None]:
    return schema(lambda root: root["properties"]["spec"]["properties"].update({name: inner}))


PART = f"{ROOT}.properties[spec].properties[x]"


@pytest.mark.parametrize(
    ("change", "field", "text"),
    [
        (names(plural="tabs"), "metadata.name", 'must be spec.names.plural+"."+spec.group'),
        (names(kind=""), "spec.names.kind", "Required value"),
        (names(shortNames=["CT"]), "spec.names.shortNames[0]", "Invalid value"),
        (lambda o: o["spec"].update(scope="Everywhere"), "spec.scope", "Unsupported value"),
        (lambda o: o["spec"].update(group="x"), "spec.group", "at least one dot"),
        (
            lambda o: o["spec"].update(group="x.k8s.io"),
            "metadata.annotations[api-approved.kubernetes.io]",
            "protected groups",
        ),
        (
            lambda o: o["spec"].update(versions=[version("v1", storage=False)]),
            "spec.versions",
            "exactly one version marked as storage",
        ),
        (
            lambda o: o["spec"].update(
                conversion={"strategy": "Webhook"},
                versions=[version("v1"), version("v2", storage=False)],
            ),
            "spec.conversion.webhook.clientConfig",
            "required when strategy is set to Webhook",
        ),
        (
            lambda o: o["spec"]["versions"][0].pop("schema"),
            ROOT,
            "schemas are required",
        ),
        (schema(lambda s: s.update(type="array")), f"{ROOT}.type", "must be object at the root"),
        (spec_part("x", {}), f"{PART}.type", "must not be empty for specified object fields"),
        (spec_part("x", {"type": "array"}), f"{PART}.items", "must be specified"),
        (
            spec_part("x", {"type": "array", "items": {"type": "string"}, "uniqueItems": True}),
            f"{PART}.uniqueItems",
            "runtime complexity",
        ),
        (spec_part("x", {"type": "string", "$ref": "y"}), f"{PART}.$ref", "not supported"),
        (spec_part("x", {"type": "string", "pattern": "("}), f"{PART}.pattern", "valid regular"),
        (
            spec_part("x", {"type": "integer", "default": "one"}),
            f"{PART}.default",
            "must be of type integer",
        ),
        (
            spec_part("x", {"type": "string", "x-kubernetes-validations": [{"rule": "self.("}]}),
            f"{PART}.x-kubernetes-validations[0].rule",
            "compilation failed",
        ),
        (
            spec_part(
                "x", {"type": "string", "x-kubernetes-validations": [{"rule": "nowhere(self)"}]}
            ),
            f"{PART}.x-kubernetes-validations[0].rule",
            "undeclared reference to 'nowhere'",
        ),
        (
            lambda o: o["spec"]["versions"][0].update(selectableFields=[{"jsonPath": ".spec.no"}]),
            "spec.versions[0].selectableFields[0].jsonPath",
            "must point to a field",
        ),
        (
            lambda o: o["spec"]["versions"][0]["additionalPrinterColumns"][0].update(type="text"),
            "spec.versions[0].additionalPrinterColumns[0].type",
            "Unsupported value",
        ),
    ],
)
def test_refusals(change: Callable[[Obj], Any], field: str, text: str) -> None:
    obj = crontabs()
    change(obj)
    found = fields(obj)
    assert field in found, found
    assert text in found[field]


def test_what_never_changes() -> None:
    old = complete(crontabs())
    old["status"]["conditions"] = [{"type": "Established", "status": "True"}]
    new = crontabs(scope="Cluster", versions=[version("v2")])
    new["status"] = old["status"]
    found = fields(new, old)
    assert found["spec.scope"] == 'Invalid value: "Cluster": field is immutable'
    assert "must appear in spec.versions" in found["status.storedVersions[0]"]
