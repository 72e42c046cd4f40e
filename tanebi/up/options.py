"""What `tanebi up` was asked for. Callers: tanebi.cli.up makes it, every part of tanebi.up reads it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Runtime = Literal["auto", "engine", "process"]
PodNetworks = Literal["auto", "own", "shared"]


@dataclass(frozen=True, slots=True)
class UpOptions:
    """What `tanebi up` was asked for. Port 0 means any free one."""

    data_dir: Path
    gateway_port: int = 8080
    api_port: int = 6443
    host: str = "127.0.0.1"
    runtime: Runtime = "auto"
    pod_network: PodNetworks = "auto"
