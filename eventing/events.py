"""CloudEvents over HTTP: raw headers and bytes to an event, and back to headers, without touching the data.

Specification: CloudEvents 1.0.2 and 0.3, HTTP binding (binary and structured) and JSON format. An event keeps the version it came
with, and its data byte for byte: of a structured event the exact text of the `data` member is kept, not a re-serialisation.
The cloudevents SDK rewrites data and time (reference/knative-eventing.md §4), so it is not used here.

Pure. Callers: eventing.ingress, eventing.delivery (replies), eventing.sqlitelog (storage form).
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, NoReturn
from urllib.parse import unquote_to_bytes

import orjson

from tanebi.http.messages import Headers
from tanebi.http.sealed import Sealed, seal

STRUCTURED: Final = b"application/cloudevents+json"
BATCH: Final = b"application/cloudevents-batch"
_ANY_CLOUDEVENTS: Final = b"application/cloudevents"

TTL: Final = "knativebrokerttl"
ARRIVAL: Final = "knativearrivaltime"
TTL_DEFAULT: Final = 255

ERROR_DEST: Final = "knativeerrordest"
ERROR_CODE: Final = "knativeerrorcode"
ERROR_DATA: Final = "knativeerrordata"

_REQUIRED: Final = ("id", "source", "type")
_VERSIONS: Final = ("1.0", "0.3")
_NAME: Final = re.compile(r"[a-z0-9]+")
_UNSAFE: Final = re.compile(rb'[^!#$&-~]|"')
_PERCENT: Final = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_TIME: Final = re.compile(
    r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])[Tt]([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?"
    r"([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)"
)
_JSON_TYPE: Final = re.compile(r"(?i)[^/;]+/([^;]*\+)?json\s*(;|$)")

# Markers of _meaning; no attribute has such a name.
_CONTENT_TYPE: Final = "=type"
_PASS_ON: Final = "=pass"

# Knative's list (ev:pkg/utils/headers.go), and the trace context.
_PASSED: Final = frozenset((b"x-request-id", b"retry-after", b"traceparent", b"tracestate"))
_PASSED_PREFIXES: Final = (b"knative-", b"x-b3-")


class BadEvent(Exception):
    """Not an event. `status` is what to answer (400 or 415), the text says where and why."""

    def __init__(self, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


@dataclass(slots=True, eq=False)
class Event:
    """One CloudEvent. `attributes` holds context attributes, `datacontenttype` and extensions as canonical strings.

    `passed` are request headers that travel with the event to its subscribers. Nothing here changes once the event is stored.
    """

    attributes: dict[str, str]
    data: bytes = b""
    passed: tuple[tuple[bytes, bytes], ...] = ()
    _wire: Sealed | None = field(default=None, repr=False)

    @property
    def size(self) -> int:
        """Roughly the bytes it takes, for bounds."""
        return len(self.data) + 64 * len(self.attributes) + 64

    @property
    def ttl(self) -> int:
        """Hops left; the default when the attribute is absent or no number."""
        said = self.attributes.get(TTL, "")
        return int(said) if said.isascii() and said.lstrip("-").isdigit() else TTL_DEFAULT

    def wire(self) -> Sealed:
        """Headers of a delivery in binary mode: everything but the hop limit. Built once, shared by all triggers.

        Raises ValueError when one cannot be a header.
        """
        if self._wire is None:
            self._wire = seal((*to_headers(self.attributes), *self.passed))
        return self._wire


def parse(headers: Headers, body: bytes) -> Event:
    """The event of a request or of an answer. Raises BadEvent."""
    attributes: dict[str, str] = {}
    passed: list[tuple[bytes, bytes]] = []
    content_type = b""
    for name, value in headers:
        meaning = _meaning(name)
        if not meaning:
            continue
        if meaning is _CONTENT_TYPE:
            content_type = value
        elif meaning is _PASS_ON:
            passed.append((name.lower(), value))
        elif meaning in attributes:
            raise BadEvent(f"ce-{meaning}: given twice")
        else:
            attributes[meaning] = _header_text(meaning, value)
    if content_type[:23].lower().startswith(_ANY_CLOUDEVENTS):
        return _structured(content_type, body, tuple(passed))
    if content_type:
        attributes["datacontenttype"] = _header_text("datacontenttype", content_type)
    check(attributes, prefix="ce-")
    return Event(attributes, body, tuple(passed))


@lru_cache(maxsize=1024)
def _meaning(name: bytes) -> str:
    """What a header is to an event: "" nothing, one of the two markers, else the name of the attribute it carries."""
    key = name.lower()
    if key.startswith(b"ce-"):
        attribute = key[3:].decode("latin-1")
        _check_name(attribute, "ce-")
        return attribute
    if key == b"content-type":
        return _CONTENT_TYPE
    return _PASS_ON if key in _PASSED or key.startswith(_PASSED_PREFIXES) else ""


def _check_name(name: str, prefix: str = "") -> None:
    if not _NAME.fullmatch(name):
        raise BadEvent(f"{prefix}{name}: attribute names consist of a-z and 0-9")


def is_event(headers: Headers) -> bool:
    """Whether an answer means to carry an event."""
    for name, value in headers:
        key = name.lower()
        if key == b"ce-specversion":
            return True
        if key == b"content-type" and value.lower().startswith(_ANY_CLOUDEVENTS):
            return True
    return False


def check(attributes: Mapping[str, str], *, prefix: str = "") -> None:
    """Raises BadEvent unless the attributes make an event. `prefix` locates them in the text."""
    version = attributes.get("specversion")
    if version not in _VERSIONS:
        if version is None:
            raise BadEvent(f"{prefix}specversion: missing")
        raise BadEvent(f"{prefix}specversion: {version!r} is not supported (1.0 and 0.3 are)")
    for name in _REQUIRED:
        if not attributes.get(name):
            raise BadEvent(f"{prefix}{name}: missing or empty")
    time = attributes.get("time")
    if time is not None and not _TIME.fullmatch(time):
        raise BadEvent(f"{prefix}time: not an RFC 3339 time: {time!r}")


def _header_text(name: str, value: bytes) -> str:
    """Undo the percent-encoding of a header value."""
    try:
        if b"%" not in value or name == "datacontenttype":
            return value.decode()
        if _PERCENT.search(value):
            raise BadEvent(f"ce-{name}: bad percent-encoding")
        return unquote_to_bytes(value).decode()
    except UnicodeDecodeError:
        raise BadEvent(f"ce-{name}: not UTF-8") from None


# --- structured mode -----------------------------------------------------------------------------


def _structured(content_type: bytes, body: bytes, passed: tuple[tuple[bytes, bytes], ...]) -> Event:
    media, _, parameters = content_type.lower().partition(b";")
    if media.strip().startswith(BATCH):
        raise BadEvent("batches are not accepted: send one event a request", status=415)
    if media.strip() != STRUCTURED:
        shown = content_type.decode("latin-1")
        raise BadEvent(f"content-type: {shown!r} is no event format known here", status=415)
    if b"charset=" in parameters and b"utf-8" not in parameters:
        raise BadEvent("content-type: only charset UTF-8 is accepted", status=415)
    members, data_text = _members(body)
    attributes = {
        name: _json_text(name, value)
        for name, value in members.items()
        if value is not None and name not in ("data", "data_base64")
    }
    for name in attributes:
        _check_name(name)
    check(attributes)
    return Event(attributes, _json_data(members, data_text, attributes), passed)


def _members(body: bytes) -> tuple[dict[str, Any], str]:
    """The members of the top-level object, and the exact text of its `data` member."""
    try:
        text = body.decode("utf-8-sig")
        return _Scanner(text).members()
    except UnicodeDecodeError:
        raise BadEvent("body: not UTF-8") from None
    except RecursionError:
        raise BadEvent("body: nested too deeply") from None
    except (ValueError, IndexError) as error:
        raise BadEvent(f"body: not a JSON object: {error}") from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_DECODER: Final = json.JSONDecoder(parse_constant=_no_constant)
_SPACE: Final = re.compile(r"[ \t\n\r]*")


class _Scanner:
    """Walks the members of one object, so that a member's exact text can be cut out."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def members(self) -> tuple[dict[str, Any], str]:
        found: dict[str, Any] = {}
        data_text = ""
        self._expect("{")
        if self._peek() == "}":
            self._at += 1
        else:
            while True:
                name = self._value()
                if not isinstance(name, str) or name in found:
                    raise ValueError(f"bad or repeated member name {name!r} at {self._at}")
                self._expect(":")
                start = self._skip()
                found[name] = self._value()
                if name == "data":
                    data_text = self._text[start : self._at]
                if self._expect(",}") == "}":
                    break
        if self._skip() != len(self._text):
            raise ValueError(f"more text after the object at {self._at}")
        return found, data_text

    def _skip(self) -> int:
        found = _SPACE.match(self._text, self._at)
        assert found is not None, "matches the empty string"
        self._at = found.end()
        return self._at

    def _peek(self) -> str:
        return self._text[self._skip() : self._at + 1]

    def _expect(self, wanted: str) -> str:
        seen = self._peek()
        if not seen or seen not in wanted:
            raise ValueError(f"expected {' or '.join(wanted)} at {self._at}")
        self._at += 1
        return seen

    def _value(self) -> Any:
        value, self._at = _DECODER.raw_decode(self._text, self._skip())
        return value


