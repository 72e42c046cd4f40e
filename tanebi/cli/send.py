"""`tanebi send`: post a CloudEvent to a broker and say what became of it."""

from __future__ import annotations

import http.client
import json
import uuid
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import click

from importers.api.event import Event, binary_headers, check
from tanebi.base.errors import PeerError, UserError
from tanebi.cli import timing
from tanebi.cli.options import data_dir_option, namespace_option
from tanebi.cli.platform import data_dir, gateway, not_running

TIMEOUT_S: Final = 30.0
ANSWER_MAX_BYTES: Final = 64 * 1024
DATA_MAX_BYTES: Final = 64 * 1024 * 1024


@click.command()
@click.option("--broker", default="default", show_default=True, help="The broker's name.")
@click.option("-t", "--type", "type_", required=True, help="The event's type, as in order.created.")
@click.option(
    "-s", "--source", default="tanebi/send", show_default=True, help="The event's source."
)
@click.option("--subject", default="", help="What the event is about.")
@click.option("--id", "id_", default="", help="The event's id (default: a new UUID).")
@click.option(
    "-e", "--ext", multiple=True, metavar="NAME=VALUE", help="An extension; may be repeated."
)
@click.option(
    "-d", "--data", metavar="TEXT|@FILE", help="The event's data; @FILE sends a file's bytes."
)
@click.option(
    "--content-type", default="", help="Of the data (default: JSON when it is, else text)."
)
@namespace_option
@data_dir_option
def send(
    broker: str,
    type_: str,
    source: str,
    subject: str,
    id_: str,
    ext: tuple[str, ...],
    data: str | None,
    content_type: str,
    namespace: str,
    folder: str | None,
) -> int:
    """Send a CloudEvent to a broker: `send --type order.created --data '{"id": 1}'`."""
    home = data_dir(folder)
    body = _body(data)
    event = Event(
        type=type_,
        source=source,
        id=id_ or str(uuid.uuid4()),
        data=body,
        content_type=content_type or _content_type(data, body),
        subject=subject,
        time=timing.wall(),
        extensions=dict(_extension(text) for text in ext),
    )
    check(event)
    url = f"{gateway(home)}/{namespace}/{broker}"
    try:
        status, said = post(url, event)
    except ConnectionRefusedError as error:
        raise not_running(home) from error
    except (OSError, http.client.HTTPException) as error:
        raise PeerError(
            "no-answer",
            f"{url} took the event but did not answer",
            hint=f"it may have been accepted; sending it again with --id {event.id} is safe",
        ) from error
    if not 200 <= status < 300:
        raise _refused(status, said, url, broker, namespace)
    click.echo(f"{status} accepted by broker {namespace}/{broker}")
    click.echo(f"id {event.id}")
    return 0


def post(url: str, event: Event) -> tuple[int, str]:
    """Status and text of the answer. Raises OSError or HTTPException when there is none."""
    parts = urlsplit(url)
    assert parts.hostname is not None, "a gateway address has a host"
    connection = http.client.HTTPConnection(parts.hostname, parts.port or 80, timeout=TIMEOUT_S)
    headers = {name.decode(): value.decode("latin-1") for name, value in binary_headers(event)}
    try:
        connection.request("POST", parts.path, event.data or b"", headers)
        response = connection.getresponse()
        return response.status, response.read(ANSWER_MAX_BYTES).decode("utf-8", "replace").strip()
    finally:
        connection.close()


def _body(data: str | None) -> bytes | None:
    if data is None or not data.startswith("@"):
        return None if data is None else data.encode()
    path = Path(data[1:])
    try:
        if path.stat().st_size > DATA_MAX_BYTES:
            raise UserError("data-too-large", f"{path} has more than {DATA_MAX_BYTES} bytes")
        return path.read_bytes()
    except OSError as error:
        raise UserError("data-unreadable", f"cannot read {path}: {error.strerror}") from error


def _content_type(data: str | None, body: bytes | None) -> str:
    if body is None:
        return ""
    if data is not None and data.startswith("@") and not data.endswith(".json"):
        return "application/octet-stream"
    try:
        json.loads(body)
    except ValueError:
        return "text/plain"
    return "application/json"


def _extension(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise UserError("usage", f"--ext {text}: write NAME=VALUE")
    return name, value


def _refused(status: int, said: str, url: str, broker: str, namespace: str) -> PeerError:
    if status == 404:
        return PeerError(
            "no-broker",
            f"there is no broker {broker!r} in namespace {namespace!r}",
            hint="tanebi get brokers -A",
        )
    return PeerError("event-refused", f"{url} answered {status}: {said or 'no reason given'}")
