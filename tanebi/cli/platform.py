"""Finds the running platform of a data directory: its API server and its gateway.

Reads what `tanebi up` writes: `kubeconfig` and `endpoints.json` (docs/reference/data-directory.md).
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from tanebi.base.errors import Unavailable, UserError
from tanebi.base.settings import DataDir, default_data_dir, environment


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach an API server."""

    server: str
    ca_pem: str
    token: str


def data_dir(chosen: str | None) -> DataDir:
    """`--data-dir`, else TANEBI_DATA_DIR, else the per-user folder."""
    root = Path(chosen) if chosen else default_data_dir(environment())
    return DataDir(root.expanduser().absolute())


def not_running(home: DataDir) -> Unavailable:
    return Unavailable(
        "not-running",
        f"no platform is running for data directory {home.root}",
        hint="start it: tanebi up\n(another directory: --data-dir, or the variable TANEBI_DATA_DIR)",
    )


def access(home: DataDir) -> Access:
    """Raises Unavailable when no platform has written its kubeconfig here."""
    try:
        text = home.kubeconfig.read_text()
    except OSError as error:
        raise not_running(home) from error
    return parse_kubeconfig(text, home.kubeconfig)


def parse_kubeconfig(text: str, path: Path) -> Access:
    """The current context of a kubeconfig. Raises UserError when it lacks what we need."""
    try:
        config = _load(text)
        context = _named(config, "contexts", config["current-context"])["context"]
        cluster = _named(config, "clusters", context["cluster"])["cluster"]
        user = _named(config, "users", context["user"])["user"]
        ca_pem = base64.b64decode(cluster["certificate-authority-data"]).decode()
        return Access(cluster["server"], ca_pem, user["token"])
    except (KeyError, TypeError, ValueError, StopIteration) as error:
        raise UserError(
            "kubeconfig-invalid",
            f"{path} is not a kubeconfig of ours",
            hint="stop the platform, remove the file and start it again: tanebi up",
        ) from error


def gateway(home: DataDir) -> str:
    """The gateway's base URL. Raises Unavailable when the platform is not ready."""
    return str(endpoints(home)["gateway"]).rstrip("/")


def local_gateway(home: DataDir) -> str:
    """The gateway as people write it: `localhost` for any address that means this machine."""
    parts = urlsplit(gateway(home))
    if parts.hostname not in ("127.0.0.1", "0.0.0.0", "::1", "::"):
        return urlunsplit(parts)
    return f"{parts.scheme}://localhost:{parts.port or 80}"


def endpoints(home: DataDir) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(home.endpoints.read_text())
    except (OSError, ValueError) as error:
        raise not_running(home) from error
    return found


def _named(config: dict[str, Any], section: str, name: str) -> dict[str, Any]:
    return next(item for item in config[section] if item["name"] == name)


def _load(text: str) -> Any:
    """JSON is the quick case: YAML's parser costs 30 ms to import."""
    if text.lstrip().startswith("{"):
        return json.loads(text)
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError("not YAML") from error
