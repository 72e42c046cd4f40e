"""`tanebi restart`: tell the running platform to begin anew, and wait until it has."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any, Final

import click

from tanebi.base.errors import UserError
from tanebi.cli.options import data_dir_option
from tanebi.cli.platform import data_dir, not_running
from tanebi.cli.timing import monotonic, pause

TIMEOUT_S: Final = 60.0
LOOK_S: Final = 0.05


@click.command()
@data_dir_option
def restart(folder: str | None) -> int:
    """Begin anew in place, without a refused connection.

    For a new version of the program. The process stays, with its pid and its terminal; requests in flight are finished (10 s at
    most), those that come are held until their pods run again.
    """
    home = data_dir(folder)
    path = home.endpoints
    before = _read(path)
    if before is None:
        raise not_running(home)
    try:
        os.kill(before[1]["pid"], signal.SIGUSR2)
    except ProcessLookupError as error:
        raise not_running(home) from error
    began = monotonic()
    while monotonic() - began < TIMEOUT_S:
        found = _read(path)
        if found is not None and found[0] != before[0]:
            click.echo(f"restarted in {monotonic() - began:.1f} s")
            return 0
        if not Path(f"/proc/{before[1]['pid']}").exists():
            break
        pause(LOOK_S)
    raise UserError(
        "restart-failed",
        f"the platform (pid {before[1]['pid']}) did not come back",
        hint="its own output says why",
    )


def _read(path: Path) -> tuple[int, dict[str, Any]] | None:
    """When the file was written, and what it says. None: there is none now."""
    try:
        return path.stat().st_mtime_ns, json.loads(path.read_text())
    except (OSError, ValueError):
        return None
