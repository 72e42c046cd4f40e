"""Is this text the name of an image? The rules of the registry library that Knative uses (weak validation)."""

from __future__ import annotations

import re
from typing import Final

_REPOSITORY: Final = re.compile(r"[a-z0-9_\-./]{2,255}")
_TAG: Final = re.compile(r"[A-Za-z0-9_\-.]{1,128}")
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
_REGISTRY: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.\-]+)(:[0-9]+)?")


def is_reference(text: str) -> bool:
    """`[registry/]repository[:tag][@sha256:…]`."""
    base, at, digest = text.partition("@")
    if at and not _DIGEST.fullmatch(digest):
        return False
    head, colon, tag = base.rpartition(":")
    if colon and "/" not in tag:
        return bool(_TAG.fullmatch(tag)) and _is_repository(head)
    return _is_repository(base)


def _is_repository(text: str) -> bool:
    first, slash, rest = text.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return bool(_REGISTRY.fullmatch(first)) and bool(_REPOSITORY.fullmatch(rest))
    return bool(_REPOSITORY.fullmatch(text))
