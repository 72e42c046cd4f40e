"""`tanebi demo`."""

from __future__ import annotations

import click


@click.command()
def demo() -> int:
    """Play the whole story in a temporary data directory."""
    return 0
