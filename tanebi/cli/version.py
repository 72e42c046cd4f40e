"""`tanebi version`."""

from __future__ import annotations

import platform as machine

import click

import tanebi


@click.command()
def version() -> None:
    """Print the version."""
    click.echo(f"tanebi {tanebi.__version__} (Python {machine.python_version()})")
