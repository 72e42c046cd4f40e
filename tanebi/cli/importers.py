"""`tanebi importers`: what can bring events in."""

from __future__ import annotations

import click

from importers.registry import load
from tanebi.base.settings import environment
from tanebi.cli.tables import layout


@click.command()
def importers() -> None:
    """List the importers that are installed.

    The variable TANEBI_IMPORTERS=a,b allows only those.
    """
    rows = [["NAME", "KIND", "EMITS", "DISTRIBUTION", "VERSION"]]
    for found in load(environment().get("TANEBI_IMPORTERS")):
        kind = f"{found.importer.kind.kind} ({found.importer.kind.api_version})"
        emits = ",".join(found.importer.emits)
        rows.append([found.name, kind, emits, found.distribution, found.version])
    click.echo("\n".join(layout(rows)))
