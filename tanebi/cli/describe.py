"""`tanebi describe`: a key-value block, a service's revisions as a tree, the conditions, the events, as kn and kubectl do."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

import click

from tanebi.base.errors import UserError
from tanebi.cli import coldstarts, timing
from tanebi.cli.client import Api, ApiFailure, connect
from tanebi.cli.discovery import Catalog, ResourceType
from tanebi.cli.get import find_targets
from tanebi.cli.objects import dig
from tanebi.cli.options import data_dir_option, namespace_option
from tanebi.cli.platform import data_dir
from tanebi.cli.tables import layout
from tanebi.cli.timing import age

SIGNS: Final = {"True": "++", "False": "!!", "Unknown": "??"}
EVENTS_MAX: Final = 20
METRICS_S: Final = 5.0
HIDDEN_ANNOTATIONS: Final = ("kubectl.kubernetes.io/last-applied-configuration",)
SERVICE: Final = "services.serving.knative.dev"
REVISION: Final = "revisions.serving.knative.dev"
SERVICE_LABEL: Final = "serving.knative.dev/service"


@click.command()
@click.argument("what", nargs=-1, required=True, metavar="KIND [NAME]... | KIND/NAME...")
@namespace_option
@data_dir_option
def describe(what: tuple[str, ...], namespace: str, folder: str | None) -> int:
    """Show an object, its conditions and its events: `describe ksvc hello`."""
    api = connect(data_dir(folder))
    catalog = Catalog.of(api)
    targets, named = find_targets(catalog, what)
    first = True
    for target in targets:
        if named:
            objects = [api.get(target.type.path(namespace, target.name))]
        else:
            objects = api.get(target.type.path(namespace))["items"]
        for obj in objects:
            if not first:
                click.echo("\n")
            first = False
            click.echo("\n".join(_describe(api, catalog, target.type, obj)))
    if first:
        raise UserError("no-match", f"no {targets[0].type.plural} in namespace {namespace}")
    return 0


def _describe(
    api: Api, catalog: Catalog, type_: ResourceType, obj: dict[str, Any]
) -> Iterator[str]:
    now = timing.wall()
    yield from head(obj, now)
    if type_.resource == SERVICE:
        yield from revision_tree(obj, _revisions(api, catalog, obj), now)
    else:
        yield from section("Spec", obj.get("spec") or _plain_content(obj))
        yield from section("Status", _rest_of_status(obj))
    if type_.resource == REVISION:
        yield from coldstarts.section(_cold_starts(api, obj))
    yield from conditions(obj, now)
    yield from events(_events(api, obj), now)


def _cold_starts(api: Api, revision: dict[str, Any]) -> dict[str, coldstarts.Phase]:
    """From the platform's metrics; nothing for who may see a revision but not those."""
    meta = revision["metadata"]
    try:
        lines = [line.decode() for line in api.stream("/metrics", timeout_s=METRICS_S)]
    except ApiFailure:
        return {}
    return coldstarts.read(lines, meta["namespace"], meta["name"])


def head(obj: dict[str, Any], now: datetime) -> Iterator[str]:
    """Who the object is and where it can be reached."""
    meta = obj["metadata"]
    pairs = [("Name", meta["name"]), ("Namespace", meta.get("namespace", ""))]
    pairs += _many("Labels", meta.get("labels") or {})
    shown = {
        k: v for k, v in (meta.get("annotations") or {}).items() if k not in HIDDEN_ANNOTATIONS
    }
    pairs += _many("Annotations", shown)
    pairs += [
        ("Age", age(meta.get("creationTimestamp"), now)),
        ("URL", dig(obj, "status", "url") or dig(obj, "status", "address", "url") or ""),
        ("Why", dig(obj, "status", "annotations", "tanebi.dev/why") or ""),
    ]
    if meta.get("deletionTimestamp"):
        pairs.append(("Deleting", f"since {age(meta['deletionTimestamp'], now)}"))
    yield from _pairs([pair for pair in pairs if pair[1] != ""])


def _many(name: str, values: dict[str, str]) -> list[tuple[str, str]]:
    lines = [f"{key}={value}" for key, value in sorted(values.items())]
    return [(name if i == 0 else "\0", line) for i, line in enumerate(lines)]


def _pairs(pairs: list[tuple[str, str]]) -> Iterator[str]:
    width = max(len(name) for name, _ in pairs) + 2
    for name, value in pairs:
        label = "" if name == "\0" else f"{name}:"
        yield f"{label:<{width}} {value}".rstrip()


def revision_tree(
    service: dict[str, Any], revisions: dict[str, dict[str, Any]], now: datetime
) -> Iterator[str]:
    """Each traffic target with its share, its revision, and what that runs."""
    yield ""
    yield "Revisions:"
    traffic = dig(service, "status", "traffic") or []
    latest_created = dig(service, "status", "latestCreatedRevisionName")
    named = {t.get("revisionName") for t in traffic}
    for target in traffic:
        share = f"{target.get('percent') or 0}%"
        yield from _branch(share, target, revisions.get(target.get("revisionName") or "", {}), now)
    if latest_created and latest_created not in named:
        target = {"revisionName": latest_created, "latestRevision": True}
        yield from _branch("+", target, revisions.get(latest_created, {}), now)
    if not traffic and not latest_created:
        yield "  (none yet)"


