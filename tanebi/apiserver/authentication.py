"""Who a caller is: the token of this data directory, tokens of a file, tokens of service accounts, client certificates; and whom
they wish to be taken for (impersonation).

Tokens are compared in constant time and never logged. Caller: tanebi.apiserver.https.
"""

from __future__ import annotations

import csv
import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tanebi.apiserver.authorization import Authorizer
from tanebi.apiserver.rbac import SERVICE_ACCOUNT, Attributes
from tanebi.apiserver.tokens import TokenService, account_user
from tanebi.apiserver.user import ANONYMOUS, AUTHENTICATED, User
from tanebi.base.clock import Clock
from tanebi.base.errors import UserError
from tanebi.base.log import get_logger
from tanebi.kube.errors import Unauthorized

TOKEN_FILE: Final = "tokens.csv"
USER_HEADER: Final = b"impersonate-user"
GROUP_HEADER: Final = b"impersonate-group"
UID_HEADER: Final = b"impersonate-uid"
REFUSALS_EVERY_S: Final = 60.0
PEERS_MAX: Final = 1024
Headers = Sequence[tuple[bytes, bytes]]


class Authenticator:
    """`known` are users by their secret tokens."""

    def __init__(
        self, known: Mapping[str, User], tokens: TokenService, authorizer: Authorizer
    ) -> None:
        # Digests are compared, so that neither content nor length of a secret shows in the time it takes.
        self._known = [
            (hashlib.sha256(token.encode()).digest(), who) for token, who in known.items()
        ]
        self._tokens = tokens
        self._authorizer = authorizer

    def user(self, headers: Headers, certificate: Mapping[str, Any] | None) -> User:
        """ANONYMOUS when nothing is shown. Raises Unauthorized for what is shown and not good, Forbidden for an impersonation."""
        given = [value for name, value in headers if name == b"authorization"]
        if given:
            who = self._by_token(given[0])
        else:
            who = _by_certificate(certificate) if certificate else ANONYMOUS
        return self._as_another(who, headers)

    def _by_token(self, authorization: bytes) -> User:
        scheme, _, token = authorization.decode("latin-1").partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            raise Unauthorized("Unauthorized")
        found = self._tokens.user(token)
        digest = hashlib.sha256(token.encode("latin-1")).digest()
        for known, who in self._known:
            if hmac.compare_digest(known, digest):
                found = who
        if found is None:
            raise Unauthorized("Unauthorized")
        return found

    def _as_another(self, who: User, headers: Headers) -> User:
        """Whom a caller who may wishes to be taken for."""
        names = [value.decode("latin-1") for name, value in headers if name == USER_HEADER]
        groups = [value.decode("latin-1") for name, value in headers if name == GROUP_HEADER]
        uids = [value.decode("latin-1") for name, value in headers if name == UID_HEADER]
        if not names:
            if groups or uids:
                raise Unauthorized("impersonation names groups or a uid without a user")
            return who
        for wanted in _needed(names[0], groups, uids):
            self._authorizer.require(who, wanted)
        own = _own_groups(names[0])
        return User(names[0], tuple(dict.fromkeys((*groups, *own))), uids[0] if uids else "")


class RefusalLog:
    """One line a client and REFUSALS_EVERY_S, however often it tries; what it showed is never told."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._told: dict[str, float] = {}
        self._log = get_logger("apiserver.authentication")

    def refused(self, peer: str) -> None:
        now = self._clock.now()
        if now - self._told.get(peer, -REFUSALS_EVERY_S) < REFUSALS_EVERY_S:
            return
        if len(self._told) >= PEERS_MAX:
            self._told.clear()
        self._told[peer] = now
        self._log.warning("credentials refused", peer=peer)


def _needed(name: str, groups: Iterable[str], uids: Iterable[str]) -> list[Attributes]:
    account = (
        name.removeprefix(SERVICE_ACCOUNT).split(":") if name.startswith(SERVICE_ACCOUNT) else []
    )
    if len(account) == 2:
        namespace, own = account
        first = Attributes("impersonate", "", "serviceaccounts", namespace=namespace, name=own)
    else:
        first = Attributes("impersonate", "", "users", name=name)
    group = "authentication.k8s.io"
    return [
        first,
        *(Attributes("impersonate", "", "groups", name=one) for one in groups),
        *(Attributes("impersonate", group, "uids", name=one) for one in uids),
    ]


def _own_groups(name: str) -> tuple[str, ...]:
    if name == ANONYMOUS.name:
        return ANONYMOUS.groups
    parts = name.removeprefix(SERVICE_ACCOUNT).split(":")
    if name.startswith(SERVICE_ACCOUNT) and len(parts) == 2:
        return account_user(*parts).groups
    return (AUTHENTICATED,)


def _by_certificate(certificate: Mapping[str, Any]) -> User:
    """CN is the name, each O a group. That our own authority signed it for clients, TLS has seen to. Raises Unauthorized."""
    found = [(key, value) for part in certificate.get("subject", ()) for key, value in part]
    names = [value for key, value in found if key == "commonName"]
    if not names:
        raise Unauthorized("Unauthorized")
    groups = [value for key, value in found if key == "organizationName"]
    return User(names[0], (*groups, AUTHENTICATED))


def read_tokens(path: Path) -> dict[str, User]:
    """`token,user,uid,"group1,group2"` a line, as Kubernetes' --token-auth-file. Raises UserError."""
    try:
        text = path.read_text()
    except FileNotFoundError:
        return {}
    found: dict[str, User] = {}
    for number, row in enumerate(csv.reader(text.splitlines()), 1):
        if not row or row[0].startswith("#"):
            continue
        if len(row) < 3 or not row[0] or not row[1]:
            raise UserError(
                "bad-token-file",
                f"{path}, line {number}: a token, a user name and a uid are needed, separated by commas",
                hint='a line is `token,name,uid,"group1,group2"`; the groups may be left out',
            )
        groups = tuple(one.strip() for one in row[3].split(",")) if len(row) > 3 and row[3] else ()
        found[row[0]] = User(row[1], (*groups, AUTHENTICATED), row[2])
    return found
