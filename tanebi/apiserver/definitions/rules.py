"""What a CustomResourceDefinition is completed with and refused for. Pure.

Source: k8s.io/apiextensions-apiserver pkg/apis/apiextensions v1 defaults and validation. Caller: definitions.types.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from tanebi.api import names
from tanebi.api.kind import Admission
from tanebi.api.meta import Obj
from tanebi.apiserver import jsonpath
from tanebi.apiserver.status import cause
from tanebi.apiserver.structural.check import schema_problems
from tanebi.apiserver.structural.rules import rule_problems
from tanebi.apiserver.structural.validate import show
from tanebi.apiserver.webhooks.rules import client_problems

APPROVED: Final = "api-approved.kubernetes.io"
COLUMN_TYPES: Final = ("boolean", "date", "integer", "number", "string")
SELECTABLE_MAX: Final = 8


def default_definition(obj: Obj, old: Obj | None, admission: Admission) -> Obj:
    spec = obj.setdefault("spec", {})
    called = spec.setdefault("names", {})
    if kind := called.get("kind"):
        called.setdefault("singular", kind.lower())
        called.setdefault("listKind", f"{kind}List")
    conversion = spec.setdefault("conversion", {"strategy": "None"})
    client = (conversion.get("webhook") or {}).get("clientConfig") or {}
    if service := client.get("service"):
        service.setdefault("port", 443)
    stored = [v["name"] for v in spec.get("versions") or () if v.get("storage") and v.get("name")]
    if old is None:
        obj["status"] = {"storedVersions": stored, "conditions": [], "acceptedNames": {}}
    elif "status" in obj:
        have = obj["status"].get("storedVersions") or []
        new = [name for name in stored if name not in have]
        obj["status"] = {**obj["status"], "storedVersions": have + new}
    return obj


def definition_problems(obj: Obj, old: Obj | None) -> list[Obj]:
    """Every fault."""
    spec = obj.get("spec") or {}
    found = [*_names(obj, spec), *_versions(spec), *_conversion(spec)]
    for index, version in enumerate(spec.get("versions") or ()):
        found += _version(version, f"spec.versions[{index}]")
    if old is not None:
        found += _changed(obj, old)
    return found


def _names(obj: Obj, spec: Obj) -> Iterator[Obj]:
    called, group = spec.get("names") or {}, str(spec.get("group") or "")
    plural = str(called.get("plural") or "")
    wanted, name = f"{plural}.{group}", str(obj["metadata"].get("name") or "")
    if name != wanted:
        yield _invalid("metadata.name", name, 'must be spec.names.plural+"."+spec.group')
    if not group:
        yield _required("spec.group", "")
    elif "." not in group:
        yield _invalid("spec.group", group, "should be a domain with at least one dot")
    for text in names.dns1123_subdomain(group) if group else ():
        yield _invalid("spec.group", group, text)
    if spec.get("scope") not in ("Cluster", "Namespaced"):
        yield _unsupported("spec.scope", spec.get("scope") or "", ("Cluster", "Namespaced"))
    yield from _called(called)
    yield from _approval(obj, group)


def _called(called: Obj) -> Iterator[Obj]:
    plural, singular = (str(called.get(name) or "") for name in ("plural", "singular"))
    for field, text in (("plural", plural), ("singular", singular)):
        for why in names.dns1035_label(text):
            yield _invalid(f"spec.names.{field}", text, why)
    for field in ("kind", "listKind"):
        text = str(called.get(field) or "")
        if not text:
            yield _required(f"spec.names.{field}", "")
        for why in names.dns1035_label(text.lower()) if text else ():
            yield _invalid(f"spec.names.{field}", text, why)
    if called.get("kind") and called.get("kind") == called.get("listKind"):
        yield _invalid(
            "spec.names.listKind", called["kind"], "kind and listKind may not be the same"
        )
    for field in ("shortNames", "categories"):
        for index, text in enumerate(called.get(field) or ()):
            for why in names.dns1035_label(str(text)):
                yield _invalid(f"spec.names.{field}[{index}]", text, why)


def _approval(obj: Obj, group: str) -> Iterator[Obj]:
    guarded = group.endswith((".k8s.io", ".kubernetes.io")) or group in ("k8s.io", "kubernetes.io")
    if guarded and not (obj["metadata"].get("annotations") or {}).get(APPROVED):
        why = (
            f'protected groups must have approval annotation "{APPROVED}", see '
            "https://github.com/kubernetes/enhancements/pull/1111"
        )
        yield _required(f"metadata.annotations[{APPROVED}]", why)


def _versions(spec: Obj) -> Iterator[Obj]:
    versions: list[Obj] = spec.get("versions") or []
    called = [str(v.get("name") or "") for v in versions]
    if sum(bool(v.get("storage")) for v in versions) != 1:
        text = "must have exactly one version marked as storage version"
        yield _invalid("spec.versions", called, text)
    if versions and not any(v.get("served") for v in versions):
        yield _invalid("spec.versions", called, "must have at least one served version")
    for index, name in enumerate(called):
        if name in called[:index]:
            yield _invalid("spec.versions", called, "must contain unique version names")
        for why in names.dns1035_label(name):
            yield _invalid(f"spec.versions[{index}].name", name, why)
    if spec.get("preserveUnknownFields"):
        text = "must be false in order to use defaults in the schema"
        yield _invalid("spec.preserveUnknownFields", True, text)


def _conversion(spec: Obj) -> Iterator[Obj]:
    conversion = spec.get("conversion") or {}
    strategy, where = conversion.get("strategy"), "spec.conversion"
    webhook: Obj = conversion.get("webhook") or {}
    if strategy not in ("None", "Webhook"):
        yield _unsupported(f"{where}.strategy", strategy or "", ("None", "Webhook"))
    elif strategy == "None":
        if webhook:
            text = "Forbidden: should not be set when strategy is not set to Webhook"
            yield cause("FieldValueForbidden", f"{where}.webhook", text)
    elif not webhook.get("clientConfig"):
        yield _required(f"{where}.webhook.clientConfig", "required when strategy is set to Webhook")
    else:
        yield from client_problems(webhook["clientConfig"], f"{where}.webhook")
        versions = webhook.get("conversionReviewVersions") or []
        if "v1" not in versions:
            text = "must include at least one of v1"
            yield _invalid(f"{where}.webhook.conversionReviewVersions", versions, text)


def _version(version: Obj, path: str) -> Iterator[Obj]:
    schema = (version.get("schema") or {}).get("openAPIV3Schema")
    where = f"{path}.schema.openAPIV3Schema"
    yield from schema_problems(schema, where, check_rules=rule_problems)
    for index, column in enumerate(version.get("additionalPrinterColumns") or ()):
        at = f"{path}.additionalPrinterColumns[{index}]"
        for name in ("name", "jsonPath"):
            if not column.get(name):
                yield _required(f"{at}.{name}", "")
        if column.get("type") not in COLUMN_TYPES:
            yield _unsupported(f"{at}.type", column.get("type") or "", COLUMN_TYPES)
        try:
            jsonpath.compiled(str(column.get("jsonPath") or ""))
        except ValueError as error:
            yield _invalid(f"{at}.jsonPath", column["jsonPath"], str(error))
    if scale := (version.get("subresources") or {}).get("scale"):
        yield from _scale(scale, f"{path}.subresources.scale")
    fields = version.get("selectableFields") or []
    if len(fields) > SELECTABLE_MAX:
        text = f"Too many: {len(fields)}: must have at most {SELECTABLE_MAX} items"
        yield cause("FieldValueTooMany", f"{path}.selectableFields", text)
    for index, field in enumerate(fields):
        yield from _selectable(schema, field, f"{path}.selectableFields[{index}].jsonPath")


def _scale(scale: Obj, path: str) -> Iterator[Obj]:
    for name, root in (("specReplicasPath", ".spec"), ("statusReplicasPath", ".status")):
        text = str(scale.get(name) or "")
        if not text:
            yield _required(f"{path}.{name}", "")
        elif not text.startswith(f"{root}."):
            yield _invalid(f"{path}.{name}", text, f"should be a json path under {root}")


def _selectable(schema: Any, field: Obj, path: str) -> Iterator[Obj]:
    text = str(field.get("jsonPath") or "")
    if not text:
        yield _required(path, "")
        return
    at: Any = schema
    for step in text.removeprefix(".").split("."):
        at = (at.get("properties") or {}).get(step) if isinstance(at, dict) else None
    if not isinstance(at, dict) or at.get("type") not in ("boolean", "integer", "string"):
        yield _invalid(path, text, "must point to a field of type boolean, integer or string")


def _changed(obj: Obj, old: Obj) -> Iterator[Obj]:
    spec, before = obj.get("spec") or {}, old.get("spec") or {}
    established = any(
        c.get("type") == "Established" and c.get("status") == "True"
        for c in (old.get("status") or {}).get("conditions") or ()
    )
    pairs = [("spec.group", spec.get("group"), before.get("group"))]
    called, were = spec.get("names") or {}, before.get("names") or {}
    pairs.append(("spec.names.plural", called.get("plural"), were.get("plural")))
    if established:
        pairs.append(("spec.scope", spec.get("scope"), before.get("scope")))
        pairs.append(("spec.names.kind", called.get("kind"), were.get("kind")))
    for path, now, then in pairs:
        if now != then:
            yield _invalid(path, now, "field is immutable")
    present = {v.get("name") for v in spec.get("versions") or ()}
    for index, name in enumerate((obj.get("status") or {}).get("storedVersions") or ()):
        if name not in present:
            yield _invalid(f"status.storedVersions[{index}]", name, "must appear in spec.versions")


def _required(field: str, text: str) -> Obj:
    return cause(
        "FieldValueRequired", field, f"Required value: {text}" if text else "Required value"
    )


def _invalid(field: str, value: Any, text: str) -> Obj:
    return cause("FieldValueInvalid", field, f"Invalid value: {show(value)}: {text}")


def _unsupported(field: str, value: Any, allowed: Iterable[str]) -> Obj:
    shown = ", ".join(map(show, allowed))
    text = f"Unsupported value: {show(value)}: supported values: {shown}"
    return cause("FieldValueNotSupported", field, text)
