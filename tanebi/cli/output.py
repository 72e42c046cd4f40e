"""Whole objects on standard output: YAML, JSON, names."""

from __future__ import annotations

import json
from typing import Any

import click

from tanebi.cli.discovery import ResourceType


def print_objects(objects: list[dict[str, Any]], output: str, *, single: bool) -> None:
    """`single`: one object was asked for by name, so it is not wrapped in a List."""
    if single:
        value: Any = objects[0]
    else:
        value = {"apiVersion": "v1", "kind": "List", "metadata": {}, "items": objects}
    click.echo(dump(value, output), nl=False)


def dump(value: Any, output: str) -> str:
    if output == "json":
        return json.dumps(value, indent=4, ensure_ascii=False) + "\n"
    import yaml

    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=10_000)


def full_name(type_: ResourceType, name: str) -> str:
    """`service.serving.knative.dev/hello`."""
    return f"{type_.qualified}/{name}"
