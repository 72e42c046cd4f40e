"""`tanebi apply`: server-side apply of whole files, checked to the last document before the first is written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import click

from tanebi.base.errors import UserError
from tanebi.cli.client import FIELD_MANAGER, Api, ApiFailure, connect
from tanebi.cli.discovery import Catalog, ResourceType
from tanebi.cli.manifests import Document, read
from tanebi.cli.options import data_dir_option, namespace_option
from tanebi.cli.output import full_name
from tanebi.cli.platform import data_dir

APPLY: Final = "application/apply-patch+yaml"
NAMESPACE: Final = ("v1", "Namespace")
POD: Final = ("v1", "Pod")
NAMED_BY_PODS: Final = {
    ("v1", "ServiceAccount"): "serviceAccountName",
    ("scheduling.k8s.io/v1", "PriorityClass"): "priorityClassName",
    ("node.k8s.io/v1", "RuntimeClass"): "runtimeClassName",
}
"""What must be there before a pod that names it, by the field of the pod's spec."""


@dataclass(frozen=True, slots=True)
class Item:
    """One document and where it goes."""

    document: Document
    type: ResourceType
    namespace: str

    @property
    def name(self) -> str:
        return str(self.document.obj["metadata"]["name"])

    @property
    def kind(self) -> tuple[str, str]:
        return self.type.api_version, self.type.kind

    @property
    def full_name(self) -> str:
        return full_name(self.type, self.name)

    @property
    def path(self) -> str:
        return self.type.path(self.namespace, self.name)


@click.command()
@click.option(
    "-f",
    "--filename",
    "files",
    multiple=True,
    required=True,
    metavar="FILE|DIR|-",
    help="YAML or JSON to apply; may be repeated.",
)
@namespace_option
@click.option(
    "--dry-run",
    type=click.Choice(["none", "server"]),
    default="none",
    show_default=True,
    help="server: check everything, write nothing.",
)
@data_dir_option
def apply(files: tuple[str, ...], namespace: str, dry_run: str, folder: str | None) -> int:
    """Create or change objects from YAML.

    All documents are checked by the server before the first one is written: a mistake in any of them changes nothing.
    """
    documents = read(files)
    api = connect(data_dir(folder))
    items = plan(Catalog.of(api), documents, namespace)
    for item in apply_all(api, items, write=dry_run == "none"):
        click.echo(item)
    return 0


def plan(catalog: Catalog, documents: list[Document], namespace: str) -> list[Item]:
    """Raises UserError for the first document whose kind nobody serves."""
    items = []
    for document in documents:
        api_version, kind = document.obj["apiVersion"], document.obj["kind"]
        type_ = catalog.of_object(api_version, kind)
        if type_ is None:
            raise UserError(
                "unknown-kind",
                f"{document.where}: no kind {kind!r} in version {api_version!r} is served here",
                hint=_kinds_like(catalog, kind),
            )
        given = document.obj["metadata"].get("namespace") or namespace
        items.append(Item(document, type_, given if type_.namespaced else ""))
    return items


def _kinds_like(catalog: Catalog, kind: str) -> str:
    known = [t.api_version for t in catalog.types if t.kind == kind]
    return f"{kind} is known in {', '.join(known)}" if known else "nothing was applied"


def apply_all(api: Api, items: list[Item], *, write: bool) -> Iterator[str]:
    """What happened to each object, in kubectl's words, as it happens.

    Raises UserError before anything is written when one is refused.
    """
    # What stands on an object that this call makes cannot be tried before.
    brought = {(item.kind, item.namespace, item.name) for item in items}
    tried = [item for item in items if brought.isdisjoint(_stands_on(item))]
    for item in tried:
        _patch(api, item, dry_run=True)
    written = False
    for item in items:
        if write or item in tried:
            yield _apply(api, item, write=write, first=not written)
            written = write


def _stands_on(item: Item) -> Iterator[tuple[tuple[str, str], str, str]]:
    """Objects, by kind, namespace and name, without which the server refuses this one."""
    if item.namespace:
        yield NAMESPACE, "", item.namespace
    spec = item.document.obj.get("spec")
    if item.kind == POD and isinstance(spec, dict):
        for kind, field in NAMED_BY_PODS.items():
            if named := spec.get(field):
                yield kind, item.namespace if kind[0] == "v1" else "", str(named)


def _apply(api: Api, item: Item, *, write: bool, first: bool) -> str:
    before = _current(api, item)
    after = _patch(api, item, dry_run=not write, nothing=first)
    tail = "" if write else " (server dry run)"
    return f"{item.full_name} {_outcome(before, after)}{tail}"


def _current(api: Api, item: Item) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = api.get(item.path)
    except ApiFailure as error:
        if error.status == 404:
            return None
        raise
    return found


def _outcome(before: dict[str, Any] | None, after: dict[str, Any]) -> str:
    if before is None:
        return "created"
    return "unchanged" if _essence(before) == _essence(after) else "configured"


def _essence(obj: dict[str, Any]) -> dict[str, Any]:
    """An object without what changes by itself."""
    meta = {
        k: v
        for k, v in obj["metadata"].items()
        if k not in ("resourceVersion", "managedFields", "generation")
    }
    return {k: v for k, v in obj.items() if k not in ("metadata", "status")} | {"metadata": meta}


def _patch(api: Api, item: Item, *, dry_run: bool, nothing: bool = True) -> dict[str, Any]:
    """`nothing`: no object was written yet."""
    query = {
        "fieldManager": FIELD_MANAGER,
        "force": "true",
        "fieldValidation": "Strict",
        "dryRun": "All" if dry_run else "",
    }
    try:
        found: dict[str, Any] = api.call(
            "PATCH", item.path, query=query, body=item.document.obj, content_type=APPLY
        )
    except ApiFailure as error:
        raise _refused(item, error, nothing=nothing) from error
    return found


def _refused(item: Item, error: ApiFailure, *, nothing: bool) -> UserError:
    line = item.document.line
    causes = (error.details or {}).get("causes") if isinstance(error.details, dict) else None
    for cause in causes or ():
        line = item.document.line_of(str(cause.get("field") or ""))
        break
    where = f"{item.document.file}:{line} (document {item.document.index})"
    hint = (
        "nothing was applied"
        if nothing
        else "the objects above were applied, this one and those after it were not"
    )
    return UserError("apply-refused", f"{where}: {item.full_name}: {error.text}", hint=hint)
