"""`tanebi delete`."""

from __future__ import annotations

import click

from tanebi.base.errors import UserError
from tanebi.cli import timing
from tanebi.cli.apply import plan
from tanebi.cli.client import Api, ApiFailure, connect
from tanebi.cli.discovery import Catalog, ResourceType
from tanebi.cli.get import find_targets
from tanebi.cli.manifests import read
from tanebi.cli.options import Duration, data_dir_option, namespace_option
from tanebi.cli.platform import data_dir
from tanebi.cli.wait import wait_deleted

Doomed = tuple[ResourceType, str, str]


@click.command()
@click.argument("what", nargs=-1, metavar="[KIND NAME... | KIND/NAME...]")
@click.option(
    "-f",
    "--filename",
    "files",
    multiple=True,
    metavar="FILE|DIR|-",
    help="Delete what these files describe.",
)
@click.option("-l", "--selector", default="", metavar="LABELS", help="Objects with these labels.")
@click.option("--all", "everything", is_flag=True, help="Every object of KIND in the namespace.")
@click.option("--ignore-not-found", is_flag=True, help="What is gone already is no error.")
@click.option("--wait/--no-wait", default=True, show_default=True, help="Return when it is gone.")
@click.option(
    "--timeout", type=Duration(), default="60s", show_default=True, help="How long to wait."
)
@namespace_option
@data_dir_option
def delete(
    what: tuple[str, ...],
    files: tuple[str, ...],
    selector: str,
    everything: bool,
    ignore_not_found: bool,
    wait: bool,
    timeout: float,
    namespace: str,
    folder: str | None,
) -> int:
    """Delete objects: `delete ksvc hello`, `delete -f service.yaml`."""
    if bool(what) == bool(files):
        raise UserError("usage", "say what to delete: KIND NAME, or -f FILE")
    documents = read(files) if files else []
    api = connect(data_dir(folder))
    catalog = Catalog.of(api)
    if files:
        doomed = [
            (i.type, i.namespace, i.name) for i in reversed(plan(catalog, documents, namespace))
        ]
    else:
        doomed = _named(api, catalog, what, namespace, selector=selector, everything=everything)
    left = _delete(api, doomed, ignore_not_found=ignore_not_found)
    if wait:
        deadline = timing.monotonic() + timeout
        for type_, where, name in left:
            wait_deleted(api, type_, where, name, deadline=deadline)
    return 0


def _named(
    api: Api,
    catalog: Catalog,
    what: tuple[str, ...],
    namespace: str,
    *,
    selector: str,
    everything: bool,
) -> list[Doomed]:
    targets, named = find_targets(catalog, what)
    if named:
        return [(t.type, namespace, t.name) for t in targets]
    if not selector and not everything:
        raise UserError("usage", "say which: a name, -l LABELS, or --all")
    found: list[Doomed] = []
    for target in targets:
        items = api.get(target.type.path(namespace), {"labelSelector": selector})["items"]
        found += [(target.type, namespace, item["metadata"]["name"]) for item in items]
    return found


def _delete(api: Api, doomed: list[Doomed], *, ignore_not_found: bool) -> list[Doomed]:
    """Raises the first refusal after all have been tried."""
    left: list[Doomed] = []
    first: ApiFailure | None = None
    for type_, namespace, name in doomed:
        try:
            api.call("DELETE", type_.path(namespace, name))
        except ApiFailure as error:
            if error.status != 404 or not ignore_not_found:
                first = first or error
            continue
        click.echo(f'{type_.qualified} "{name}" deleted')
        left.append((type_, namespace, name))
    if first is not None:
        raise first
    return left
