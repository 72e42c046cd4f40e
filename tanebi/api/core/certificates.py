"""CertificateSigningRequest (certificates.k8s.io/v1): its types, and what it is completed with and refused for. Pure.

Source: k8s.io/kubernetes pkg/apis/certificates validation, pkg/registry/certificates strategy.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any, Final

from pydantic import Field

from tanebi.api.core.refusals import invalid, required
from tanebi.api.fielderrors import FieldError, via
from tanebi.api.kind import Admission, Column
from tanebi.api.meta import Model, Obj, Resource, rfc3339

DECISIONS: Final = ("Approved", "Denied")
EXPIRATION_MIN_S: Final = 600
_PEM: Final = b"-----BEGIN CERTIFICATE REQUEST-----"


class RequestSpec(Model):
    """`request` is PEM in base64. Who asks is written by the server."""

    request: str = ""
    signer_name: str = ""
    expiration_seconds: int | None = None
    usages: list[str] = Field(default_factory=list)
    username: str = ""
    uid: str = ""
    groups: list[str] = Field(default_factory=list)
    extra: dict[str, list[str]] = Field(default_factory=dict)


class RequestCondition(Model):
    type: str = ""
    status: str = ""
    reason: str = ""
    message: str = ""
    last_update_time: str | None = None
    last_transition_time: str | None = None


class RequestStatus(Model):
    conditions: list[RequestCondition] = Field(default_factory=list)
    certificate: str = ""


class CertificateSigningRequest(Resource):
    """Somebody asks for a certificate; somebody else approves; a signer gives it."""

    spec: RequestSpec = Field(default_factory=RequestSpec)
    status: RequestStatus = Field(default_factory=RequestStatus)


def default_request(obj: Obj, old: Obj | None, admission: Admission) -> Obj:
    stamp = rfc3339(admission.now)
    before = {c.get("type"): c for c in _conditions(old or {})}
    for one in _conditions(obj):
        one.setdefault("status", "True")
        known = before.get(one.get("type")) or {}
        one.setdefault("lastUpdateTime", stamp)
        same = known.get("status") == one["status"]
        one.setdefault("lastTransitionTime", known.get("lastTransitionTime") if same else stamp)
    return obj


def validate_request(
    found: CertificateSigningRequest, old: CertificateSigningRequest | None, admission: Admission
) -> list[FieldError]:
    if old is None:
        return via("spec", _spec_errors(found.spec))
    errors: list[FieldError] = []
    if found.spec != old.spec and not admission.subresource:
        errors.append(invalid("spec", "", "field is immutable"))
    types = [c.type for c in found.status.conditions]
    if set(DECISIONS) <= set(types):
        text = "Approved and Denied conditions are mutually exclusive"
        errors += via("status", [invalid("conditions", "Denied", text)])
    for before in old.status.conditions:
        if before.type in DECISIONS and before.type not in types:
            text = "updates may not remove a condition of type " + f'"{before.type}"'
            errors += via("status", [invalid("conditions", "", text)])
    return errors


def _spec_errors(spec: RequestSpec) -> list[FieldError]:
    errors: list[FieldError] = []
    try:
        pem = base64.b64decode(spec.request, validate=True)
    except (binascii.Error, ValueError):
        pem = b""
    if not pem.lstrip().startswith(_PEM):
        errors.append(invalid("request", "", "PEM block type must be CERTIFICATE REQUEST"))
    if not spec.usages:
        errors.append(required("usages"))
    if not spec.signer_name:
        errors.append(required("signerName"))
    elif spec.signer_name.count("/") != 1:
        text = 'must be a fully qualified domain and path of the form "example.com/signer-name"'
        errors.append(invalid("signerName", spec.signer_name, text))
    life = spec.expiration_seconds
    if life is not None and life < EXPIRATION_MIN_S:
        errors.append(
            invalid("expirationSeconds", life, "may not specify a duration less than 600 seconds")
        )
    return errors


def decided(obj: Obj, old: Obj) -> bool:
    """Does `obj` say something else about approval than `old`?"""

    def said(one: Obj) -> list[tuple[Any, Any]]:
        return [
            (c.get("type"), c.get("status")) for c in _conditions(one) if c.get("type") in DECISIONS
        ]

    return said(obj) != said(old)


def approval_of(obj: Obj, old: Obj) -> Obj:
    """The status after a write of `/approval`: conditions alone."""
    kept = old.get("status") or {}
    return {**kept, "conditions": _conditions(obj)}


def status_of(obj: Obj, old: Obj) -> Obj:
    """The status after a write of `/status`: everything but who has approved or denied."""
    own = [c for c in _conditions(old) if c.get("type") in DECISIONS]
    others = [c for c in _conditions(obj) if c.get("type") not in DECISIONS]
    return {**(obj.get("status") or {}), "conditions": own + others}


def _conditions(obj: Obj) -> list[Obj]:
    found: list[Obj] = (obj.get("status") or {}).get("conditions") or []
    return found


def _state(obj: Obj, now: Any) -> str:
    types = [c.get("type") for c in _conditions(obj)]
    words = [one for one in DECISIONS if one in types] or ["Pending"]
    if "Failed" in types:
        words.append("Failed")
    if (obj.get("status") or {}).get("certificate"):
        words.append("Issued")
    return ",".join(words)


def _duration(obj: Obj, now: Any) -> str:
    seconds = (obj.get("spec") or {}).get("expirationSeconds")
    return "<none>" if seconds is None else f"{seconds}s"


REQUEST_COLUMNS: Final = (
    Column("Name", ".metadata.name"),
    Column("Age", ".metadata.creationTimestamp", type="date"),
    Column("SignerName", ".spec.signerName"),
    Column("Requestor", ".spec.username"),
    Column("RequestedDuration", cell=_duration),
    Column("Condition", cell=_state),
)
