"""Tokens of service accounts: made by TokenRequest, good for an audience, a time, and while what they are bound to exists.

Source: k8s.io/kubernetes pkg/serviceaccount, pkg/registry/core/serviceaccount/storage/token.go. Callers: tanebi.apiserver.server
(the token subresource), tanebi.apiserver.authentication, tanebi.apiserver.reviews, tanebi.apiserver.accounts.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from tanebi.api.core.kinds import POD, SECRET
from tanebi.api.core.kinds_cluster import NODE
from tanebi.api.core.kinds_identity import SERVICE_ACCOUNT
from tanebi.api.kind import AnyKind
from tanebi.api.meta import Key, Obj, rfc3339
from tanebi.apiserver import status
from tanebi.apiserver.jwt import KeyRing
from tanebi.apiserver.rbac import SERVICE_ACCOUNT as PREFIX
from tanebi.apiserver.store import Store
from tanebi.apiserver.user import AUTHENTICATED, User
from tanebi.base.clock import Clock
from tanebi.base.rng import Rng, new_uid
from tanebi.kube.errors import BadRequest, Conflict

ISSUER: Final = "https://kubernetes.default.svc.cluster.local"
LIFE_S: Final = 3600
LIFE_MIN_S: Final = 600
LIFE_MAX_S: Final = 1 << 32
AUDIENCES_MAX: Final = 16
_EXTRA: Final = "authentication.kubernetes.io"
_BOUND: Final[dict[tuple[str, str], AnyKind]] = {("v1", "Pod"): POD, ("v1", "Secret"): SECRET}


class TokenService:
    """`keys` None: this server has no data directory, and no tokens."""

    def __init__(self, store: Store, keys: KeyRing | None, *, clock: Clock, rng: Rng) -> None:
        self.keys = keys
        self._store = store
        self._clock = clock
        self._rng = rng

    # --- making --------------------------------------------------------------------------------

    def request(self, key: Key, asked: Obj) -> Obj:
        """A TokenRequest with its token. Raises ApiError."""
        account = self._object(SERVICE_ACCOUNT, key)
        if account is None:
            raise status.not_found(SERVICE_ACCOUNT, key.name)
        spec: Obj = asked.get("spec") or {}
        audiences = [str(one) for one in spec.get("audiences") or ()] or [ISSUER]
        if len(audiences) > AUDIENCES_MAX:
            raise BadRequest(f"at most {AUDIENCES_MAX} audiences can be asked for")
        life_s = _life(spec.get("expirationSeconds"))
        bound = self._bound(key.namespace, spec.get("boundObjectRef") or {})
        token, ends = self._signed(account, audiences, life_s, bound)
        return {
            "kind": "TokenRequest",
            "apiVersion": "authentication.k8s.io/v1",
            "metadata": {
                "name": key.name,
                "namespace": key.namespace,
                "creationTimestamp": rfc3339(self._clock.wall()),
            },
            "spec": {
                "audiences": audiences,
                "expirationSeconds": life_s,
                "boundObjectRef": spec.get("boundObjectRef"),
            },
            "status": {"token": token, "expirationTimestamp": rfc3339(ends)},
        }

    def lasting(self, account: Obj, secret: Obj) -> str:
        """The token of a Secret of type kubernetes.io/service-account-token: good as long as the Secret is there."""
        bound = {"secret": {"name": secret["metadata"]["name"], "uid": secret["metadata"]["uid"]}}
        return self._signed(account, [ISSUER], LIFE_MAX_S, bound)[0]

    def _signed(
        self, account: Obj, audiences: Sequence[str], life_s: int, bound: Obj
    ) -> tuple[str, datetime]:
        if self.keys is None:
            raise BadRequest("this server signs no tokens")
        meta = account["metadata"]
        now = int(self._clock.wall().timestamp())
        claims = {
            "aud": list(audiences),
            "exp": now + life_s,
            "iat": now,
            "iss": ISSUER,
            "jti": new_uid(self._rng),
            "kubernetes.io": {
                "namespace": meta["namespace"],
                "serviceaccount": {"name": meta["name"], "uid": meta["uid"]},
                **bound,
            },
            "nbf": now,
            "sub": f"{PREFIX}{meta['namespace']}:{meta['name']}",
        }
        return self.keys.sign(claims), datetime.fromtimestamp(now + life_s, UTC)

    def _bound(self, namespace: str, ref: Obj) -> Obj:
        if not ref:
            return {}
        kind = _BOUND.get((str(ref.get("apiVersion")), str(ref.get("kind"))))
        if kind is None:
            raise BadRequest(f"cannot bind token for serviceaccount to kind {ref.get('kind')!r}")
        found = self._object(kind, Key(namespace, str(ref.get("name"))))
        if found is None:
            raise status.not_found(kind, str(ref.get("name")))
        uid = found["metadata"]["uid"]
        if ref.get("uid") and ref["uid"] != uid:
            raise Conflict(
                f"the UID in the bound object reference ({ref['uid']}) does not match the UID in record. "
                "The object might have been deleted and then recreated"
            )
        bound: Obj = {kind.kind.lower(): {"name": ref["name"], "uid": uid}}
        node = self._object(NODE, Key("", str((found.get("spec") or {}).get("nodeName") or "")))
        if kind is POD and node is not None:
            bound["node"] = {"name": node["metadata"]["name"], "uid": node["metadata"]["uid"]}
        return bound

    # --- checking ------------------------------------------------------------------------------

    def user(self, token: str, audiences: Sequence[str] = (ISSUER,)) -> User | None:
        """Who a token of ours stands for; None when it is none, has ended, or what it is bound to is gone."""
        claims = self.keys.claims(token) if self.keys is not None else None
        if claims is None or claims.get("iss") != ISSUER:
            return None
        now = self._clock.wall().timestamp()
        if not (_number(claims, "nbf") <= now < _number(claims, "exp")):
            return None
        if not set(claims.get("aud") or ()) & set(audiences):
            return None
        own = claims.get("kubernetes.io") or {}
        if not self._is_living(own):
            return None
        account, namespace = own["serviceaccount"], str(own.get("namespace") or "")
        extra = _extra(str(claims.get("jti") or ""), own)
        return account_user(namespace, str(account["name"]), uid=str(account["uid"]), extra=extra)

    def _is_living(self, own: Obj) -> bool:
        """Whether the account is there, and what the token is bound to."""
        namespace = str(own.get("namespace") or "")
        named: dict[str, AnyKind] = {
            "serviceaccount": SERVICE_ACCOUNT,
            "pod": POD,
            "secret": SECRET,
        }
        if "serviceaccount" not in own:
            return False
        for claim, kind in named.items():
            ref = own.get(claim)
            if ref is None:
                continue
            found = self._object(kind, Key(namespace, str(ref.get("name"))))
            if found is None or found["metadata"]["uid"] != ref.get("uid"):
                return False
        return True

    def _object(self, kind: AnyKind, key: Key) -> Obj | None:
        entry = self._store.get(kind.resource, key)
        return entry.obj if entry is not None else None


def account_user(
    namespace: str,
    name: str,
    *,
    uid: str = "",
    extra: tuple[tuple[str, tuple[str, ...]], ...] = (),
) -> User:
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", AUTHENTICATED)
    return User(f"{PREFIX}{namespace}:{name}", groups, uid, extra)


def _extra(jti: str, own: Obj) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """What is known of the token besides whose it is."""
    found = [(f"{_EXTRA}/credential-id", (f"JTI={jti}",))] if jti else []
    for claim in ("pod", "node"):
        for field in ("name", "uid") if claim in own else ():
            found.append((f"{_EXTRA}/{claim}-{field}", (str(own[claim].get(field)),)))
    return tuple(found)


def _life(asked: Any) -> int:
    if asked is None:
        return LIFE_S
    if not isinstance(asked, int) or isinstance(asked, bool) or asked > LIFE_MAX_S:
        raise BadRequest(f"spec.expirationSeconds: Invalid value: {asked!r}")
    if asked < LIFE_MIN_S:
        raise BadRequest(
            f"spec.expirationSeconds: Invalid value: {asked}: may not specify a duration less than 10 minutes"
        )
    return asked


def _number(claims: Obj, name: str) -> float:
    value = claims.get(name)
    return float(value) if isinstance(value, int | float) else float("nan")
