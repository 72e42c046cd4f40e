"""Questions that are asked by creating an object: who am I, who is this, may I, may they. Nothing is stored.

Caller: tanebi.apiserver.server.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import orjson

from tanebi.api.core.kinds_identity import (
    ACCESS_REVIEW,
    LOCAL_ACCESS_REVIEW,
    SELF_ACCESS_REVIEW,
    SELF_RULES_REVIEW,
    SELF_SUBJECT_REVIEW,
    TOKEN_REVIEW,
)
from tanebi.api.kind import AnyKind
from tanebi.api.meta import Obj, rfc3339
from tanebi.apiserver import codec, metadata, rbac, status
from tanebi.apiserver.authorization import Authorizer
from tanebi.apiserver.paths import Target
from tanebi.apiserver.rbac import MASTERS, Attributes
from tanebi.apiserver.tokens import ISSUER, TokenService
from tanebi.apiserver.user import User
from tanebi.apiserver.views import negotiate
from tanebi.base.clock import Clock
from tanebi.kube.errors import BadRequest, NotAcceptable
from tanebi.kube.transport import Request, Response

_EVERYTHING: Final[tuple[Obj, ...]] = (
    {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]},
    {"verbs": ["*"], "nonResourceURLs": ["*"]},
)


class Reviews:
    def __init__(self, authorizer: Authorizer, tokens: TokenService, clock: Clock) -> None:
        self._authorizer = authorizer
        self._tokens = tokens
        self._clock = clock
        self._by_kind: dict[AnyKind, Callable[[Obj, User], Obj]] = {
            TOKEN_REVIEW: self._token,
            SELF_SUBJECT_REVIEW: lambda spec, user: {"userInfo": user.info()},
            ACCESS_REVIEW: self._access,
            LOCAL_ACCESS_REVIEW: self._access,
            SELF_ACCESS_REVIEW: self._own_access,
            SELF_RULES_REVIEW: self._own_rules,
        }

    def handle(self, request: Request, user: User, kind: AnyKind, target: Target) -> Response:
        """Raises ApiError."""
        if request.method != "POST" or target.name:
            raise status.wrong_method()
        wanted = request.headers.get("accept", "")
        if negotiate(kind, wanted, request.query, now=self._clock.wall()).shape != "object":
            raise NotAcceptable(f"only the following media types are accepted: {codec.JSON}")
        body, _ = codec.decode(request.body, request.headers.get("content-type", ""))
        metadata.check_identity(kind, body)
        spec: Obj = body.get("spec") or {}
        if kind.namespaced:
            _check_namespace(spec, target.namespace)
        answer = {
            "kind": kind.kind,
            "apiVersion": kind.api_version,
            "metadata": {"creationTimestamp": rfc3339(self._clock.wall())},
            **({"spec": spec} if kind is not SELF_SUBJECT_REVIEW else {}),
            "status": self._by_kind[kind](spec, user),
        }
        return Response(201, {"content-type": codec.JSON}, orjson.dumps(answer))

    def _token(self, spec: Obj, user: User) -> Obj:
        audiences = [str(one) for one in spec.get("audiences") or ()] or [ISSUER]
        found = self._tokens.user(str(spec.get("token") or ""), audiences)
        if found is None:
            return {"user": {}, "error": "[invalid bearer token, unknown token]"}
        return {"authenticated": True, "user": found.info(), "audiences": audiences}

    def _access(self, spec: Obj, user: User) -> Obj:
        name, groups = str(spec.get("user") or ""), spec.get("groups") or ()
        if not name and not groups:
            raise BadRequest(
                "spec.user: Invalid value: at least one of user or group must be specified"
            )
        return self._verdict(spec, User(name, tuple(map(str, groups)), str(spec.get("uid") or "")))

    def _own_access(self, spec: Obj, user: User) -> Obj:
        return self._verdict(spec, user)

    def _verdict(self, spec: Obj, user: User) -> Obj:
        return {"allowed": self._authorizer.allows(user, _attributes(spec))}

    def _own_rules(self, spec: Obj, user: User) -> Obj:
        namespace = str(spec.get("namespace") or "")
        if not namespace:
            raise BadRequest("no namespace on request")
        rules = (
            _EVERYTHING
            if MASTERS in user.groups
            else list(rbac.rules_of(user, namespace, self._authorizer))
        )
        return {
            "resourceRules": [dict(rule) for rule in rules if rule.get("resources")],
            "nonResourceRules": [dict(rule) for rule in rules if rule.get("nonResourceURLs")],
            "incomplete": False,
        }


def _check_namespace(spec: Obj, namespace: str | None) -> None:
    if ((spec.get("resourceAttributes") or {}).get("namespace") or "") != (namespace or ""):
        raise BadRequest("spec.resourceAttributes.namespace: must match metadata.namespace")


def _attributes(spec: Obj) -> Attributes:
    of_resource, of_path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    if bool(of_resource) == bool(of_path):
        raise BadRequest(
            "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        )
    found: Obj = of_resource or of_path or {}
    text = {name: str(found.get(name) or "") for name in ("verb", "group", "resource")}
    if of_path:
        return Attributes(text["verb"], path=str(found.get("path") or ""))
    return Attributes(
        **text,
        subresource=str(found.get("subresource") or ""),
        namespace=str(found.get("namespace") or ""),
        name=str(found.get("name") or ""),
    )
