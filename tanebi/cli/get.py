"""`tanebi get`: the server's tables, and ours where we can say more (revisions: why; brokers: an address that works here)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import click

from tanebi.base.errors import UserError
from tanebi.cli import timing
from tanebi.cli.client import JSON, TABLE, Api, ApiFailure, connect
from tanebi.cli.discovery import Catalog, ResourceType
from tanebi.cli.options import (
    all_namespaces_option,
    data_dir_option,
    namespace_option,
    output_option,
)
from tanebi.cli.output import full_name, print_objects
from tanebi.cli.platform import data_dir, local_gateway
from tanebi.cli.tables import (
    Columns,
    Row,
    broker_columns,
    column_widths,
    layout,
    revision_columns,
    server_table,
)


@dataclass(frozen=True, slots=True)
class View:
    """What was asked for, besides kinds and names. `namespace=None`: all."""

    namespace: str | None
    output: str
    labels: str
    headers: bool

    @property
    def wide(self) -> bool:
        return self.output == "wide"


@dataclass(frozen=True, slots=True)
class Target:
    """One type, whole or one object of it."""

    type: ResourceType
    name: str = ""


@click.command(context_settings={"ignore_unknown_options": False})
@click.argument("what", nargs=-1, required=True, metavar="KIND[,KIND] [NAME]...")
@namespace_option
@all_namespaces_option
@output_option
@click.option(
    "-l", "--selector", default="", metavar="LABELS", help="Only objects with these labels."
)
@click.option("-w", "--watch", is_flag=True, help="Keep printing as things change.")
@click.option("--no-headers", is_flag=True, help="Leave out the head of the table.")
@data_dir_option
def get(
    what: tuple[str, ...],
    namespace: str,
    all_namespaces: bool,
    output: str | None,
    selector: str,
    watch: bool,
    no_headers: bool,
    folder: str | None,
) -> int:
    """List objects: `get ksvc`, `get revisions`, `get broker default -o yaml`, `get all -A`.

    KIND is a plural, singular or short name, several joined by commas, or a category such as `all` or `knative`.
    """
    api = connect(data_dir(folder))
    catalog = Catalog.of(api)
    targets, named = find_targets(catalog, what)
    if named and all_namespaces:
        raise UserError("usage", "a name cannot be looked up in all namespaces at once")
    view = View(None if all_namespaces else namespace, output or "", selector, not no_headers)
    if watch:
        return _watch(api, targets, view)
    if output in ("yaml", "json", "name"):
        return _print_whole(api, targets, view, single=len(targets) == 1 and named)
    return _print_tables(api, targets, view, named=named)


def find_targets(catalog: Catalog, what: tuple[str, ...]) -> tuple[list[Target], bool]:
    """Targets of `KIND[,KIND] [NAME]...` or `KIND/NAME...`, and whether names were given."""
    if any("/" in word for word in what):
        split = [word.partition("/") for word in what]
        if not all(kind and name for kind, _, name in split):
            raise UserError("usage", f"write KIND/NAME for every object, not {' '.join(what)!r}")
        return [Target(catalog.find(kind), name) for kind, _, name in split], True
    types = catalog.several(what[0])
    if len(what) == 1:
        return [Target(type_) for type_ in types], False
    return [Target(type_, name) for type_ in types for name in what[1:]], True


def _print_whole(api: Api, targets: list[Target], view: View, *, single: bool) -> int:
    objects: list[dict[str, Any]] = []
    names: list[str] = []
    for target in targets:
        found = list(_objects(api, target, view))
        objects += found
        names += [full_name(target.type, obj["metadata"]["name"]) for obj in found]
    if view.output == "name":
        for name in names:
            click.echo(name)
    else:
        print_objects(objects, view.output, single=single)
    return 0


def _objects(api: Api, target: Target, view: View) -> Iterator[dict[str, Any]]:
    path = target.type.path(view.namespace, target.name)
    if target.name:
        yield api.get(path)
        return
    for item in api.get(path, {"labelSelector": view.labels})["items"]:
        item.setdefault("apiVersion", target.type.api_version)
        item.setdefault("kind", target.type.kind)
        yield item


def _print_tables(api: Api, targets: list[Target], view: View, *, named: bool) -> int:
    types = list(dict.fromkeys(target.type for target in targets))
    several, printed, failed = len(types) > 1, 0, 0
    for type_ in types:
        rows: list[Row] = []
        head: Row = []
        for target in (t for t in targets if t.type is type_):
            try:
                head, more = _rows(api, target, view, prefix=several)
            except ApiFailure as error:
                if not named or error.status != 404:
                    raise
                click.echo(f"error: {error.message}", err=True)
                failed = 1
                continue
            rows += more
        if rows:
            if printed:
                click.echo()
            printed += len(rows)
            click.echo("\n".join(layout([head, *rows] if view.headers else rows)))
    if not printed and not failed:
        click.echo(_nothing(view, targets), err=True)
    return failed


def _nothing(view: View, targets: list[Target]) -> str:
    if view.namespace is None or not any(t.type.namespaced for t in targets):
        return "No resources found"
    return f"No resources found in {view.namespace} namespace."


def _rows(api: Api, target: Target, view: View, *, prefix: bool) -> tuple[Row, list[Row]]:
    columns = own_columns(api, target.type, view)
    with_namespace = view.namespace is None and target.type.namespaced
    if columns is not None:
        rows = [columns.row(o, with_namespace=with_namespace) for o in _objects(api, target, view)]
        if prefix:
            at = int(with_namespace)
            for row in rows:
                row[at] = full_name(target.type, row[at])
        return columns.head(with_namespace=with_namespace), rows
    path = target.type.path(view.namespace, target.name)
    query = {} if target.name else {"labelSelector": view.labels}
    table = api.get(path, query, accept=TABLE)
    before = full_name(target.type, "") if prefix else ""
    return server_table(table, wide=view.wide, with_namespace=with_namespace, prefix=before)


def own_columns(api: Api, type_: ResourceType, view: View) -> Columns | None:
    """Where our table says more than the server's; `-o wide` always shows the server's."""
    if view.wide:
        return None
    if type_.resource == "revisions.serving.knative.dev":
        return revision_columns(timing.wall())
    if type_.resource == "brokers.eventing.knative.dev":
        return broker_columns(timing.wall(), local_gateway(api.home))
    return None


def _watch(api: Api, targets: list[Target], view: View) -> int:
    if len({target.type for target in targets}) != 1 or len(targets) != 1:
        raise UserError("usage", "watch one kind, or one object, at a time")
    target = targets[0]
    columns = own_columns(api, target.type, view)
    whole = view.output in ("yaml", "json", "name")
    accept = JSON if whole or columns is not None else TABLE
    query = {"labelSelector": view.labels}
    if target.name:
        query["fieldSelector"] = f"metadata.name={target.name}"
    printer = _WatchPrinter(target.type, view, columns)
    for _, obj in api.watch(target.type.path(view.namespace), query, accept=accept):
        printer.show(obj, whole=whole)
    return 0


class _WatchPrinter:
    """Prints one line a change; columns only ever grow, so that lines stay aligned."""

    def __init__(self, type_: ResourceType, view: View, columns: Columns | None) -> None:
        self._type = type_
        self._view = view
        self._columns = columns
        self._widths: list[int] = []
        self._definitions: Any = None

    def show(self, obj: dict[str, Any], *, whole: bool) -> None:
        if self._view.output == "name":
            click.echo(full_name(self._type, obj["metadata"]["name"]))
        elif whole:
            if self._view.output == "yaml":
                click.echo("---")
            print_objects([obj], self._view.output, single=True)
        else:
            self._show_rows(*self._table(obj))

    def _table(self, obj: dict[str, Any]) -> tuple[Row, list[Row]]:
        with_namespace = self._view.namespace is None and self._type.namespaced
        if self._columns is not None:
            row = self._columns.row(obj, with_namespace=with_namespace)
            return self._columns.head(with_namespace=with_namespace), [row]
        # Only the first table of a watch carries the column definitions.
        self._definitions = obj.get("columnDefinitions") or self._definitions
        table = {**obj, "columnDefinitions": self._definitions}
        return server_table(table, wide=self._view.wide, with_namespace=with_namespace)

    def _show_rows(self, head: Row, rows: list[Row]) -> None:
        if not rows:
            return
        first = not self._widths
        self._widths = column_widths([head, *rows], self._widths or None)
        shown = [head, *rows] if first and self._view.headers else rows
        click.echo("\n".join(layout(shown, widths=self._widths)))
