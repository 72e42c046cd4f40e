"""A CloudEvent as an importer makes it, and its binary HTTP form.

Pure. Attribute values are text; `data` goes out byte for byte. Not a general CloudEvents library: the `cloudevents` package is
that, and the contract kit checks with it that what we write is valid. Callers: importers, their context, `tanebi send`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from urllib.parse import quote

from tanebi.api.meta import rfc3339
from tanebi.base.errors import UserError

SPEC_VERSION: Final = "1.0"
CORE_ATTRIBUTES: Final = frozenset(
    {"specversion", "id", "source", "type", "subject", "time", "datacontenttype", "dataschema"}
)
_NAME: Final = re.compile(r"[a-z0-9]+")
# Printable ASCII without space, double quote and percent stays as it is (HTTP binding §3.1.3.2).
_PLAIN: Final = "".join(chr(c) for c in range(0x21, 0x7F) if chr(c) not in '"%')


@dataclass(frozen=True, slots=True)
class Event:
    """`data=None` is an event without data; `extensions` names are lower-case letters and digits."""

    type: str
    source: str
    id: str
    data: bytes | None = None
    content_type: str = ""
    subject: str = ""
    time: datetime | None = None
    schema: str = ""
    extensions: Mapping[str, str] = field(default_factory=dict)

    def attributes(self) -> dict[str, str]:
        """Every context attribute that is set, datacontenttype included. Extensions never replace core attributes."""
        core = {
            "specversion": SPEC_VERSION,
            "id": self.id,
            "source": self.source,
            "type": self.type,
            "datacontenttype": self.content_type,
            "dataschema": self.schema,
            "subject": self.subject,
            "time": rfc3339(self.time, micro=True) if self.time else "",
        }
        return {**self.extensions, **{name: value for name, value in core.items() if value}}


def check(event: Event) -> None:
    """Raises UserError naming the attribute that breaks the specification."""
    for name, value in (("id", event.id), ("source", event.source), ("type", event.type)):
        if not value:
            raise UserError("event-invalid", f"a CloudEvent needs a non-empty {name}")
    for name in event.extensions:
        if not _NAME.fullmatch(name):
            raise UserError(
                "event-invalid",
                f"{name!r} is no extension name: only lower-case letters and digits are",
            )
        if name in CORE_ATTRIBUTES or name == "data":
            raise UserError("event-invalid", f"{name} is no extension, it is part of every event")


def binary_headers(event: Event) -> list[tuple[bytes, bytes]]:
    """The headers of binary mode; the body is `event.data or b""`."""
    headers: list[tuple[bytes, bytes]] = []
    for name, value in event.attributes().items():
        if name == "datacontenttype":
            headers.append((b"Content-Type", value.encode("latin-1", "replace")))
        else:
            headers.append((b"ce-" + name.encode(), quote(value, safe=_PLAIN).encode()))
    return headers
