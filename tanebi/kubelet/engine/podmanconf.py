"""containers.conf of a Podman service of ours: what the machine's says, and how long a command that ended is kept.

Podman keeps a process for each ended command (`exec`) 300 s, so that its exit code can still be asked for. A probe by command
each second would have 300 of them standing. Podman before 4.6 reads one more file only instead of all others (CONTAINERS_CONF),
so ours is what the others say together. Order of the files: containers.conf(5).
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

KEPT_S: Final = 20
"""Seconds that an ended command is kept: the exit code is asked for at once (tanebi.kubelet.engine.session)."""


def write(folder: Path, environ: Mapping[str, str], *, root: Path = Path("/")) -> Path | None:
    """The file to name as CONTAINERS_CONF; None: a file of the machine is not TOML, which Podman will tell better."""
    settings: dict[str, Any] = {}
    for path in _files(environ, root):
        try:
            _merge(settings, tomllib.loads(path.read_text("utf-8")))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError):
            return None
        except OSError:
            continue  # not there, or not ours to read: then not Podman's either
    _merge(settings, {"engine": {"exit_command_delay": KEPT_S}})
    path = folder / "containers.conf"
    path.write_text(_toml(settings), "utf-8")
    return path


def _files(environ: Mapping[str, str], root: Path) -> list[Path]:
    if chosen := environ.get("CONTAINERS_CONF"):
        return [Path(chosen)]
    etc = root / "etc/containers"
    found = [root / "usr/share/containers/containers.conf", etc / "containers.conf"]
    found += sorted((etc / "containers.conf.d").glob("*.conf"))
    home = environ.get("XDG_CONFIG_HOME") or f"{environ.get('HOME', '')}/.config"
    own = Path(home) / "containers"
    return [*found, own / "containers.conf", *sorted((own / "containers.conf.d").glob("*.conf"))]


def _merge(into: dict[str, Any], more: Mapping[str, Any]) -> None:
    for key, value in more.items():
        if isinstance(value, dict):
            _merge(into.setdefault(key, {}), value)
        else:
            into[key] = value


def _toml(settings: Mapping[str, Any]) -> str:
    """Every table inline under its name: JSON's strings, numbers, truths and arrays are TOML's too."""
    return "".join(f"{json.dumps(key)} = {_value(value)}\n" for key, value in settings.items())


def _value(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)} = {_value(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value, ensure_ascii=False, default=str)
