"""What a registry is told of who pulls: from `imagePullSecrets` to the Engine API's X-Registry-Auth. Pure.

Secrets are those of `kubectl create secret docker-registry` (`.dockerconfigjson`) and their older form (`.dockercfg`). Which
entry holds for an image is decided as in the kubelet: by registry host, the longest path first.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from tanebi.api.core.plain import Secret

DOCKER_HUB: Final = "docker.io"
_HUB_NAMES: Final = (
    "index.docker.io",
    "registry-1.docker.io",
    "registry.hub.docker.com",
    DOCKER_HUB,
)


@dataclass(frozen=True, slots=True)
class Login:
    server: str
    username: str
    password: str

    def header(self) -> str:
        """The value of X-Registry-Auth."""
        body = {
            "username": self.username,
            "password": self.password,
            "serveraddress": self.server,
        }
        return base64.urlsafe_b64encode(json.dumps(body).encode()).decode()


def login_for(image: str, secrets: Iterable[Secret]) -> Login | None:
    """The login that fits `image` best; None: nobody knows the registry."""
    wanted = _place_of(image)
    found = [
        (len(place), login)
        for secret in secrets
        for place, login in _logins(secret)
        if wanted == place or wanted.startswith(f"{place}/")
    ]
    return max(found, key=lambda one: one[0])[1] if found else None


def _place_of(image: str) -> str:
    """Registry and repository, with Docker Hub's names made one."""
    name = image.partition("@")[0]
    first, slash, rest = name.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return f"{DOCKER_HUB if first in _HUB_NAMES else first}/{rest}"
    return f"{DOCKER_HUB}/{name}"


def _logins(secret: Secret) -> Iterator[tuple[str, Login]]:
    """Every place that a secret knows. What is not understood is passed over: the pull then says what it lacks."""
    for key, value in secret.data.items():
        try:
            found = json.loads(base64.b64decode(value, validate=True))
        except (ValueError, binascii.Error):
            continue
        entries = found.get("auths", {}) if key == ".dockerconfigjson" else found
        if key in (".dockerconfigjson", ".dockercfg") and isinstance(entries, dict):
            for server, entry in entries.items():
                login = _login(server, entry)
                if login is not None:
                    yield _server_place(server), login


def _login(server: str, entry: Any) -> Login | None:
    if not isinstance(entry, dict):
        return None
    username, password = str(entry.get("username", "")), str(entry.get("password", ""))
    if not username and entry.get("auth"):
        try:
            pair = base64.b64decode(entry["auth"]).decode()
        except (ValueError, binascii.Error):
            return None
        username, _, password = pair.partition(":")
    return Login(server, username, password) if username else None


def _server_place(server: str) -> str:
    bare = server.split("://", 1)[-1].rstrip("/")
    host, _, path = bare.partition("/")
    host = DOCKER_HUB if host in _HUB_NAMES else host
    return f"{host}/{path}" if path and path not in ("v1", "v2") else host
