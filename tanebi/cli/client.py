"""One person's calls to the API server, blocking, over HTTPS.

`http.client` and not httpx: measured on the development machine its import costs 40 ms against 160 ms, and one command makes
a handful of requests on one connection. The platform's own parts use tanebi.kube, never this.
"""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import click

from tanebi.base.errors import TanebiError, Unavailable
from tanebi.base.settings import DataDir
from tanebi.cli import timing
from tanebi.cli.platform import Access, access, not_running

TIMEOUT_S: Final = 30.0
IDLE_S: Final = 3.0  # less than the server keeps an idle connection
LINE_MAX_BYTES: Final = 64 * 1024 * 1024
FIELD_MANAGER: Final = "tanebi"
JSON: Final = "application/json"
TABLE: Final = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"


class ApiFailure(TanebiError):
    """The API server's refusal: its Status object, told in one line."""

    def __init__(self, status: int, reason: str, message: str, details: Any = None) -> None:
        shown = f"{message} ({reason})" if reason else message
        super().__init__("api-refused", shown)
        self.status = status
        self.reason = reason
        self.text = message
        self.details = details


class Api:
    """A connection to the platform of one data directory."""

    def __init__(self, where: Access, home: DataDir) -> None:
        self._where = where
        self._home = home
        self._tls = ssl.create_default_context(cadata=where.ca_pem)
        self._connection: http.client.HTTPSConnection | None = None
        self._used_at = 0.0

    @classmethod
    def of(cls, home: DataDir) -> Api:
        """Raises Unavailable when no platform is running there."""
        return cls(access(home), home)

    @property
    def home(self) -> DataDir:
        return self._home

    def get(self, path: str, query: Mapping[str, str] | None = None, *, accept: str = JSON) -> Any:
        return self.call("GET", path, query=query, accept=accept)

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str = JSON,
        accept: str = JSON,
    ) -> Any:
        """The answer's JSON. Raises ApiFailure for a refusal, Unavailable when nobody listens."""
        payload = None if body is None else json.dumps(body).encode()
        headers = {"Accept": accept}
        if payload is not None:
            headers["Content-Type"] = content_type
        response = self._send(method, _target(path, query), payload, headers)
        return answer(response.status, response.read())

    def stream(
        self,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        accept: str = JSON,
        timeout_s: float | None = None,
    ) -> Iterator[bytes]:
        """Lines of an answer that keeps coming, on a connection of its own. Raises TimeoutError after a silence of
        `timeout_s` (None: never)."""
        connection = self._connect(timeout_s=TIMEOUT_S)
        try:
            connection.request(
                "GET", _target(path, query), headers=self._headers({"Accept": accept})
            )
            response = connection.getresponse()
            if response.status >= 400:
                answer(response.status, response.read())
            if connection.sock is not None:
                connection.sock.settimeout(timeout_s)
            while line := response.readline(LINE_MAX_BYTES):
                yield line
        except (ConnectionError, http.client.HTTPException) as error:
            raise not_running(self._home) from error
        finally:
            connection.close()

    def watch(
        self,
        path: str,
        query: Mapping[str, str],
        *,
        accept: str = JSON,
        timeout_s: float | None = None,
    ) -> Iterator[tuple[str, Any]]:
        """Type and object of each watch event; bookmarks are left out."""
        full = {**query, "watch": "true"}
        for line in self.stream(path, full, accept=accept, timeout_s=timeout_s):
            if not line.strip():
                continue
            event = json.loads(line)
            if event["type"] == "ERROR":
                _raise_status(int(event["object"].get("code") or 500), event["object"])
            if event["type"] != "BOOKMARK":
                yield event["type"], event["object"]

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _send(
        self, method: str, target: str, payload: bytes | None, headers: dict[str, str]
    ) -> http.client.HTTPResponse:
        if timing.monotonic() - self._used_at > IDLE_S:
            self.close()  # the server closes what is idle: a command that waited begins anew
        if self._connection is None:
            self._connection = self._connect(timeout_s=TIMEOUT_S)
        try:
            self._connection.request(method, target, payload, self._headers(headers))
            answer = self._connection.getresponse()
            self._used_at = timing.monotonic()
            return answer
        except TimeoutError as error:
            self.close()
            raise Unavailable(
                "api-slow", f"the API server did not answer within {TIMEOUT_S:g} s"
            ) from error
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise not_running(self._home) from error

    def _connect(self, *, timeout_s: float) -> http.client.HTTPSConnection:
        parts = urlsplit(self._where.server)
        assert parts.hostname is not None, "a kubeconfig's server has a host"
        connection = http.client.HTTPSConnection(
            parts.hostname, parts.port or 443, context=self._tls, timeout=timeout_s
        )
        try:
            connection.connect()
        except OSError as error:
            connection.close()
            raise not_running(self._home) from error
        return connection

    def _headers(self, more: Mapping[str, str]) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._where.token}", **more}


def connect(home: DataDir) -> Api:
    """For a command: closed when the command ends. Raises Unavailable when no platform is running there."""
    api = Api.of(home)
    click.get_current_context().call_on_close(api.close)
    return api


def _target(path: str, query: Mapping[str, str] | None) -> str:
    given = {k: v for k, v in (query or {}).items() if v != ""}
    return f"{path}?{urlencode(given)}" if given else path


def answer(status: int, body: bytes) -> Any:
    """The JSON of an answer. Raises ApiFailure for a refusal."""
    value: Any = None
    with suppress(ValueError):
        value = json.loads(body) if body else None
    if status < 400:
        return value
    _raise_status(status, value if isinstance(value, dict) else {})


def _raise_status(status: int, value: dict[str, Any]) -> None:
    message = str(value.get("message") or f"the API server answered {status}")
    raise ApiFailure(status, str(value.get("reason") or ""), message, value.get("details"))
