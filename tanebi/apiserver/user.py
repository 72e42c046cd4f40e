"""Who makes a request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tanebi.api.meta import Obj

AUTHENTICATED: Final = "system:authenticated"


@dataclass(frozen=True, slots=True)
class User:
    """Name and groups as Kubernetes' UserInfo has them."""

    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def info(self) -> Obj:
        """A UserInfo."""
        found: Obj = {"username": self.name}
        if self.uid:
            found["uid"] = self.uid
        if self.groups:
            found["groups"] = list(self.groups)
        if self.extra:
            found["extra"] = {name: list(values) for name, values in self.extra}
        return found


ADMIN: Final = User("kubernetes-admin", ("system:masters", AUTHENTICATED))
CONTROLLER: Final = User("system:tanebi-controller", ("system:masters", AUTHENTICATED))
ANONYMOUS: Final = User("system:anonymous", ("system:unauthenticated",))