def _json_text(name: str, value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case int() if -(2**31) <= value < 2**31:
            return str(value)
        case _:
            raise BadEvent(f"{name}: expected a string, a boolean or an integer of 32 bits")


def _json_data(members: Mapping[str, Any], data_text: str, attributes: dict[str, str]) -> bytes:
    if members.get("data_base64") is not None:
        if "data" in members:
            raise BadEvent("data_base64: must not be given together with data")
        return _base64("data_base64", members["data_base64"])
    if "data" not in members:
        return b""
    encoding = attributes.get("datacontentencoding", "")
    if attributes["specversion"] == "0.3" and encoding.lower() == "base64":
        del attributes["datacontentencoding"]
        return _base64("data", members["data"])
    value = members["data"]
    content_type = attributes.setdefault("datacontenttype", "application/json")
    if isinstance(value, str) and not _JSON_TYPE.match(content_type):
        return _utf8("data", value)
    return data_text.encode()


def _utf8(name: str, value: str) -> bytes:
    try:
        return value.encode()
    except UnicodeEncodeError:
        raise BadEvent(f"{name}: half a surrogate pair") from None


def _base64(name: str, value: Any) -> bytes:
    if not isinstance(value, str):
        raise BadEvent(f"{name}: expected base64 text")
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise BadEvent(f"{name}: not base64") from None


# --- output and storage --------------------------------------------------------------------------


def to_headers(attributes: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """Binary mode. The hop limit stays inside the broker."""
    return [
        (_header_name(name), value.encode() if name == "datacontenttype" else _percent(value))
        for name, value in attributes.items()
        if name != TTL
    ]


def to_structured(event: Event) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """JSON format. Data that is JSON keeps its exact text; any other travels as base64."""
    attributes = {name: value for name, value in event.attributes.items() if name != TTL}
    members = orjson.dumps(attributes)[:-1]
    if event.data:
        members += b"," + _data_member(attributes.get("datacontenttype", ""), event.data)
    content_type = STRUCTURED + b"; charset=UTF-8"
    return [(b"content-type", content_type), *event.passed], members + b"}"


def _data_member(content_type: str, data: bytes) -> bytes:
    if _JSON_TYPE.match(content_type):
        try:
            orjson.loads(data)
        except orjson.JSONDecodeError:
            pass  # labelled JSON, but it is not: carry the bytes as they are
        else:
            return b'"data":' + data
    return b'"data_base64":"' + base64.b64encode(data) + b'"'


@lru_cache(maxsize=1024)
def _header_name(attribute: str) -> bytes:
    return b"content-type" if attribute == "datacontenttype" else b"ce-" + attribute.encode()


def _percent(value: str) -> bytes:
    """Printable ASCII stays, save for the quote and the per cent sign (HTTP binding §3.1.3.2)."""
    raw = value.encode()
    if _UNSAFE.search(raw) is None:
        return raw
    return _UNSAFE.sub(lambda found: b"%%%02X" % found[0][0], raw)


def with_extensions(event: Event, extensions: Mapping[str, str]) -> Event:
    """A copy with more attributes; the data is shared."""
    return Event({**event.attributes, **extensions}, event.data, event.passed)


def pack(event: Event) -> bytes:
    """Everything but the data, for storage."""
    passed = [[name.decode("latin-1"), value.decode("latin-1")] for name, value in event.passed]
    return orjson.dumps([event.attributes, passed] if passed else [event.attributes])


def unpack(meta: bytes, data: bytes) -> Event:
    """The inverse of `pack`."""
    attributes, *rest = orjson.loads(meta)
    passed: Iterable[list[str]] = rest[0] if rest else ()
    return Event(
        attributes,
        data,
        tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in passed),
    )
