"""Defaults, rules and columns of Namespace, ConfigMap, Secret, Event and Lease. Pure.

Source: k8s.io/kubernetes pkg/apis/core validation and defaults, printers/internalversion. Caller: tanebi.api.core.kinds.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from tanebi.api.core.plain import ConfigMap, Event, Secret
from tanebi.api.core.pod_defaults import fill
from tanebi.api.core.refusals import forbidden, invalid, required
from tanebi.api.durations import human_age
from tanebi.api.fielderrors import FieldError
from tanebi.api.kind import Admission, Column
from tanebi.api.meta import Obj, parse_time

DATA_BYTES_MAX: Final = 1024 * 1024
NAME_LABEL: Final = "kubernetes.io/metadata.name"
KEY_CHARS_MAX: Final = 253
ACCOUNT: Final = "kubernetes.io/service-account.name"
TOKEN_TYPE: Final = "kubernetes.io/service-account-token"
BASIC_AUTH: Final = "kubernetes.io/basic-auth"
DOCKER_TYPES: Final = ("kubernetes.io/dockercfg", "kubernetes.io/dockerconfigjson")
_KEYS_OF_TYPE: Final[Mapping[str, tuple[str, ...]]] = {
    "kubernetes.io/dockercfg": (".dockercfg",),
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
}
_KEY: Final = re.compile(r"[-._a-zA-Z0-9]+")
_KEY_HINT: Final = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or "
    "'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
)


def default_namespace(obj: Obj, old: Obj | None, admission: Admission) -> Obj:
    """A namespace is Active, carries its name as a label, and a finalizer that its contents must leave first."""
    meta = obj["metadata"]
    if name := meta.get("name"):
        meta.setdefault("labels", {})[NAME_LABEL] = name
    if old is None:
        obj["spec"] = {"finalizers": ["kubernetes"]}
        obj["status"] = {"phase": "Active"}
    else:
        obj["spec"] = old.get("spec") or {}
    return obj


def default_secret(obj: Obj, old: Obj | None, admission: Admission) -> Obj:
    """`stringData` is written into `data` and never stored; the type defaults to Opaque."""
    texts = obj.pop("stringData", None) or {}
    if texts:
        data = obj.setdefault("data", {})
        data.update({k: base64.b64encode(v.encode()).decode() for k, v in texts.items()})
    obj.setdefault("type", "Opaque")
    return obj


def validate_config_map(
    config_map: ConfigMap, old: ConfigMap | None, admission: Admission
) -> list[FieldError]:
    errors = _key_errors("data", config_map.data)
    both = sorted(set(config_map.data) & set(config_map.binary_data))
    errors += [
        invalid(f"data[{key}]", key, "duplicate of key present in binaryData") for key in both
    ]
    errors += _key_errors("binaryData", config_map.binary_data)
    errors += _base64_errors("binaryData", config_map.binary_data)
    size = sum(len(v.encode()) for v in config_map.data.values())
    size += sum(len(v) * 3 // 4 for v in config_map.binary_data.values())
    errors += _too_long("", size)
    if old is not None and old.immutable:
        errors += _immutable(config_map, old, ("data", "binary_data"))
    return errors


def validate_secret(secret: Secret, old: Secret | None, admission: Admission) -> list[FieldError]:
    errors: list[FieldError] = []
    if old is not None and old.type != secret.type:
        errors.append(invalid("type", secret.type, "field is immutable"))
    if old is not None and old.immutable:
        errors += _immutable(secret, old, ("data",))
    errors += _key_errors("data", secret.data) + _base64_errors("data", secret.data)
    errors += _too_long("data", sum(len(v) * 3 // 4 for v in secret.data.values()))
    return errors + _typed_errors(secret)


def _typed_errors(secret: Secret) -> list[FieldError]:
    """What a Secret of a known type must hold."""
    if secret.type == TOKEN_TYPE and not secret.metadata.annotations.get(ACCOUNT):
        return [required(f"metadata.annotations[{ACCOUNT}]")]
    if secret.type == BASIC_AUTH and not {"username", "password"} & set(secret.data):
        return [required("data[username]"), required("data[password]")]
    keys = _KEYS_OF_TYPE.get(secret.type, ())
    errors = [required(f"data[{key}]") for key in keys if key not in secret.data]
    if not errors and secret.type in DOCKER_TYPES and (why := _json_fault(secret.data[keys[0]])):
        return [invalid(f"data[{keys[0]}]", "<secret contents redacted>", why)]
    return errors


def _json_fault(encoded: str) -> str:
    try:
        found = json.loads(base64.b64decode(encoded))
    except ValueError as error:
        return str(error)
    return "" if isinstance(found, dict) else "not a JSON object"


def _key_errors(field: str, data: dict[str, str]) -> list[FieldError]:
    return [invalid(f"{field}[{key}]", key, why) for key in data for why in _key_faults(key)]


def _key_faults(key: str) -> Iterator[str]:
    if len(key) > KEY_CHARS_MAX:
        yield f"must be no more than {KEY_CHARS_MAX} characters"
    if not _KEY.fullmatch(key):
        yield _KEY_HINT
    if key in (".", ".."):
        yield f"must not be '{key}'"
    elif key.startswith(".."):
        yield "must not start with '..'"


def _base64_errors(field: str, data: dict[str, str]) -> list[FieldError]:
    errors = []
    for key, value in data.items():
        try:
            base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            errors.append(FieldError("Invalid value: illegal base64 data", (f"{field}[{key}]",)))
    return errors


def _too_long(field: str, size: int) -> list[FieldError]:
    if size <= DATA_BYTES_MAX:
        return []
    return [FieldError(f"Too long: may not be more than {DATA_BYTES_MAX} bytes", (field,))]


def _immutable(new: Any, old: Any, fields: tuple[str, ...]) -> list[FieldError]:
    text = "field is immutable when `immutable` is set"
    errors = [] if new.immutable else [forbidden("immutable", text)]
    names = {"binary_data": "binaryData"}
    return errors + [
        forbidden(names.get(name, name), text)
        for name in fields
        if getattr(new, name) != getattr(old, name)
    ]


def complete_event(event: Obj) -> None:
    """Go writes these, said or not; they are nobody's."""
    fill(event, {"reportingComponent": "", "reportingInstance": "", "source": {}})


