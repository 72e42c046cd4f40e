"""`tanebi generate`: config/ and the reference pages, written from the code so that they cannot lie."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path

import click

import tanebi
from importers.registry import load
from tanebi.base.errors import UserError
from tanebi.cli.reference import commands_page, configs_page, importers_page, kinds_page

# Folders in which nothing but generated files may live: what the code does not name any more is removed.
OWNED_FOLDERS = ("config/crds", "config/core")


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; fail when something is stale.")
@click.option(
    "--root",
    type=click.Path(path_type=Path, file_okay=False),
    help="The checkout (default: this one).",
)
def generate(check: bool, root: Path | None) -> int:
    """Write config/ and reference docs from the code."""
    root = root or Path(tanebi.__file__).resolve().parent.parent
    if not (root / "pyproject.toml").is_file():
        raise UserError(
            "no-checkout", f"{root} is not a checkout of tanebi", hint="give one: --root DIR"
        )
    wanted = {root / name: text for name, text in files().items()}
    stale = [path for path, text in wanted.items() if _content(path) != text]
    extra = [
        path
        for folder in OWNED_FOLDERS
        for path in sorted((root / folder).glob("*"))
        if path not in wanted
    ]
    if check:
        for path in (*stale, *extra):
            click.echo(f"stale: {path.relative_to(root)}", err=True)
        return 1 if stale or extra else 0
    _write(root, {path: wanted[path] for path in stale}, extra)
    return 0


def files() -> dict[str, str]:
    """Every generated file by its path in the checkout."""
    up = importlib.import_module("tanebi.up.kinds")
    crd = importlib.import_module("tanebi.apiserver.crd")
    main = importlib.import_module("tanebi.cli.main")
    ours = [one for one in load() if one.importer.__module__.startswith("importers.")]
    found = {f"config/crds/{name}": text for name, text in crd.crd_files(up.KINDS).items()}
    found |= {f"config/core/{name}": text for name, text in crd.configmap_files(up.CONFIGS).items()}
    return found | {
        "docs/reference/cli.md": commands_page(main.cli, main.COMMANDS),
        "docs/reference/kinds.md": kinds_page(up.KINDS),
        "docs/reference/configmaps.md": configs_page(up.CONFIGS),
        "docs/reference/importers.md": importers_page(ours),
    }


def _content(path: Path) -> str | None:
    try:
        return path.read_text()
    except FileNotFoundError:
        return None


def _write(root: Path, wanted: Mapping[Path, str], extra: list[Path]) -> None:
    for path, text in wanted.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        click.echo(f"wrote {path.relative_to(root)}")
    for path in extra:
        path.unlink()
        click.echo(f"removed {path.relative_to(root)}")
    if not wanted and not extra:
        click.echo("everything is fresh")
