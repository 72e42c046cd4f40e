"""Who makes a request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class User:
    """Name and groups as Kubernetes' UserInfo has them."""

    name: str
    groups: tuple[str, ...] = ()


ADMIN: Final = User("kubernetes-admin", ("system:masters", "system:authenticated"))
CONTROLLER: Final = User("system:tanebi-controller", ("system:masters", "system:authenticated"))
ANONYMOUS: Final = User("system:anonymous", ("system:unauthenticated",))
