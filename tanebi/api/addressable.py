"""From a Destination to a URL: Knative's resolution algorithm, and its rules for what a manifest may say.

Pure: objects are read through a callable, normally the cache. Resolution is repeated whenever a referenced object changes, so
"not there yet" is an answer, not a failure. Callers: trigger and source reconcilers, admission.
Rules: reference/knative-eventing.md §1.1 (knative.dev/pkg resolver and apis/duck/v1).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

from tanebi.api.fielderrors import FieldError, disallowed, invalid, missing, via
from tanebi.api.kind import AnyKind, Kinds
from tanebi.api.meta import Destination, KReference, Obj

Raw = Callable[[AnyKind, str, str], Obj | None]

_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_PEM: Final = re.compile(
    r"\s*(?:-----BEGIN CERTIFICATE-----\s+([A-Za-z0-9+/=\s]+?)-----END CERTIFICATE-----\s*)+"
)


@dataclass(frozen=True, slots=True)
class Addressable:
    """Where events for a destination go."""

    url: str
    ca_certs: str = ""
    audience: str = ""


@dataclass(frozen=True, slots=True)
class Unresolved:
    """Why there is no URL. `pending`: the object exists or may come to exist; another look later may succeed."""

    message: str
    pending: bool = True


def host_of(url: str) -> str:
    """The host (and port) of an absolute URL; empty when `url` is relative or no URL at all."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return parts.netloc if parts.scheme else ""


def resolve(
    destination: Destination, *, namespace: str, kinds: Kinds, raw: Raw
) -> Addressable | Unresolved:
    """The address of `destination`, whose references without a namespace mean `namespace`."""
    if destination.ref is not None:
        found = _of_reference(destination.ref, destination, namespace, kinds, raw)
        if isinstance(found, Unresolved) or not destination.uri:
            return found
        joined = urljoin(found.url, destination.uri)
        return Addressable(joined, found.ca_certs, found.audience)
    if destination.uri:
        if not host_of(destination.uri):
            return Unresolved(
                f"URI is not absolute (both scheme and host should be non-empty): {destination.uri!r}",
                pending=False,
            )
        return Addressable(destination.uri, destination.ca_certs, destination.audience)
    return Unresolved("destination missing Ref and URI, expected at least one", pending=False)


def _of_reference(
    ref: KReference, destination: Destination, namespace: str, kinds: Kinds, raw: Raw
) -> Addressable | Unresolved:
    kind = kinds.of(ref.api_version, ref.kind)
    namespace = ref.namespace or namespace
    if kind is None:
        return Unresolved(
            f"no kind {ref.kind!r} in {ref.api_version!r} is known here", pending=False
        )
    obj = raw(kind, namespace if kind.namespaced else "", ref.name)
    if obj is None:
        return Unresolved(f'{kind.resource} "{ref.name}" not found')
    if (kind.group, kind.kind) == ("", "Service"):
        scheme = "https" if destination.ca_certs else "http"
        url = f"{scheme}://{ref.name}.{namespace}.svc.cluster.local"
        return Addressable(url, destination.ca_certs, destination.audience)
    return _of_status(obj, ref, destination)


def _of_status(obj: Obj, ref: KReference, destination: Destination) -> Addressable | Unresolved:
    address = _pick(obj.get("status") or {}, ref.address)
    if isinstance(address, Unresolved):
        return address
    where = f"{ref.kind} {ref.name!r}"
    if address is None:
        return Unresolved(f"address not set for {where}")
    url = address.get("url") or ""
    if not url:
        return Unresolved(f"URL missing in address of {where}")
    if not host_of(url):
        return Unresolved(f"hostname missing in address of {where}")
    return Addressable(
        url,
        destination.ca_certs or address.get("CACerts") or "",
        destination.audience or address.get("audience") or "",
    )


def _pick(status: Obj, name: str) -> dict[str, Any] | Unresolved | None:
    """The address called `name`, else the first of `addresses`, else `address`."""
    several = status.get("addresses") or []
    if name:
        found = next((one for one in several if one.get("name") == name), None)
        return found or Unresolved(f"no address with name {name!r} found")
    chosen: dict[str, Any] | None = several[0] if several else status.get("address")
    return chosen


def validate_reference(ref: KReference, *, namespace: str | None = None) -> list[FieldError]:
    """`namespace`: the only one that may be referred to; None allows any."""
    errors = [
        missing(path)
        for path, value in (
            ("name", ref.name),
            ("kind", ref.kind),
            ("apiVersion", ref.api_version),
        )
        if not value
    ]
    if ref.group:
        errors.append(disallowed("group"))
    if namespace is not None and ref.namespace not in ("", namespace):
        details = f'parent namespace: "{namespace}" does not match ref: "{ref.namespace}"'
        errors.append(FieldError("mismatched namespaces", ("namespace",), details))
    return errors


def validate_destination(destination: Destination) -> list[FieldError]:
    """Rules of a manifest's Destination, seen from the destination."""
    ref, uri = destination.ref, destination.uri
    if ref is None and not uri:
        return [FieldError("expected at least one, got none", ("ref", "uri"))]
    if ref is not None and _SCHEME.match(uri):
        said = "Absolute URI is not allowed when Ref or [apiVersion, kind, name] is present"
        return [FieldError(said, ("[apiVersion, kind, name]", "ref", "uri"))]
    errors: list[FieldError] = []
    if ref is None:
        if not host_of(uri):
            said = "Relative URI is not allowed when Ref and [apiVersion, kind, name] is absent"
            errors.append(invalid(said, "uri"))
    else:
        errors += via("ref", validate_reference(ref))
    if destination.ca_certs and not _is_pem(destination.ca_certs):
        errors.append(invalid("CA Cert provided is invalid", "CACerts"))
    return errors


def _is_pem(text: str) -> bool:
    found = _PEM.fullmatch(text)
    if found is None:
        return False
    try:
        base64.b64decode("".join(found[1].split()), validate=True)
    except binascii.Error:
        return False
    return True
