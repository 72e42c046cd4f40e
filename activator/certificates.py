"""Which certificate a client sees, by the name it asks for.

In this order: the Secret that an Ingress names for the host (a DomainMapping's `spec.tls` becomes one), the certificate that the
platform was given, and else one made for the name on demand, if it is a name that leads somewhere here. Whoever asks for no name,
or for one that nobody knows, sees the default. Callers: activator.feed tells of Secrets; tanebi.http.tls asks by the context.
"""

from __future__ import annotations

import re
import ssl
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Final

from tanebi.base.log import get_logger
from tanebi.http.tls import KeyPair, server_context

REMEMBERED_MAX: Final = 1024
DEFAULT_NAME: Final = "localhost"
_NAME: Final = re.compile(r"[a-z0-9*]([a-z0-9_.-]{0,251}[a-z0-9])?")

log = get_logger("gateway")

Mint = Callable[[str], KeyPair]


class Certificates:
    """`given`: shown for every name that no Secret covers. Without it `mint` makes one for each name that is `known`."""

    def __init__(
        self,
        *,
        mint: Mint,
        given: KeyPair | None = None,
        known: Callable[[str], bool] = lambda name: False,
    ) -> None:
        """Raises ValueError when `given` is not a certificate and its key."""
        self.known = known
        self._mint = mint
        self._given = given
        self._secrets: Mapping[str, KeyPair] = {}
        self._contexts: OrderedDict[str, tuple[KeyPair | None, ssl.SSLContext]] = OrderedDict()
        self.context = server_context(given or mint(DEFAULT_NAME))
        self.context.sni_callback = self._choose

    def set_secrets(self, by_host: Mapping[str, KeyPair]) -> None:
        """Hosts (`*.` covers one level) whose certificates are in Secrets."""
        self._secrets = by_host

    def context_for(self, name: str) -> ssl.SSLContext | None:
        """None: the default one."""
        name = name.lower().rstrip(".")
        if not _NAME.fullmatch(name):
            return None
        pair = self._secret(name)
        if pair is None and (self._given is not None or not self.known(name)):
            return None
        remembered = self._contexts.get(name)
        if remembered is not None and remembered[0] is pair:
            self._contexts.move_to_end(name)
            return remembered[1]
        try:
            context = server_context(pair or self._mint(name))
        except ValueError as error:
            log.warning("certificate not usable", host=name, error=str(error))
            return None
        self._contexts[name] = (pair, context)
        if len(self._contexts) > REMEMBERED_MAX:
            self._contexts.popitem(last=False)
        return context

    def _secret(self, name: str) -> KeyPair | None:
        found = self._secrets.get(name)
        return found or self._secrets.get("*." + name.partition(".")[2])

    def _choose(self, connection: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> None:
        chosen = self.context_for(name) if name else None
        if chosen is not None:
            connection.context = chosen
