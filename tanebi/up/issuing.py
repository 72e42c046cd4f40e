"""The platform's own authority as the issuer of Certificates. Caller: tanebi.up.platform."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from serving.reconcile.issuing import Issued
from tanebi.apiserver import pki


class OwnIssuer:
    """Implements serving.reconcile.issuing.Issuer with the authority in `folder`, which the API's door has made."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def issue(self, names: Sequence[str], now: datetime) -> Issued:
        return _issued(pki.issue(self._folder, names, now=now))

    def recognize(
        self, certificate: bytes, key: bytes, names: Sequence[str], now: datetime
    ) -> Issued | None:
        leaf = pki.recognize(self._folder, certificate, key, names, now=now)
        return None if leaf is None else _issued(leaf)


def _issued(leaf: pki.Leaf) -> Issued:
    due = leaf.not_after - pki.RENEW_BEFORE
    return Issued(leaf.certificate, leaf.key, leaf.authority, due, leaf.not_after)
