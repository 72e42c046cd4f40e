"""`tanebi activator`: hand the options to the role."""

from __future__ import annotations

import gc
import importlib
import socket
from pathlib import Path

import click

from tanebi.up.options import ActivatorOptions


def _control(ctx: click.Context, parameter: click.Parameter, value: str) -> tuple[str, int]:
    host, colon, port = value.rpartition(":")
    if not colon or not port.isdigit() or not 0 < int(port) < 65536:
        raise click.BadParameter("expected HOST:PORT")
    return host.strip("[]"), int(port)


@click.command()
@click.option(
    "--control", required=True, callback=_control, help="HOST:PORT of the control process."
)
@click.option(
    "--token-file",
    required=True,
    type=click.Path(path_type=Path),
    help="A file with the token that the control process expects.",
)
@click.option(
    "--kubeconfig",
    type=click.Path(path_type=Path),
    help="How to reach the Kubernetes API; without it, the pod's service account.",
)
@click.option(
    "--name",
    default=socket.gethostname,
    show_default="the host's name",
    help="Which activator this is.",
)
@click.option("--host", default="0.0.0.0", show_default=True, help="The address to serve.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8080,
    show_default=True,
    help="The port to serve.",
)
@click.option(
    "--peer-host",
    default="127.0.0.1",
    show_default=True,
    help="The address where other activators reach this one.",
)
@click.option("--listen-fd", type=int, help="Serve this inherited socket instead.")
@click.option(
    "--ways",
    multiple=True,
    help="The name of what makes connections to pods in a network of their own.",
)
@click.option("--parent", type=int, help="End with this process.")
@click.option("--gate-fd", type=int, help="Begin when this inherited pipe is closed.")
@click.option(
    "--tell-outside",
    is_flag=True,
    help="Refuse cluster-local hosts to clients that connect to another address than a loopback one.",
)
def activator(
    control: tuple[str, int],
    token_file: Path,
    kubeconfig: Path | None,
    name: str,
    host: str,
    port: int,
    peer_host: str,
    listen_fd: int | None,
    parent: int | None,
    gate_fd: int | None,
    tell_outside: bool,
    ways: tuple[str, ...],
) -> int:
    """Run the data plane alone, beside a control process.

    `tanebi up --activators N` starts these by itself. Any number may share one port; pods with containerConcurrency are divided
    among them. SIGTERM finishes the requests under way.
    """
    options = ActivatorOptions(
        name=name,
        control=control,
        token_file=token_file,
        kubeconfig=kubeconfig,
        host=host,
        port=port,
        listen_fd=listen_fd,
        peer_host=peer_host,
        parent=parent,
        gate_fd=gate_fd,
        tell_outside=tell_outside,
        ways=ways,
    )
    gc.disable()  # see tanebi.cli.up
    code: int = importlib.import_module("tanebi.up.activator").run(options)
    return code
