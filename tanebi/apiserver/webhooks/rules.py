"""What a webhook configuration is completed with and refused for. Pure.

Source: k8s.io/kubernetes pkg/apis/admissionregistration v1 defaults and validation. Caller: tanebi.apiserver.webhooks.types.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator
from typing import Any, Final
from urllib.parse import urlsplit

from tanebi.api.kind import Admission
from tanebi.api.meta import Obj
from tanebi.apiserver.cel import BadExpression, Expression
from tanebi.apiserver.status import cause
from tanebi.apiserver.structural.validate import show

TIMEOUT_S: Final = 10
TIMEOUT_MAX_S: Final = 30
CONDITIONS_MAX: Final = 64
VARIABLES: Final = frozenset(("object", "oldObject", "request"))
OPERATIONS: Final = ("*", "CONNECT", "CREATE", "DELETE", "UPDATE")


def default_configuration(obj: Obj, old: Obj | None, admission: Admission) -> Obj:
    for hook in obj.get("webhooks") or ():
        hook.setdefault("failurePolicy", "Fail")
        hook.setdefault("matchPolicy", "Equivalent")
        hook.setdefault("namespaceSelector", {})
        hook.setdefault("objectSelector", {})
        hook.setdefault("timeoutSeconds", TIMEOUT_S)
        if obj["kind"] == "MutatingWebhookConfiguration":
            hook.setdefault("reinvocationPolicy", "Never")
        if service := (hook.get("clientConfig") or {}).get("service"):
            service.setdefault("port", 443)
        for rule in hook.get("rules") or ():
            rule.setdefault("scope", "*")
    return obj


def configuration_problems(obj: Obj, old: Obj | None) -> list[Obj]:
    """Every fault."""
    found: list[Obj] = []
    names: list[str] = []
    for index, hook in enumerate(obj.get("webhooks") or ()):
        path, name = f"webhooks[{index}]", str(hook.get("name") or "")
        if name.count(".") < 2:
            text = "should be a domain with at least three segments separated by dots"
            found.append(_invalid(f"{path}.name", name, text))
        if name in names:
            text = f"Duplicate value: {show(name)}"
            found.append(cause("FieldValueDuplicate", f"{path}.name", text))
        names.append(name)
        found += [*_hook(hook, path), *client_problems(hook.get("clientConfig") or {}, path)]
    return found


def _hook(hook: Obj, path: str) -> Iterator[Obj]:
    if "v1" not in (hook.get("admissionReviewVersions") or ()):
        text = "must include at least one of v1"
        yield _invalid(f"{path}.admissionReviewVersions", hook.get("admissionReviewVersions"), text)
    for name, allowed in (
        ("sideEffects", ("None", "NoneOnDryRun")),
        ("failurePolicy", ("Fail", "Ignore")),
        ("matchPolicy", ("Equivalent", "Exact")),
    ):
        if hook.get(name) not in allowed:
            yield _unsupported(f"{path}.{name}", hook.get(name) or "", allowed)
    if hook.get("reinvocationPolicy", "Never") not in ("IfNeeded", "Never"):
        yield _unsupported(
            f"{path}.reinvocationPolicy", hook["reinvocationPolicy"], ("IfNeeded", "Never")
        )
    if not 1 <= int(hook.get("timeoutSeconds") or 0) <= TIMEOUT_MAX_S:
        text = f"the timeout value must be between 1 and {TIMEOUT_MAX_S} seconds"
        yield _invalid(f"{path}.timeoutSeconds", hook.get("timeoutSeconds"), text)
    for index, rule in enumerate(hook.get("rules") or ()):
        yield from _rule(rule, f"{path}.rules[{index}]")
    conditions = hook.get("matchConditions") or []
    if len(conditions) > CONDITIONS_MAX:
        text = f"Too many: {len(conditions)}: must have at most {CONDITIONS_MAX} items"
        yield cause("FieldValueTooMany", f"{path}.matchConditions", text)
    for index, one in enumerate(conditions[:CONDITIONS_MAX]):
        yield from _condition(one, f"{path}.matchConditions[{index}]")


def _rule(rule: Obj, path: str) -> Iterator[Obj]:
    for name in ("operations", "apiGroups", "apiVersions", "resources"):
        if not rule.get(name):
            yield cause("FieldValueRequired", f"{path}.{name}", "Required value")
    for index, operation in enumerate(rule.get("operations") or ()):
        if operation not in OPERATIONS:
            yield _unsupported(f"{path}.operations[{index}]", operation, OPERATIONS)
    if rule.get("scope") not in ("*", "Cluster", "Namespaced"):
        yield _unsupported(f"{path}.scope", rule.get("scope"), ("*", "Cluster", "Namespaced"))


def _condition(condition: Obj, path: str) -> Iterator[Obj]:
    source = str(condition.get("expression") or "")
    if not condition.get("name"):
        yield cause("FieldValueRequired", f"{path}.name", "Required value")
    if not source:
        yield cause("FieldValueRequired", f"{path}.expression", "Required value")
        return
    try:
        Expression(source, variables=VARIABLES)
    except BadExpression as error:
        yield _invalid(f"{path}.expression", source, f"compilation failed: {error}")


def client_problems(config: Obj, path: str) -> Iterator[Obj]:
    """Faults of how a webhook is reached."""
    url, service = config.get("url"), config.get("service")
    where = f"{path}.clientConfig"
    if (url is None) == (service is None):
        yield cause(
            "FieldValueRequired", where, "Required value: exactly one of url or service is required"
        )
    if url is not None:
        found = urlsplit(str(url))
        if found.scheme != "https":
            text = "'https' is the only allowed URL scheme; desired format: https://host[/path]"
            yield _invalid(f"{where}.url", url, text)
        if not found.hostname or "@" in found.netloc or found.query or found.fragment:
            text = "host must be specified; user, query and fragment are not permitted in the URL"
            yield _invalid(f"{where}.url", url, text)
    for name in ("name", "namespace"):
        if service is not None and not service.get(name):
            field = f"{where}.service.{name}"
            yield cause("FieldValueRequired", field, f"Required value: service {name} is required")
    if bundle := config.get("caBundle"):
        try:
            good = b"-----BEGIN CERTIFICATE-----" in base64.b64decode(bundle, validate=True)
        except (binascii.Error, ValueError):
            good = False
        if not good:
            text = "unable to load root certificates: unable to parse bytes as PEM block"
            yield _invalid(f"{where}.caBundle", "...", text)


def _invalid(field: str, value: Any, text: str) -> Obj:
    return cause("FieldValueInvalid", field, f"Invalid value: {show(value)}: {text}")


def _unsupported(field: str, value: Any, allowed: Iterable[str]) -> Obj:
    shown = ", ".join(map(show, allowed))
    text = f"Unsupported value: {show(value)}: supported values: {shown}"
    return cause("FieldValueNotSupported", field, text)
