"""A registry for tests: one image over the v2 API on loopback, with a token login and every way to fail.

Blocking on purpose, in threads of its own, as tanebi.testing.platform is. It keeps nothing on disk.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import ssl
import tarfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import parse_qs, urlsplit

from tanebi.apiserver import pki
from tanebi.base.clock import SystemClock

Trouble = Literal["", "missing", "busy", "broken", "garbage", "silent"]

USER: Final = "ann"
PASSWORD: Final = "apples and pears"
SLOW_S: Final = 0.1  # between the pieces of a blob that is slow
PIECES: Final = 4
MANIFEST_TYPE: Final = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG_TYPE: Final = "application/vnd.docker.container.image.v1+json"
LAYER_TYPE: Final = "application/vnd.docker.image.rootfs.diff.tar.gzip"


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@dataclass(slots=True)
class Registry:
    """`port` is known once it is `opened`. What is in `private` needs the login. `trouble` holds for a repository: for so many
    requests as `lasts` says, else for good. `slow` holds for its blobs. `asked` has each request for a manifest: its method and
    path, and who asked."""

    port: int = 0
    private: set[str] = field(default_factory=set)
    trouble: dict[str, Trouble] = field(default_factory=dict)
    lasts: dict[str, int] = field(default_factory=dict)
    slow: set[str] = field(default_factory=set)
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    _manifests: dict[tuple[str, str], bytes] = field(default_factory=dict)
    _blobs: dict[str, bytes] = field(default_factory=dict)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def put(self, repository: str, tag: str, files: Mapping[str, bytes], **config: Any) -> str:
        """An image of one layer; `config` is its Cmd, Env and so on. Returns the manifest's digest."""
        layer = _layer(files)
        packed = gzip.compress(layer, 1, mtime=0)
        described = {
            "architecture": "amd64",
            "os": "linux",
            "config": config,
            "rootfs": {"type": "layers", "diff_ids": [digest_of(layer)]},
        }
        body = json.dumps(described).encode()
        manifest = json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST_TYPE,
                "config": _part(CONFIG_TYPE, body),
                "layers": [_part(LAYER_TYPE, packed)],
            }
        ).encode()
        self._blobs |= {digest_of(body): body, digest_of(packed): packed}
        for name in (tag, digest_of(manifest)):
            self._manifests[repository, name] = manifest
        return digest_of(manifest)

    def docker_config(self, user: str = USER, password: str = PASSWORD) -> bytes:
        """What `kubectl create secret docker-registry` puts under `.dockerconfigjson`."""
        pair = base64.b64encode(f"{user}:{password}".encode()).decode()
        return json.dumps({"auths": {self.host: {"auth": pair}}}).encode()

    def manifest(self, repository: str, name: str) -> bytes | None:
        return self._manifests.get((repository, name))

    def trouble_now(self, repository: str) -> Trouble:
        """Of one request more."""
        left = self.lasts.get(repository)
        if left == 0:
            return ""
        if left is not None:
            self.lasts[repository] = left - 1
        return self.trouble.get(repository, "")

    def blob(self, name: str) -> bytes | None:
        return self._blobs.get(name)


def _part(media_type: str, content: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "size": len(content), "digest": digest_of(content)}


def _layer(files: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(content), 0o755
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    registry: Registry  # set by `opened`

    def log_message(self, format: str, *args: Any) -> None:
        """Silent."""

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path == "/token":
            self._token()
            return
        if path == "/v2/":
            self._answer(401 if self.registry.private else 200, b"{}", challenge=True)
            return
        repository, kind, name = path.removeprefix("/v2/").rsplit("/", 2)
        if kind == "manifests":
            self.registry.asked.append((self.command, path, self._who()))
        if repository in self.registry.private and self._who() != USER:
            self._error(401, "UNAUTHORIZED", "authentication required", challenge=True)
            return
        trouble = self.registry.trouble_now(repository)
        if trouble:
            self._fail(trouble)
        elif kind == "manifests":
            self._manifest(repository, name)
        else:
            self._blob(repository, name)

    def _who(self) -> str:
        return self.headers.get("Authorization", "").removeprefix("Bearer for-").strip()

    def _token(self) -> None:
        """The token names who asked: nobody here is fooled by it."""
        wanted = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        given = self.headers.get("Authorization", "")
        if given and given != f"Basic {wanted}":
            self._error(401, "UNAUTHORIZED", "incorrect username or password")
            return
        query = parse_qs(urlsplit(self.path).query)
        who = USER if given else "nobody"
        self._answer(200, json.dumps({"token": f"for-{who}", "scope": query.get("scope")}).encode())

    def _manifest(self, repository: str, name: str) -> None:
        found = self.registry.manifest(repository, name)
        if found is None:
            self._error(404, "MANIFEST_UNKNOWN", "manifest unknown")
        else:
            self._answer(200, found, MANIFEST_TYPE, {"Docker-Content-Digest": digest_of(found)})

    def _blob(self, repository: str, name: str) -> None:
        found = self.registry.blob(name)
        if found is None:
            self._error(404, "BLOB_UNKNOWN", "blob unknown to registry")
        else:
            self._answer(
                200, found, "application/octet-stream", slowly=repository in self.registry.slow
            )

    def _fail(self, trouble: Trouble) -> None:
        match trouble:
            case "missing":
                self._error(404, "MANIFEST_UNKNOWN", "manifest unknown")
            case "busy":
                self._error(429, "TOOMANYREQUESTS", "slow down", {"Retry-After": "1"})
            case "broken":
                self._error(500, "UNKNOWN", "the store is broken")
            case "garbage":
                self._answer(200, b"<html>not what you wanted</html>", MANIFEST_TYPE)
            case "silent":
                self.close_connection = True

    def _error(
        self,
        status: int,
        code: str,
        message: str,
        headers: Mapping[str, str] | None = None,
        *,
        challenge: bool = False,
    ) -> None:
        body = json.dumps({"errors": [{"code": code, "message": message}]}).encode()
        self._answer(status, body, headers=headers, challenge=challenge)

    def _answer(
        self,
        status: int,
        body: bytes,
        media_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
        *,
        challenge: bool = False,
        slowly: bool = False,
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        if challenge:
            realm = f'Bearer realm="http://{self.registry.host}/token",service="tests"'
            self.send_header("WWW-Authenticate", realm)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        step = -(-len(body) // PIECES) if slowly else max(1, len(body))
        for at in range(0, len(body), step):
            if at:
                time.sleep(SLOW_S)
            self.wfile.write(body[at : at + step])


@contextmanager
def opened(certificate: Path | None = None) -> Iterator[Registry]:
    """A registry that answers until the end. `certificate`: over TLS, with this file's certificate and key."""
    registry = Registry()
    handler = type("Handler", (_Handler,), {"registry": registry})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    registry.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield registry
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def podman_knows(folder: Path, *hosts: str) -> Mapping[str, str]:
    """The variables that make Podman speak to `hosts` without TLS."""
    path = folder / "registries.conf"
    text = "".join(f'[[registry]]\nlocation = "{host}"\ninsecure = true\n' for host in hosts)
    path.write_text(text)
    return {"CONTAINERS_REGISTRIES_CONF": str(path)}


def self_signed(folder: Path) -> Path:
    """A certificate that nobody trusts, and its key, in one file."""
    made = pki.ensure(folder, now=SystemClock().wall())
    path = folder / "both.pem"
    path.write_bytes(made.certificate.read_bytes() + made.key.read_bytes())
    return path
