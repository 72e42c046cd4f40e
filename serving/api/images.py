"""What the revision reconciler needs to know of images: facts gathered elsewhere, by whoever can run them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from tanebi.api.core.plain import Secret


@dataclass(frozen=True, slots=True)
class Resolved:
    """`digest` is the reference by digest: `dev.local/hello@sha256:…`."""

    digest: str


@dataclass(frozen=True, slots=True)
class Missing:
    """There is no such image; `message` says why and what to do."""

    message: str


class ImageFacts(Protocol):
    def lookup(
        self, image: str, secrets: Sequence[Secret] = (), policy: str = ""
    ) -> Resolved | Missing | None:
        """`secrets` may hold a login for the registry, `policy` is the container's imagePullPolicy. None: not known yet. The
        revision is looked at again when the answer has come."""
