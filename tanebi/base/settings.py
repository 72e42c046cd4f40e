"""The environment and the folders, read at the edge and nowhere else.

The layout of a data directory is documented in docs/reference/data-directory.md.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

DATA_DIR_VARIABLE: Final = "TANEBI_DATA_DIR"


def environment() -> Mapping[str, str]:
    """The process's environment."""
    return os.environ


def environment_to_change() -> MutableMapping[str, str]:
    """The same, for what this process says to the program that it runs next."""
    return os.environ


def default_data_dir(env: Mapping[str, str]) -> Path:
    """`TANEBI_DATA_DIR`, else `tanebi` under XDG_DATA_HOME, else ~/.local/share/tanebi."""
    if chosen := env.get(DATA_DIR_VARIABLE):
        return Path(chosen)
    if base := env.get("XDG_DATA_HOME"):
        return Path(base) / "tanebi"
    return Path(env.get("HOME") or "/") / ".local" / "share" / "tanebi"


@dataclass(frozen=True, slots=True)
class DataDir:
    """Where each thing of one platform lives. Paths only; nothing is created here."""

    root: Path

    @property
    def lock(self) -> Path:
        return self.root / "lock"

    @property
    def api_db(self) -> Path:
        return self.root / "api.db"

    @property
    def events_db(self) -> Path:
        return self.root / "events.db"

    @property
    def endpoints(self) -> Path:
        """endpoints.json: addresses and pid, present only while the platform is ready."""
        return self.root / "endpoints.json"

    @property
    def kubeconfig(self) -> Path:
        return self.root / "kubeconfig"

    @property
    def activator_token(self) -> Path:
        """What activators show to the control process."""
        return self.root / "activator-token"

    @property
    def pki(self) -> Path:
        return self.root / "pki"

    @property
    def images(self) -> Path:
        return self.root / "images"

    @property
    def network(self) -> Path:
        """State of the pods' network."""
        return self.root / "network"

    @property
    def engine_network(self) -> Path:
        """The same for pods of an engine that has a network of their own."""
        return self.root / "engine" / "network"

    @property
    def pods(self) -> Path:
        """State and scratch space of pods, a folder per uid."""
        return self.root / "pods"

    @property
    def logs(self) -> Path:
        """Container logs, kept after their pods are gone."""
        return self.root / "logs"

    @property
    def volumes(self) -> Path:
        """Folders of volumes that were made for claims."""
        return self.root / "volumes"

    @property
    def checkpoints(self) -> Path:
        """How far each event source has come."""
        return self.root / "checkpoints"
