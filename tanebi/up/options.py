"""What `tanebi up` and `tanebi activator` were asked for. Callers: tanebi.cli makes them, every part of tanebi.up reads them."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tanebi.http.pool import Address

Runtime = Literal["auto", "engine", "process"]
PodNetworks = Literal["auto", "own", "user", "shared"]


@dataclass(frozen=True, slots=True)
class UpOptions:
    """What `tanebi up` was asked for. Port 0 means any free one."""

    data_dir: Path
    gateway_port: int = 8080
    api_port: int = 6443
    host: str = "127.0.0.1"
    runtime: Runtime = "auto"
    pod_network: PodNetworks = "auto"
    activators: int = 1  # processes that serve requests; 0: this one does
    tls_port: int | None = None  # where the gateway serves https too; None: nowhere
    tls_cert: Path | None = (
        None  # shown for every name that no Secret covers; None: made for each name
    )
    tls_key: Path | None = None


@dataclass(frozen=True, slots=True)
class ActivatorOptions:
    """What `tanebi activator` was asked for. `listen_fd`: a listening socket to serve instead of `host` and `port`."""

    name: str
    control: Address
    token_file: Path
    kubeconfig: Path | None = None
    host: str = "0.0.0.0"
    port: int = 8080
    listen_fd: int | None = None
    peer_host: str = "127.0.0.1"
    parent: int | None = None
    gate_fd: int | None = None  # nothing is called before this pipe is closed at its other end
    tell_outside: bool = (
        False  # cluster-local hosts are for clients inside alone (activator.inside)
    )
    ways: tuple[str, ...] = ()  # the keepers by which pods are reached, by their names


def command(options: ActivatorOptions) -> list[str]:
    """The command line that `tanebi activator` reads back as `options`."""
    words = [sys.executable, "-m", "tanebi", "activator", "--name", options.name]
    words += ["--control", f"{options.control[0]}:{options.control[1]}"]
    words += ["--token-file", str(options.token_file), "--peer-host", options.peer_host]
    words += ["--host", options.host, "--port", str(options.port), "--parent", str(os.getpid())]
    if options.tell_outside:
        words.append("--tell-outside")
    if options.kubeconfig is not None:
        words += ["--kubeconfig", str(options.kubeconfig)]
    for name in options.ways:
        words += ["--ways", name]
    if options.listen_fd is not None:
        words += ["--listen-fd", str(options.listen_fd)]
    if options.gate_fd is not None:
        words += ["--gate-fd", str(options.gate_fd)]
    return words
