"""`tanebi doctor`: asks the machine what it offers, and prints what is missing, what that costs and how to get it."""

from __future__ import annotations

import json
import os
import resource
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from ipaddress import IPv4Network
from pathlib import Path
from typing import Final

import anyio
import click

from tanebi.base.clock import SystemClock
from tanebi.base.errors import TanebiError
from tanebi.base.settings import DataDir, environment
from tanebi.cli import timing
from tanebi.cli.diagnosis import Facts, Finding, Port, findings, is_broken
from tanebi.cli.options import data_dir_option
from tanebi.cli.platform import data_dir
from tanebi.kubelet import podnet, view
from tanebi.kubelet.engine import connect
from tanebi.kubelet.engine.errors import EngineGone
from tanebi.kubelet.hands import LocalHands
from tanebi.kubelet.kept import KeptHands, door_name
from tanebi.kubelet.lines import Block
from tanebi.kubelet.podnet import Hands, NetworkUnavailable
from tanebi.kubelet.tokens import MOUNT_PATH

PORTS: Final = (("gateway", 8080), ("api", 6443))
COMMAND_S: Final = 10.0
FSYNCS: Final = 5
SUPERUSER: Final = 0
_MARKS: Final = {"ok": "✅", "missing": "➖", "broken": "❌"}


@click.command()
@click.option(
    "-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True
)
@data_dir_option
def doctor(output: str, folder: str | None) -> int:
    """Say what this machine offers, what each missing thing costs, and how to get it.

    The exit code is 0 unless something is broken that the platform cannot do without.
    """
    found = findings(examine(data_dir(folder)))
    if output == "json":
        click.echo(json.dumps([asdict(one) for one in found], indent=2))
    else:
        for one in found:
            click.echo("\n".join(shown(one)))
    return 1 if is_broken(found) else 0


def shown(one: Finding) -> list[str]:
    lines = [f"{_MARKS[one.state]} {one.name:<20} {one.detail}"]
    if one.state != "ok":
        lines += [f"   {'':<20} {text}" for text in (one.cost, f"→ {one.remedy}")]
    return lines


def examine(home: DataDir) -> Facts:
    """Asks the machine; changes nothing that lasts."""
    env = environment()
    search = env.get("PATH")
    free, fsync_ms, error = _disk(home.root)
    engine, engine_error, oci = _engine(search)
    return Facts(
        root=os.geteuid() == SUPERUSER,
        data_dir=str(home.root),
        data_error=error,
        disk_free_bytes=free,
        fsync_ms=fsync_ms,
        open_files=resource.getrlimit(resource.RLIMIT_NOFILE)[1],
        ports=_ports(home),
        engine=engine,
        engine_error=engine_error,
        oci_runtime=oci,
        half_removed=_half_removed(engine, search),
        cgroups=cgroups(),
        view_error=view.missing(),
        network_error=anyio.run(_network),
        accounts_shown=os.geteuid() == SUPERUSER or Path(MOUNT_PATH).is_dir(),
        forwarding_dropped=_version(["iptables", "-S", "FORWARD"], search) == "-P FORWARD DROP",
        user_namespaces=_runs(["unshare", "--user", "true"], search),
        bubblewrap=_version(["bwrap", "--version"], search),
        kubectl=_version(["kubectl", "version", "--client"], search),
        localhost_error=_localhost(),
    )


def cgroups(root: Path = Path("/")) -> str:
    """The version of the control groups that are mounted."""
    groups = root / "sys/fs/cgroup"
    if (groups / "cgroup.controllers").exists():
        return "2"
    if (groups / "unified").is_dir():
        return "hybrid"
    return "1" if (groups / "memory").is_dir() else ""


def _disk(folder: Path) -> tuple[int, float, str]:
    """Free bytes, the time of an fsync, and why neither can be told."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder) as file:
            times = [_fsync_ms(file.fileno()) for _ in range(FSYNCS)]
        return shutil.disk_usage(folder).free, sorted(times)[FSYNCS // 2], ""
    except OSError as error:
        return 0, 0.0, f"{folder}: {error.strerror}"


def _fsync_ms(file: int) -> float:
    began = timing.monotonic()
    os.write(file, b"x" * 512)
    os.fsync(file)
    return (timing.monotonic() - began) * 1000


def _ports(home: DataDir) -> list[Port]:
    try:
        ours = home.endpoints.read_text()
    except OSError:
        ours = ""
    return [Port(use, n, _is_free(n), f":{n}" in ours) for use, n in PORTS]


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _engine(search: str | None) -> tuple[str, str, str]:
    """What engine there is, why it does not answer, and which OCI runtime it is told to use."""
    found = connect.find(environment())
    if found is None:
        return "", "", ""
    if found.socket is not None:
        try:
            return f"{connect.asked(found.socket)}, {found.words}", "", ""
        except EngineGone as error:
            return found.words, error.message, ""
    said = _version([found.podman, "--version"], search)
    return said or found.words, "" if said else f"{found.podman} does not run", found.oci_runtime


def _half_removed(engine: str, search: str | None) -> list[str]:
    """Containers of this user's podman."""
    if "podman" not in engine.lower():
        return []
    asking = ["podman", "ps", "--all", "--filter=status=removing", "--format={{.Names}}"]
    return _said(asking, search).split()


async def _network() -> str:
    """Makes one, as this user's platform would, and takes it down again."""
    with tempfile.TemporaryDirectory() as folder:
        hands: Callable[[Block], Hands] = LocalHands
        if os.geteuid() != SUPERUSER:
            door, nobody = door_name(Path(folder)), IPv4Network("10.96.0.0/12")
            hands = partial(KeptHands, door=door, services=nobody, lost=lambda: None)
        try:
            async with podnet.opened(
                Path(folder), forwarded=(), clock=SystemClock(), domain="cluster.local", hands=hands
            ):
                return ""
        except (NetworkUnavailable, TanebiError) as error:
            return error.message


def _runs(argv: list[str], search: str | None) -> bool:
    """Whether a program does what it is told to."""
    program = shutil.which(argv[0], path=search)
    if program is None:
        return False
    try:
        done = subprocess.run(
            [program, *argv[1:]], capture_output=True, timeout=COMMAND_S, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode == 0


def _version(argv: list[str], search: str | None) -> str:
    """The first line that a program says of itself; empty when there is none."""
    return next(iter(_said(argv, search).splitlines()), "").strip()


def _said(argv: list[str], search: str | None) -> str:
    """All that a program says; empty when it is not there, fails or takes too long."""
    program = shutil.which(argv[0], path=search)
    if program is None:
        return ""
    try:
        done = subprocess.run(
            [program, *argv[1:]], capture_output=True, text=True, timeout=COMMAND_S, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout


def _localhost() -> str:
    try:
        found = {str(one[4][0]) for one in socket.getaddrinfo("hello.default.localhost", 80)}
    except OSError as error:
        return f"hello.default.localhost does not resolve: {error.strerror}"
    return "" if found <= {"127.0.0.1", "::1"} else f"hello.default.localhost is {sorted(found)}"