def validate_event(event: Event, old: Event | None, admission: Admission) -> list[FieldError]:
    """An event stands in the namespace of what it tells of; what has none is told of in `default`."""
    at, about = event.metadata.namespace, event.involved_object.namespace
    nowhere = ("default", "kube-system") if event.event_time else ("default",)
    if about == at or (not about and at in nowhere):
        return []
    return [invalid("involvedObject.namespace", about, "does not match event.namespace")]


def _first_seen(obj: Obj, now: datetime) -> str:
    stamp = obj.get("firstTimestamp") or obj.get("eventTime")
    try:
        return human_age((now - parse_time(str(stamp))).total_seconds())
    except ValueError:
        return "<unknown>"


def _event_count(obj: Obj, now: datetime) -> int:
    return int(obj.get("count") or 1)


def _count_data(obj: Obj, now: datetime) -> int:
    return len(obj.get("data") or {}) + len(obj.get("binaryData") or {})


def _namespace_phase(obj: Obj, now: datetime) -> str:
    return str((obj.get("status") or {}).get("phase") or "")


def _last_seen(obj: Obj, now: datetime) -> str:
    series = obj.get("series") or {}
    stamp = (
        series.get("lastObservedTime")
        or obj.get("lastTimestamp")
        or obj.get("firstTimestamp")
        or obj.get("eventTime")
    )
    if not stamp:
        return "<unknown>"
    try:
        return human_age((now - parse_time(stamp)).total_seconds())
    except ValueError:
        return "<unknown>"


def _involved(obj: Obj, now: datetime) -> str:
    target = obj.get("involvedObject") or {}
    return f"{str(target.get('kind') or '').lower()}/{target.get('name') or ''}"


NAMESPACE_COLUMNS: Final = (Column("Status", cell=_namespace_phase),)
CONFIG_MAP_COLUMNS: Final = (Column("Data", cell=_count_data),)
SECRET_COLUMNS: Final = (
    Column("Type", ".type"),
    Column("Data", cell=_count_data),
)
EVENT_COLUMNS: Final = (
    Column("Last Seen", cell=_last_seen),
    Column("Type", ".type"),
    Column("Reason", ".reason"),
    Column("Object", cell=_involved),
    Column("Subobject", ".involvedObject.fieldPath", priority=1),
    Column("Source", ".source.component", priority=1),
    Column("Message", ".message"),
    Column("First Seen", priority=1, cell=_first_seen),
    Column("Count", priority=1, cell=_event_count),
    Column("Name", ".metadata.name", priority=1),
)
LEASE_COLUMNS: Final = (Column("Holder", ".spec.holderIdentity"),)
