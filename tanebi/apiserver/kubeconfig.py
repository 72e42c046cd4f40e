"""The kubeconfig that points an unmodified kubectl here. Caller: tanebi.up."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Final

import yaml

from tanebi.api.meta import Obj
from tanebi.base.files import write_atomically
from tanebi.base.rng import new_token

NAME: Final = "tanebi"
TOKEN_FILE: Final = "token"
TOKEN_LENGTH_MIN: Final = 16


def config(*, server: str, ca_pem: bytes, token: str, namespace: str = "default") -> Obj:
    """A kubeconfig with one cluster, one user and one context, all called `tanebi`."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": NAME,
                "cluster": {
                    "server": server,
                    "certificate-authority-data": base64.b64encode(ca_pem).decode(),
                },
            }
        ],
        "users": [{"name": NAME, "user": {"token": token}}],
        "contexts": [
            {"name": NAME, "context": {"cluster": NAME, "user": NAME, "namespace": namespace}}
        ],
        "current-context": NAME,
    }


def write(path: Path, *, server: str, ca_pem: bytes, token: str) -> None:
    """Mode 0600, replaced in one step. Raises OSError."""
    text: str = yaml.safe_dump(config(server=server, ca_pem=ca_pem, token=token), sort_keys=False)
    write_atomically(path, text.encode())


def ensure_token(folder: Path) -> str:
    """The bearer token of this data directory, made on first use, so that kubeconfigs stay good over restarts."""
    path = folder / TOKEN_FILE
    if path.exists():
        known = path.read_text().strip()
        if len(known) >= TOKEN_LENGTH_MIN:
            return known
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    token = new_token()
    write_atomically(path, token.encode())
    return token
