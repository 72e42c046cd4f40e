"""`tanebi deploy DIR`: build, apply, wait; kn's progress lines, and the URL alone on the last line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import click

from tanebi.base.errors import Unavailable, UserError
from tanebi.base.settings import DataDir
from tanebi.cli import timing
from tanebi.cli.apply import APPLY
from tanebi.cli.client import FIELD_MANAGER, Api, ApiFailure, connect
from tanebi.cli.discovery import Catalog, ResourceType
from tanebi.cli.image import build_image, store
from tanebi.cli.objects import condition, dig, generation_seen
from tanebi.cli.options import Duration, data_dir_option, namespace_option
from tanebi.cli.platform import data_dir, gateway
from tanebi.cli.wait import changes, timed_out
from tanebi.kubelet.images import Image

KSVC: Final = "services.serving.knative.dev"
REPOSITORY: Final = "dev.local"
KEEP_ALIVE_S: Final = 10.0
CLASS_PREFIX: Final = "autoscaling.knative.dev"


@click.command()
@click.argument("directory", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--name", default="", help="The service's name (default: the directory's).")
@click.option("-e", "--env", multiple=True, metavar="NAME=VALUE", help="May be repeated.")
@click.option(
    "-p",
    "--port",
    default="",
    metavar="[NAME:]PORT",
    help="The port the app listens at, as in 8080 or h2c:8080.",
)
@click.option("--scale", default="", metavar="N|MIN..MAX", help="Both bounds of the scale.")
@click.option("--scale-min", type=click.IntRange(0), help="The least number of replicas.")
@click.option("--scale-max", type=click.IntRange(0), help="The most; 0 is unlimited.")
@click.option("--scale-init", type=click.IntRange(0), help="The number of replicas to start with.")
@click.option("--scale-target", type=float, help="Load per replica to aim at.")
@click.option("--scale-metric", type=click.Choice(["concurrency", "rps"]), help="What load means.")
@click.option(
    "--scale-utilization", type=click.FloatRange(1, 100), help="Percent of the target to use."
)
@click.option("--scale-window", default="", help="The stable window, as in 60s.")
@click.option(
    "--concurrency-limit",
    type=click.IntRange(0),
    help="Requests at once per replica; 0 is unlimited.",
)
@click.option(
    "-a",
    "--annotation",
    multiple=True,
    metavar="NAME=VALUE",
    help="On the revision template; may be repeated.",
)
@click.option("--command", help="What to run (default: the Procfile's `web:` line).")
@click.option("--no-wait", is_flag=True, help="Do not wait for the service to be ready.")
@click.option(
    "--wait-timeout",
    type=Duration(),
    default="600s",
    show_default=True,
    help="When to give up waiting.",
)
@namespace_option
@data_dir_option
def deploy(
    directory: Path,
    name: str,
    command: str | None,
    no_wait: bool,
    wait_timeout: float,
    namespace: str,
    folder: str | None,
    **given: Any,
) -> int:
    """Build a directory and run it as a Knative Service.

    DIRECTORY holds the program and a Procfile whose `web:` line starts it, or a Containerfile or Dockerfile, which is built in
    the container engine. The last line printed is the service's URL.
    """
    home = data_dir(folder)
    name = name or service_name(directory)
    manifest = service_manifest(name, namespace, f"{REPOSITORY}/{name}", given)
    gateway(home)  # refuses before the build when nothing runs here
    api = connect(home)
    type_ = Catalog.of(api).find(KSVC)
    container = manifest["spec"]["template"]["spec"]["containers"][0]
    container["image"] = _build(home, directory, f"{REPOSITORY}/{name}", command)
    done = _apply_and_wait(api, type_, manifest, timeout_s=None if no_wait else wait_timeout)
    if done is not None:
        _finish(*done)
    return 0


def _build(home: DataDir, directory: Path, tag: str, command: str | None) -> str:
    """The pinned reference of an image that says what to run. Raises UserError."""
    reference = build_image(home, directory, tag, command)
    built = store(home).resolve(reference)
    if isinstance(built, Image) and not built.command:
        raise UserError(
            "command-missing",
            f"nothing says how to run {directory}",
            hint="add a Procfile with a line `web: COMMAND`, or give --command",
        )
    return reference


def service_name(directory: Path) -> str:
    """A valid service name made of the directory's. Raises UserError when nothing is left of it."""
    name = re.sub(r"[^a-z0-9]+", "-", directory.resolve().name.lower()).strip("-")[:63].strip("-")
    if not name or not name[0].isalpha():
        raise UserError(
            "name-invalid",
            f"no service name can be made of {directory}",
            hint="give one: --name NAME",
        )
    return name


def service_manifest(
    name: str, namespace: str, image: str, given: dict[str, Any]
) -> dict[str, Any]:
    """The Knative Service of the options."""
    container: dict[str, Any] = {"image": image}
    if given.get("env"):
        container["env"] = [_pair(text, "--env") for text in given["env"]]
    if given.get("port"):
        container["ports"] = [_port(given["port"])]
    spec: dict[str, Any] = {"containers": [container]}
    if given.get("concurrency_limit") is not None:
        spec["containerConcurrency"] = given["concurrency_limit"]
    template: dict[str, Any] = {"spec": spec}
    if annotations := _annotations(given):
        template["metadata"] = {"annotations": annotations}
    return {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"template": template},
    }


