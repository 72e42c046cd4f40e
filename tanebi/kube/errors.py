"""What an API server answers when it does not do what was asked.

    TanebiError
    ├── Unavailable
    │   └── Unreachable          no answer came; the request may have been carried out
    └── ApiError                 the server answered with a Status
        ├── BadRequest           400
        ├── Unauthorized         401
        ├── Forbidden            403
        ├── NotFound             404
        ├── MethodNotAllowed     405
        ├── NotAcceptable        406
        ├── Conflict             409  resourceVersion or uid differ, or another field manager owns the field
        │   └── AlreadyExists    409
        ├── Expired              410  the resourceVersion is older than the history kept
        ├── TooLarge             413
        ├── UnsupportedMediaType 415
        ├── InvalidObject        422
        ├── TooManyRequests      429
        ├── ServerError          500
        ├── ServiceUnavailable   503
        └── ServerTimeout        504

Clients get them from `from_response`; the embedded server raises the same classes and sends `to_status()`.
Reasons are Kubernetes' StatusReason names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar, Final

import orjson

from tanebi.api.meta import Obj
from tanebi.base.errors import TanebiError, Unavailable

MESSAGE_MAX: Final = 2000


class Unreachable(Unavailable):
    """No answer came from the API server. A write may or may not have been carried out."""

    def __init__(self, message: str) -> None:
        super().__init__("api-unreachable", message, retry_after_s=1.0)


class ApiError(TanebiError):
    """A Status with `status: Failure`. `details` is its details object as JSON, empty when absent; so is `metadata`."""

    status: int = 500
    reason: str = "InternalError"
    by_reason: ClassVar[dict[str, type[ApiError]]] = {}
    by_status: ClassVar[dict[int, type[ApiError]]] = {}

    def __init__(
        self,
        message: str,
        *,
        details: Mapping[str, Any] | None = None,
        status: int | None = None,
        reason: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        self.metadata: dict[str, Any] = dict(metadata or {})
        self.status = status or type(self).status
        self.reason = type(self).reason if reason is None else reason
        self.details: dict[str, Any] = dict(details or {})
        super().__init__(_kebab(self.reason) or f"http-{self.status}", message)

    def __init_subclass__(cls, *, told: bool = True) -> None:
        """`told` False: no answer of a server is read as this class."""
        if told:
            ApiError.by_reason[cls.reason] = cls
            ApiError.by_status.setdefault(cls.status, cls)

    @classmethod
    def of(
        cls, status: int, reason: str, message: str, details: Mapping[str, Any] | None = None
    ) -> ApiError:
        """The most fitting class for a status code and a reason."""
        found = ApiError.by_reason.get(reason) or ApiError.by_status.get(status, ApiError)
        return found(message, details=details, status=status, reason=reason)

    def to_status(self) -> Obj:
        """The Status object a server sends."""
        body: Obj = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": self.metadata,
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "code": self.status,
        }
        if self.details:
            body["details"] = self.details
        if not self.reason:
            del body["reason"]
        return body


class BadRequest(ApiError):
    status, reason = 400, "BadRequest"


class Unauthorized(ApiError):
    status, reason = 401, "Unauthorized"


class Forbidden(ApiError):
    status, reason = 403, "Forbidden"


class NotFound(ApiError):
    status, reason = 404, "NotFound"


class MethodNotAllowed(ApiError):
    status, reason = 405, "MethodNotAllowed"


class NotAcceptable(ApiError):
    status, reason = 406, "NotAcceptable"


class Conflict(ApiError):
    status, reason = 409, "Conflict"


class AlreadyExists(Conflict):
    status, reason = 409, "AlreadyExists"


class Expired(ApiError):
    status, reason = 410, "Expired"


class TooLarge(ApiError):
    status, reason = 413, "RequestEntityTooLarge"


class UnsupportedMediaType(ApiError):
    status, reason = 415, "UnsupportedMediaType"


class InvalidObject(ApiError):
    status, reason = 422, "Invalid"


class TooManyRequests(ApiError):
    status, reason = 429, "TooManyRequests"


class ServerError(ApiError):
    status, reason = 500, "InternalError"


class ServiceUnavailable(ApiError):
    status, reason = 503, "ServiceUnavailable"


class ServerTimeout(ApiError):
    status, reason = 504, "Timeout"


def from_status(body: Mapping[str, Any]) -> ApiError:
    """The error that a Status object describes (also the object of a watch's ERROR line)."""
    return ApiError.of(
        _code(body.get("code")),
        str(body.get("reason") or ""),
        str(body.get("message") or "the server gave no message"),
        body.get("details") if isinstance(body.get("details"), Mapping) else None,
    )


def from_response(status: int, body: bytes) -> ApiError:
    """The error of a response with a 4xx or 5xx status, whether or not its body is a Status."""
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        parsed = None
    if isinstance(parsed, dict) and parsed.get("kind") == "Status":
        return from_status({**parsed, "code": status})
    text = body[:MESSAGE_MAX].decode("utf-8", "replace").strip()
    known = ApiError.by_status.get(status)
    return ApiError.of(status, known.reason if known else "", text or f"HTTP status {status}")


def _code(value: object) -> int:
    return value if isinstance(value, int) and 400 <= value <= 599 else 500


def _kebab(reason: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", reason).lower()
