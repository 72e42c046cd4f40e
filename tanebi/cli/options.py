"""Options that several commands share, so that they are spelled and explained once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

import click

from tanebi.cli import timing

F = TypeVar("F", bound=Callable[..., Any])

FORMATS: Final = ("wide", "yaml", "json", "name")


class Duration(click.ParamType[float]):
    """`30`, `30s`, `1m30s`; the value is seconds."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        if isinstance(value, int | float):
            return float(value)
        try:
            return timing.parse_timeout(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


def data_dir_option(function: F) -> F:
    return click.option(
        "--data-dir",
        "folder",
        metavar="DIR",
        help="The platform's folder (default: TANEBI_DATA_DIR, else ~/.local/share/tanebi).",
    )(function)


def namespace_option(function: F) -> F:
    return click.option(
        "-n", "--namespace", default="default", show_default=True, help="The namespace."
    )(function)


def all_namespaces_option(function: F) -> F:
    return click.option("-A", "--all-namespaces", is_flag=True, help="Every namespace.")(function)


def output_option(function: F) -> F:
    return click.option(
        "-o", "--output", type=click.Choice(FORMATS), help="How to print (default: a table)."
    )(function)
