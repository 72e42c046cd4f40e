"""Roles and bindings of the store put to use: what a request is about, whether it may be, and whether a role may be given away.

The decision itself is tanebi.apiserver.rbac. Caller: tanebi.apiserver.server.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from tanebi.api.core.certificates import decided
from tanebi.api.core.identity_rules import GROUP
from tanebi.api.core.kinds_administration import CERTIFICATE_REQUEST
from tanebi.api.core.kinds_identity import CLUSTER_ROLE, CLUSTER_ROLE_BINDING, ROLE, ROLE_BINDING
from tanebi.api.kind import AnyKind
from tanebi.api.meta import Key, Obj
from tanebi.apiserver import rbac
from tanebi.apiserver.paths import Target
from tanebi.apiserver.rbac import MASTERS, Attributes
from tanebi.apiserver.store import Store
from tanebi.apiserver.user import ANONYMOUS, User
from tanebi.kube.errors import Forbidden, Unauthorized
from tanebi.kube.transport import Request

_VERBS: Final = {"POST": "create", "PUT": "update", "PATCH": "patch", "HEAD": "get"}


class Authorizer:
    """Implements tanebi.apiserver.rbac.Policy over the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    # --- Policy --------------------------------------------------------------------------------

    def role(self, namespace: str, name: str) -> Obj | None:
        return self._get(ROLE, Key(namespace, name))

    def cluster_role(self, name: str) -> Obj | None:
        return self._get(CLUSTER_ROLE, Key("", name))

    def cluster_roles(self) -> Iterable[Obj]:
        return [entry.obj for entry in self._store.list(CLUSTER_ROLE.resource)]

    def bindings(self, namespace: str) -> Iterable[Obj]:
        return [entry.obj for entry in self._store.list(ROLE_BINDING.resource, namespace)]

    def cluster_bindings(self) -> Iterable[Obj]:
        return [entry.obj for entry in self._store.list(CLUSTER_ROLE_BINDING.resource)]

    def _get(self, kind: AnyKind, key: Key) -> Obj | None:
        entry = self._store.get(kind.resource, key)
        return entry.obj if entry is not None else None

    # --- decisions -----------------------------------------------------------------------------

    def allows(self, user: User, wanted: Attributes) -> bool:
        return rbac.allows(user, wanted, self)

    def require(self, user: User, wanted: Attributes) -> None:
        """Raises Forbidden with Kubernetes' words; Unauthorized for who has not said who they are."""
        if self.allows(user, wanted):
            return
        if user == ANONYMOUS:
            raise Unauthorized("Unauthorized")
        details = (
            {}
            if wanted.path
            else {"name": wanted.name, "group": wanted.group, "kind": wanted.resource}
        )
        raise Forbidden(
            rbac.forbidden(user, wanted), details={k: v for k, v in details.items() if v}
        )

    def guard(self, kind: AnyKind, obj: Obj, old: Obj | None, user: User) -> None:
        """Who writes a role or a binding must have what it gives, or the verb `escalate` or `bind` on it. Raises Forbidden."""
        if MASTERS in user.groups:
            return
        if kind is CERTIFICATE_REQUEST and old is not None and decided(obj, old):
            self._check_signer(obj, user)
        if kind.group != GROUP:
            return
        if kind in (ROLE, CLUSTER_ROLE):
            if old is None or old.get("rules") != obj.get("rules") or obj.get("aggregationRule"):
                self._check_role(kind, obj, user)
        elif old is None or old.get("subjects") != obj.get("subjects"):
            self._check_binding(kind, obj, user)

    def _check_signer(self, obj: Obj, user: User) -> None:
        """Who approves must have the verb `approve` on the signer, or on all of its domain. Raises Forbidden."""
        signer = str(obj["spec"].get("signerName") or "")
        names = (signer, f"{signer.partition('/')[0]}/*")
        rights = (
            Attributes("approve", CERTIFICATE_REQUEST.group, "signers", name=name) for name in names
        )
        if not any(self.allows(user, right) for right in rights):
            name = obj["metadata"]["name"]
            raise Forbidden(
                f'{CERTIFICATE_REQUEST.resource} "{name}" is forbidden: user not permitted to approve requests '
                f'with signerName "{signer}"',
                details={
                    "name": name,
                    "group": CERTIFICATE_REQUEST.group,
                    "kind": "certificatesigningrequests",
                },
            )

    def _check_role(self, kind: AnyKind, obj: Obj, user: User) -> None:
        meta = obj["metadata"]
        namespace, name = meta.get("namespace") or "", meta.get("name") or ""
        free = Attributes("escalate", GROUP, kind.plural, namespace=namespace, name=name)
        if self.allows(user, free):
            return
        ref = {"kind": kind.kind, "name": name}
        needed = list(obj.get("rules") or ())
        if obj.get("aggregationRule"):
            needed.append({"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]})
        self._check_covered(kind, ref["name"], needed, namespace, user)

    def _check_binding(self, kind: AnyKind, obj: Obj, user: User) -> None:
        meta, ref = obj["metadata"], obj.get("roleRef") or {}
        namespace = meta.get("namespace") or ""
        plural = ROLE.plural if ref.get("kind") == "Role" else CLUSTER_ROLE.plural
        free = Attributes("bind", GROUP, plural, namespace=namespace, name=ref.get("name", ""))
        if self.allows(user, free):
            return
        needed = list(rbac.role_rules(ref, namespace, self))
        self._check_covered(kind, meta.get("name") or "", needed, namespace, user)

    def _check_covered(
        self,
        kind: AnyKind,
        name: str,
        needed: Sequence[Mapping[str, Sequence[str]]],
        namespace: str,
        user: User,
    ) -> None:
        owned = list(rbac.rules_of(user, namespace, self))
        missing = rbac.missing(needed, owned)
        if not missing:
            return
        groups = " ".join(f'"{group}"' for group in user.groups)
        raise Forbidden(
            f'{kind.resource} "{name}" is forbidden: user "{user.name}" (groups=[{groups}]) is attempting '
            "to grant RBAC permissions not currently held:\n" + "\n".join(missing),
            details={"name": name, "group": kind.group, "kind": kind.plural},
        )


def attributes_of(request: Request, target: Target | None) -> Attributes:
    """What a request is about, as Kubernetes' RequestInfo has it."""
    if target is None:
        verb = "get" if request.method == "HEAD" else request.method.lower()
        return Attributes(verb, path=request.path.rstrip("/") or "/")
    namespace = target.namespace or ""
    if target.plural == "namespaces" and not target.group:
        namespace = target.name
    return Attributes(
        verb=_verb(request, target),
        group=target.group,
        resource=target.plural,
        subresource=target.subresource,
        namespace=namespace,
        name=target.name,
    )


def _verb(request: Request, target: Target) -> str:
    if request.method == "DELETE":
        return "delete" if target.name else "deletecollection"
    if request.method != "GET":
        return _VERBS.get(request.method, request.method.lower())
    if target.subresource:
        return "get"
    watching = request.query.get("watch", "false").lower() in ("true", "1", "")
    if watching:
        return "watch"
    return "get" if target.name else "list"