def _branch(
    share: str, target: dict[str, Any], revision: dict[str, Any], now: datetime
) -> Iterator[str]:
    name = target.get("revisionName") or "?"
    shown = f"@latest ({name})" if target.get("latestRevision") else name
    tag = f" #{target['tag']}" if target.get("tag") else ""
    labels = dig(revision, "metadata", "labels") or {}
    number = labels.get("serving.knative.dev/configurationGeneration")
    order = f" [{number}]" if number else ""
    born = age(dig(revision, "metadata", "creationTimestamp"), now)
    yield f"  {share:>5}  {shown}{tag}{order} ({born})"
    for container in dig(revision, "spec", "containers") or ():
        yield f"         Image:     {_image(container, revision)}"
    actual = dig(revision, "status", "actualReplicas") or 0
    wanted = dig(revision, "status", "desiredReplicas") or 0
    yield f"         Replicas:  {actual}/{wanted}"
    if why := dig(revision, "status", "annotations", "tanebi.dev/why"):
        yield f"         Why:       {why}"
    if target.get("url"):
        yield f"         URL:       {target['url']}"


def _image(container: dict[str, Any], revision: dict[str, Any]) -> str:
    for status in dig(revision, "status", "containerStatuses") or ():
        if status.get("name") == container.get("name") and "@" in str(status.get("imageDigest")):
            name = str(container.get("image")).partition("@")[0]
            return f"{name} (pinned to {status['imageDigest'].rpartition(':')[2][:6]})"
    return str(container.get("image"))


def section(title: str, value: Any) -> Iterator[str]:
    if not value:
        return
    yield ""
    yield f"{title}:"
    yield from _tree(value, 2)


def _tree(value: Any, indent: int) -> Iterator[str]:
    pad = " " * indent
    if isinstance(value, dict):
        for name, item in value.items():
            if isinstance(item, dict | list) and item:
                yield f"{pad}{name}:"
                yield from _tree(item, indent + 2)
            else:
                yield f"{pad}{name}: {_leaf(item)}"
    elif isinstance(value, list):
        for item in value:
            lines = list(_tree(item, indent + 2))
            yield f"{pad}- {lines[0].lstrip()}" if lines else f"{pad}-"
            yield from lines[1:]
    else:
        yield f"{pad}{_leaf(value)}"


def _leaf(value: Any) -> str:
    if value is None or value in ({}, []):
        return "<none>"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _plain_content(obj: dict[str, Any]) -> dict[str, Any]:
    """ConfigMaps and their like have no spec."""
    hidden = ("apiVersion", "kind", "metadata", "spec", "status")
    content = {k: v for k, v in obj.items() if k not in hidden}
    if obj.get("kind") == "Secret":
        content["data"] = {k: f"{len(v)} characters" for k, v in (obj.get("data") or {}).items()}
    return content


def _rest_of_status(obj: dict[str, Any]) -> dict[str, Any]:
    hidden = ("conditions", "observedGeneration", "annotations", "url", "address")
    return {k: v for k, v in (obj.get("status") or {}).items() if k not in hidden}


def conditions(obj: dict[str, Any], now: datetime) -> Iterator[str]:
    """`++` holds, `!!` does not, `??` is not known."""
    found = dig(obj, "status", "conditions") or []
    if not found:
        return
    first = sorted(
        found, key=lambda c: (c.get("type") not in ("Ready", "Succeeded"), c.get("type"))
    )
    rows = [["OK", "TYPE", "AGE", "REASON"]]
    for one in first:
        said = ": ".join(x for x in (one.get("reason"), one.get("message")) if x)
        sign = SIGNS.get(one.get("status", ""), "??")
        rows.append([sign, one.get("type", ""), age(one.get("lastTransitionTime"), now), said])
    yield ""
    yield "Conditions:"
    for line in layout(rows):
        yield f"  {line}"


def events(found: list[dict[str, Any]], now: datetime) -> Iterator[str]:
    if not found:
        return
    rows = [["TYPE", "REASON", "AGE", "COUNT", "MESSAGE"]]
    for event in found[-EVENTS_MAX:]:
        count = dig(event, "series", "count") or event.get("count") or 1
        row = [event.get("type"), event.get("reason"), age(_when(event), now), count]
        rows.append([str(text) for text in row] + [" ".join(str(event.get("message", "")).split())])
    yield ""
    yield "Events:"
    for line in layout(rows):
        yield f"  {line}"


def _when(event: dict[str, Any]) -> str | None:
    stamps = (event.get("lastTimestamp"), event.get("eventTime"), event.get("firstTimestamp"))
    return next((stamp for stamp in stamps if stamp), None)


def _events(api: Api, obj: dict[str, Any]) -> list[dict[str, Any]]:
    meta = obj["metadata"]
    query = {"fieldSelector": f"involvedObject.uid={meta.get('uid', '')}"}
    path = f"/api/v1/namespaces/{meta.get('namespace') or 'default'}/events"
    found: list[dict[str, Any]] = api.get(path, query)["items"]
    return sorted(found, key=lambda event: _when(event) or "")


def _revisions(api: Api, catalog: Catalog, service: dict[str, Any]) -> dict[str, dict[str, Any]]:
    type_ = catalog.find("revisions.serving.knative.dev")
    meta = service["metadata"]
    query = {"labelSelector": f"{SERVICE_LABEL}={meta['name']}"}
    items = api.get(type_.path(meta["namespace"]), query)["items"]
    return {item["metadata"]["name"]: item for item in items}
