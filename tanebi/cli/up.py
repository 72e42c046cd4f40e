"""`tanebi up`: hand the options to the composition root."""

from __future__ import annotations

import gc
import importlib
from pathlib import Path
from typing import cast

import click

from tanebi.cli.options import data_dir_option
from tanebi.cli.platform import data_dir
from tanebi.up.options import PodNetworks, Runtime, UpOptions


@click.command()
@data_dir_option
@click.option(
    "--gateway-port",
    type=click.IntRange(0, 65535),
    default=8080,
    show_default=True,
    help="Where requests and events come in; 0 takes any free port.",
)
@click.option(
    "--api-port",
    type=click.IntRange(0, 65535),
    default=6443,
    show_default=True,
    help="Where the Kubernetes API is served; 0 takes any free port.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at.")
@click.option(
    "--runtime",
    type=click.Choice(["auto", "engine", "process"]),
    default="auto",
    show_default=True,
    help="What runs pods: processes for directory images, a container engine (Podman, Docker) for others, or each by its image.",
)
@click.option(
    "--pod-network",
    type=click.Choice(["auto", "own", "user", "shared"]),
    default="auto",
    show_default=True,
    help="Pods that run as processes: each with a network of its own, or all in the machine's. auto: own where it can be had. "
    "user: own, as it is for who is not root.",
)
@click.option(
    "--tls-port",
    type=click.IntRange(0, 65535),
    default=None,
    help="Serve https there too; 0 takes any free port. Certificates are made for each name, or given with --tls-cert.",
)
@click.option(
    "--tls-cert",
    type=click.Path(exists=True, dir_okay=False),
    default=None,
    help="The certificate for https with its chain, in PEM. Secrets of DomainMappings come first.",
)
@click.option(
    "--tls-key",
    type=click.Path(exists=True, dir_okay=False),
    default=None,
    help="The private key of --tls-cert, in PEM.",
)
@click.option(
    "--activators",
    type=click.IntRange(0, 16),
    default=1,
    show_default=True,
    help="How many processes of their own serve requests; 0: the platform's own process does.",
)
def up(
    folder: str | None,
    gateway_port: int,
    api_port: int,
    host: str,
    runtime: str,
    pod_network: str,
    activators: int,
    tls_port: int | None,
    tls_cert: str | None,
    tls_key: str | None,
) -> int:
    """Run the whole platform, until Ctrl-C.

    Requests are served by a process of its own, so that work of the controllers does not make them wait.

    API server, controllers, gateway, autoscaler, broker and importers start in about a second. The addresses are printed, and
    written to endpoints.json in the data directory together with a kubeconfig for kubectl. Ctrl-C finishes requests in flight and
    stops the pods; a second one ends at once. Either way nothing that was acknowledged is lost.
    """
    if (tls_cert is None) != (tls_key is None) or (tls_cert is not None and tls_port is None):
        raise click.UsageError("--tls-cert and --tls-key go together, and with --tls-port")
    gc.disable()  # classes are made by the thousand now, and none is garbage: a tenth of the start
    root = importlib.import_module("tanebi.up.run")
    options = UpOptions(
        data_dir=data_dir(folder).root,
        gateway_port=gateway_port,
        api_port=api_port,
        host=host,
        runtime=cast(Runtime, runtime),  # click lets no other value in
        pod_network=cast(PodNetworks, pod_network),
        activators=activators,
        tls_port=tls_port,
        tls_cert=Path(tls_cert) if tls_cert is not None else None,
        tls_key=Path(tls_key) if tls_key is not None else None,
    )
    code: int = root.run(options)
    return code