def _annotations(given: dict[str, Any]) -> dict[str, str]:
    low, high = _bounds(given.get("scale") or "")
    values = {
        "min-scale": given.get("scale_min") if given.get("scale_min") is not None else low,
        "max-scale": given.get("scale_max") if given.get("scale_max") is not None else high,
        "initial-scale": given.get("scale_init"),
        "target": given.get("scale_target"),
        "metric": given.get("scale_metric"),
        "target-utilization-percentage": given.get("scale_utilization"),
        "window": given.get("scale_window") or None,
    }
    found = {f"{CLASS_PREFIX}/{k}": _number(v) for k, v in values.items() if v is not None}
    for text in given.get("annotation") or ():
        pair = _pair(text, "--annotation")
        found[pair["name"]] = pair["value"]
    return found


def _number(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _bounds(text: str) -> tuple[int | None, int | None]:
    if not text:
        return None, None
    low, dots, high = text.partition("..")
    try:
        if not dots:
            return int(low), int(low)
        return (int(low) if low else None), (int(high) if high else None)
    except ValueError as error:
        raise UserError(
            "usage", f"--scale {text}: write a number or MIN..MAX, as in 0..5"
        ) from error


def _pair(text: str, option: str) -> dict[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise UserError("usage", f"{option} {text}: write NAME=VALUE")
    return {"name": name, "value": value}


def _port(text: str) -> dict[str, Any]:
    name, colon, number = text.rpartition(":")
    if not number.isdigit():
        raise UserError("usage", f"--port {text}: write a number, or NAME:NUMBER as in h2c:8080")
    port: dict[str, Any] = {"containerPort": int(number)}
    return {"name": name, **port} if colon else port


def _apply_and_wait(
    api: Api, type_: ResourceType, manifest: dict[str, Any], *, timeout_s: float | None
) -> tuple[dict[str, Any], str] | None:
    """The ready object and what was done to it; None when it is not waited for."""
    name, namespace = manifest["metadata"]["name"], manifest["metadata"]["namespace"]
    path = type_.path(namespace, name)
    before = _current(api, path)
    query = {"fieldManager": FIELD_MANAGER, "force": "true"}
    after = api.call("PATCH", path, query=query, body=manifest, content_type=APPLY)
    if before is not None and before.get("spec") == after.get("spec") and _is_ready(before):
        click.echo(f"No changes to apply to service '{name}'.")
        return before, "unchanged, with"
    verb = "Creating" if before is None else "Updating"
    click.echo(f"{verb} service '{name}' in namespace '{namespace}':")
    click.echo()
    if timeout_s is None:
        click.echo(f"Service '{name}' is not waited for (--no-wait).")
        return None
    obj = _follow(api, type_, after, timeout_s=timeout_s)
    return obj, "created to" if before is None else "updated to"


def _current(api: Api, path: str) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = api.get(path)
    except ApiFailure as error:
        if error.status == 404:
            return None
        raise
    return found


def _is_ready(obj: dict[str, Any]) -> bool:
    return condition(obj, "Ready").get("status") == "True" and generation_seen(obj)


def _follow(
    api: Api, type_: ResourceType, applied: dict[str, Any], *, timeout_s: float
) -> dict[str, Any]:
    """Print each new word of the Ready condition until it is True. Raises Unavailable when it is False or too late."""
    started = timing.monotonic()
    meta = applied["metadata"]
    said, last = "", applied
    for obj in _versions(api, type_, meta, started=started, timeout_s=timeout_s):
        if obj is None:
            raise UserError("gone", f"service '{meta['name']}' was deleted while it started")
        last = obj
        older = obj["metadata"].get("generation", 0) < meta.get("generation", 0)
        if older or not generation_seen(obj):
            continue
        took = timing.monotonic() - started
        ready = condition(obj, "Ready")
        if ready.get("status") == "True":
            click.echo(f"{took:7.3f}s Ready to serve.")
            return obj
        if ready.get("status") == "False":
            raise _failed(meta["name"], ready)
        message = ready.get("message") or ready.get("reason") or "..."
        if message != said:
            click.echo(f"{took:7.3f}s {message}")
            said = message
    raise timed_out(type_, meta["name"], "Ready", last)


def _versions(
    api: Api, type_: ResourceType, meta: dict[str, Any], *, started: float, timeout_s: float
) -> Iterator[dict[str, Any] | None]:
    """The service as it becomes; a sign of life is printed when nothing has changed for a while."""
    end = started + timeout_s
    while (now := timing.monotonic()) < end:
        pause = min(now + KEEP_ALIVE_S, end)
        for _, obj in changes(api, type_, meta["namespace"], meta["name"], deadline=pause):
            yield obj
        click.echo(f"{timing.monotonic() - started:7.3f}s ...")


def _failed(name: str, ready: dict[str, Any]) -> Unavailable:
    return Unavailable(
        "not-ready",
        f"service '{name}' cannot run: {ready.get('reason', '')}: {ready.get('message', '')}",
        hint=f"tanebi describe ksvc {name}\ntanebi logs {name}",
    )


def _finish(obj: dict[str, Any], what: str) -> None:
    """The URL alone on the last line, so that `| tail -1` works."""
    revision = dig(obj, "status", "latestReadyRevisionName") or ""
    name = obj["metadata"]["name"]
    click.echo()
    click.echo(f"Service '{name}' {what} latest revision '{revision}' is available at URL:")
    click.echo(dig(obj, "status", "url") or "")
