"""`tanebi wait`: until a condition holds, or an object is gone. Watches; never polls."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import click

from tanebi.base.errors import Unavailable, UserError
from tanebi.cli import timing
from tanebi.cli.client import Api, ApiFailure, connect
from tanebi.cli.discovery import Catalog, ResourceType
from tanebi.cli.get import find_targets
from tanebi.cli.objects import condition, dig, generation_seen
from tanebi.cli.options import Duration, data_dir_option, namespace_option
from tanebi.cli.output import full_name
from tanebi.cli.platform import data_dir

# The event and the object; None as object: there is none (yet, or any more).
Change = tuple[str, dict[str, Any] | None]


@click.command()
@click.argument("what", nargs=-1, required=True, metavar="KIND NAME... | KIND/NAME...")
@click.option(
    "--for",
    "goal",
    required=True,
    metavar="condition=TYPE[=STATUS]|delete",
    help="What to wait for, as in --for=condition=Ready.",
)
@click.option(
    "--timeout", type=Duration(), default="30s", show_default=True, help="When to give up."
)
@click.option("--all", "everything", is_flag=True, help="Every object of KIND in the namespace.")
@namespace_option
@data_dir_option
def wait(
    what: tuple[str, ...],
    goal: str,
    timeout: float,
    everything: bool,
    namespace: str,
    folder: str | None,
) -> int:
    """Wait for a condition of an object: `wait ksvc/hello --for=condition=Ready`."""
    holds = _goal(goal)
    api = connect(data_dir(folder))
    targets, named = find_targets(Catalog.of(api), what)
    if not named and not everything:
        raise UserError("usage", "say which object: a name, or --all")
    deadline = timing.monotonic() + timeout
    for target in targets:
        names = [target.name] if named else _all_names(api, target.type, namespace)
        for name in names:
            if holds is None:
                wait_deleted(api, target.type, namespace, name, deadline=deadline)
                click.echo(f"{full_name(target.type, name)} condition met")
            else:
                wait_for(api, target.type, namespace, name, holds, what=goal, deadline=deadline)
                click.echo(f"{full_name(target.type, name)} condition met")
    return 0


def _all_names(api: Api, type_: ResourceType, namespace: str) -> list[str]:
    names = [item["metadata"]["name"] for item in api.get(type_.path(namespace))["items"]]
    if not names:
        raise UserError("no-match", "no matching resources found")
    return names


def _goal(text: str) -> Callable[[dict[str, Any]], bool] | None:
    """None: wait until the object is gone."""
    if text == "delete":
        return None
    head, _, rest = text.partition("=")
    type_, _, status = rest.partition("=")
    if head != "condition" or not type_:
        raise UserError(
            "usage",
            f"--for={text} is not understood",
            hint="try --for=condition=Ready or --for=delete",
        )
    return lambda obj: condition_is(obj, type_, status or "True")


def condition_is(obj: dict[str, Any], type_: str, status: str) -> bool:
    """A condition judged on the object's newest generation."""
    found = str(condition(obj, type_).get("status", ""))
    return found.lower() == status.lower() and generation_seen(obj)


def changes(
    api: Api, type_: ResourceType, namespace: str, name: str, *, deadline: float
) -> Iterator[Change]:
    """The object as it is, then as it becomes, until `deadline` (monotonic). Ends silently then."""
    path = type_.path(namespace)
    query = {"fieldSelector": f"metadata.name={name}"}
    while True:
        listing = api.get(path, query)
        items = listing["items"]
        yield ("MODIFIED", items[0]) if items else ("DELETED", None)
        version = listing["metadata"]["resourceVersion"]
        try:
            for event, obj in _until(api, path, {**query, "resourceVersion": version}, deadline):
                yield event, None if event == "DELETED" else obj
        except ApiFailure as error:
            if error.status != 410:
                raise
        if timing.monotonic() >= deadline:
            return


def _until(
    api: Api, path: str, query: dict[str, str], deadline: float
) -> Iterator[tuple[str, Any]]:
    left = deadline - timing.monotonic()
    if left <= 0:
        return
    bounded = {**query, "timeoutSeconds": str(int(left) + 1)}
    try:
        yield from api.watch(path, bounded, timeout_s=left)
    except TimeoutError:
        return


def wait_for(
    api: Api,
    type_: ResourceType,
    namespace: str,
    name: str,
    holds: Callable[[dict[str, Any]], bool],
    *,
    what: str,
    deadline: float,
) -> dict[str, Any]:
    """The object once `holds`. Raises Unavailable at the deadline, UserError when there is no such object."""
    last: dict[str, Any] | None = None
    for _, obj in changes(api, type_, namespace, name, deadline=deadline):
        if obj is None and last is None:
            api.get(type_.path(namespace, name))  # says in the server's words that there is none
        if obj is not None and holds(obj):
            return obj
        last = obj or last
        if timing.monotonic() >= deadline:
            break
    raise timed_out(type_, name, what, last)


def wait_deleted(
    api: Api, type_: ResourceType, namespace: str, name: str, *, deadline: float
) -> None:
    """Return when the object is gone. Raises Unavailable at the deadline."""
    uid = ""
    for _, obj in changes(api, type_, namespace, name, deadline=deadline):
        found = str(dig(obj, "metadata", "uid") or "")
        if obj is None or (uid and found != uid):
            return
        uid = uid or found
        if timing.monotonic() >= deadline:
            break
    raise timed_out(type_, name, "delete", None)


def timed_out(
    type_: ResourceType, name: str, what: str, last: dict[str, Any] | None
) -> Unavailable:
    ready = condition(last, "Ready") if last else {}
    said = ": ".join(text for text in (ready.get("reason"), ready.get("message")) if text)
    hint = f"Ready is {ready['status']}: {said}" if said else ""
    return Unavailable(
        "timeout", f"timed out waiting for {what} on {full_name(type_, name)}", hint=hint
    )
