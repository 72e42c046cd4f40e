"""`tanebi image build|pull|ls|rm`: images of directories, and those of the container engine."""

from __future__ import annotations

import contextlib
import shlex
from pathlib import Path

import click

from tanebi.base.clock import SystemClock
from tanebi.base.errors import TanebiError, UserError
from tanebi.base.settings import DataDir
from tanebi.cli import timing
from tanebi.cli.enginebuild import build_in_engine, is_for_engine
from tanebi.cli.enginepull import pull_into_engine
from tanebi.cli.options import data_dir_option
from tanebi.cli.platform import data_dir
from tanebi.cli.tables import layout
from tanebi.kubelet.images import ImageStore


@click.group()
def image() -> None:
    """Build, list and remove images: directories with a command, snapshotted by content. Pull those of containers."""


def store(home: DataDir) -> ImageStore:
    return ImageStore(home.images, clock=SystemClock())


@image.command()
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("-t", "--tag", required=True, help="The image's name, as in dev.local/hello.")
@click.option("--command", help="What to run (default: the Procfile's `web:` line).")
@data_dir_option
def build(directory: Path, tag: str, command: str | None, folder: str | None) -> int:
    """Make an image of DIRECTORY.

    With a Containerfile or Dockerfile it is built in the container engine. Any other directory is snapshotted for the process
    runtime, with what its requirements.txt names installed into it.
    """
    started = timing.monotonic()
    reference = build_image(data_dir(folder), directory, tag, command)
    took = timing.monotonic() - started
    click.echo(f"{reference} built in {took:.1f} s")
    return 0


def build_image(home: DataDir, directory: Path, tag: str, command: str | None) -> str:
    """By what the directory holds; the pinned reference. Raises UserError."""
    if not is_for_engine(directory):
        words = shlex.split(command) if command else None
        return store(home).build(directory, tag, command=words, progress=click.echo).reference
    if command:
        raise UserError(
            "usage",
            "--command is for directory images; a container image has its CMD",
            hint="set `command` in the manifest, or CMD in the Containerfile",
        )
    reference = build_in_engine(home, directory, tag)
    with contextlib.suppress(TanebiError):  # a directory image of that name would be taken first
        store(home).remove(tag, used=None)
    return reference


@image.command()
@click.argument("reference", metavar="IMAGE")
@data_dir_option
def pull(reference: str, folder: str | None) -> int:
    """Pull a container image into the engine, so that no start waits for it.

    The login is that of `docker login` or `podman login`. Pods pull by themselves, with the logins of their imagePullSecrets.
    """
    started = timing.monotonic()
    pinned = pull_into_engine(data_dir(folder), reference)
    click.echo(f"{pinned} pulled in {timing.monotonic() - started:.1f} s")
    return 0


@image.command()
@data_dir_option
def ls(folder: str | None) -> int:
    """List images."""
    rows = [["TAG", "DIGEST", "SIZE", "AGE", "COMMAND"]]
    now = timing.wall()
    for found in store(data_dir(folder)).list():
        digest = found.digest.removeprefix("sha256:")[:12]
        born = timing.age(found.created, now)
        rows.append(
            [found.tag, digest, human_size(found.size_bytes), born, shlex.join(found.command)]
        )
    if len(rows) == 1:
        click.echo("No images. Build one: tanebi image build DIR --tag dev.local/NAME", err=True)
        return 0
    click.echo("\n".join(layout(rows)))
    return 0


@image.command()
@click.argument("refs", nargs=-1, required=True, metavar="TAG...")
@data_dir_option
def rm(refs: tuple[str, ...], folder: str | None) -> int:
    """Remove images by tag. A snapshot that a revision still uses stays until the platform prunes it."""
    images = store(data_dir(folder))
    for ref in refs:
        images.remove(ref, used=None)
        click.echo(f"{ref} removed")
    return 0


def human_size(size_bytes: int) -> str:
    """`512B`, `1.2KiB`, `3.4MiB`."""
    size = float(size_bytes)
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.0f}{unit}" if unit == "B" else f"{size:.1f}{unit}"
        size /= 1024
    return f"{size:.1f}GiB"
