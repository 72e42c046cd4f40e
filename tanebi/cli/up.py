"""`tanebi up`: hand the options to the composition root."""

from __future__ import annotations

import importlib
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
    type=click.Choice(["auto", "own", "shared"]),
    default="auto",
    show_default=True,
    help="Pods that run as processes: each with a network of its own, or all in the machine's. auto: own where it can be had.",
)
@click.option(
    "--activators",
    type=click.IntRange(0, 16),
    default=0,
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
) -> int:
    """Run the whole platform in this process, until Ctrl-C.

    API server, controllers, gateway, autoscaler, broker and importers start in about a second. The addresses are printed, and
    written to endpoints.json in the data directory together with a kubeconfig for kubectl. Ctrl-C finishes requests in flight and
    stops the pods; a second one ends at once. Either way nothing that was acknowledged is lost.
    """
    root = importlib.import_module("tanebi.up.run")
    options = UpOptions(
        data_dir=data_dir(folder).root,
        gateway_port=gateway_port,
        api_port=api_port,
        host=host,
        runtime=cast(Runtime, runtime),  # click lets no other value in
        pod_network=cast(PodNetworks, pod_network),
        activators=activators,
    )
    code: int = root.run(options)
    return code
