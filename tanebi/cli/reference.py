"""Reference pages made of the code: commands, kinds, settings of ConfigMaps, importers. Pure: objects in, Markdown out."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from typing import Any

import click
from pydantic import BaseModel

from tanebi.api.kind import AnyKind, ConfigKind

NOTE = "<!-- Written by `tanebi generate`; edit the code, not this page. -->"


def commands_page(group: click.Group, names: Iterable[str]) -> str:
    """docs/reference/cli.md."""
    lines = ["# Commands", "", NOTE, ""]
    lines += [
        "Every command finds the platform by `--data-dir`, else the variable `TANEBI_DATA_DIR`, else the per-user folder. ",
        "Exit codes: 0 done, 1 the input or the platform is at fault (one line says what, where and what to do), "
        "2 the command itself was misspelled, 130 interrupted. "
        "`exec` and `attach` end with the code of what ran in the container.",
        "",
    ]
    parent = click.Context(group, info_name="tanebi")
    for name in names:
        command = group.get_command(parent, name)
        assert command is not None, name
        lines += _command(command, f"tanebi {name}", level=2)
    return "\n".join(lines).rstrip() + "\n"


def _command(command: click.Command, title: str, *, level: int) -> Iterator[str]:
    context = click.Context(command, info_name=title)
    usage = " ".join(command.collect_usage_pieces(context))
    yield from (f"{'#' * level} {title}", "", "```", f"{title} {usage}".rstrip(), "```", "")
    yield from (inspect.cleandoc(command.help or ""), "")
    records = (parameter.get_help_record(context) for parameter in command.params)
    rows = [row for row in records if row is not None and row[1]]
    if rows:
        yield from ("| option | what |", "|---|---|")
        yield from (f"| `{_cell(flags)}` | {_cell(text)} |" for flags, text in rows)
        yield ""
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None, name
            yield from _command(below, f"{title} {name}", level=level + 1)


def kinds_page(kinds: Iterable[AnyKind]) -> str:
    """docs/reference/kinds.md."""
    lines = [
        "# Kinds",
        "",
        NOTE,
        "",
        "What the API server serves. Columns in brackets show with `-o wide`.",
        "",
    ]
    lines += [
        "| resource | kind | version | short names | categories | scope | columns |",
        "|---|---|---|---|---|---|---|",
    ]
    for kind in kinds:
        columns = ", ".join(f"({c.name})" if c.priority else c.name for c in kind.columns)
        scope = "namespace" if kind.namespaced else "cluster"
        names, groups = ", ".join(kind.short_names), ", ".join(kind.categories)
        cells = (f"`{kind.resource}`", kind.kind, kind.version, names, groups, scope, columns)
        lines.append("| " + " | ".join(_cell(text) for text in cells) + " |")
    return "\n".join(lines) + "\n"


def configs_page(configs: Iterable[ConfigKind[Any]]) -> str:
    """docs/reference/configmaps.md: each map's own example text, which a test holds equal to the defaults."""
    lines = [
        "# ConfigMaps",
        "",
        NOTE,
        "",
        "Settings are honoured live; a bad value is refused and the last good one stays.",
        "",
    ]
    for config in sorted(configs, key=lambda c: (c.namespace, c.name)):
        lines += [f"## {config.name}", "", f"Namespace `{config.namespace}`.", ""]
        if config.data:
            lines += [
                "Set at installation: " + ", ".join(f"`{key}`" for key in config.data) + ".",
                "",
            ]
        if config.example.strip():
            lines += ["```yaml", config.example.rstrip(), "```", ""]
    return "\n".join(lines).rstrip() + "\n"


IMPORTERS_INTRO = """\
Sources of events. The variable `TANEBI_IMPORTERS=a,b` allows only those; `tanebi importers` lists what is installed.

To write one: a package names a subclass of `importers.api.Importer` under the entry-point group `tanebi.importers`. The class
says its `kind` (made with `importers.api.source_kind`), its `Settings` (the kind's `spec`), the event types it `emits`, and its
`run(ctx)`. `ctx.emit(event)` returns when the sink has accepted the event; `ctx.save` and `ctx.load` keep a checkpoint over
crashes. The contract is a test suite: subclass `tanebi.testing.importer_contract.ImporterContract` in your own tests.
"""


def importers_page(importers: Iterable[Any]) -> str:
    """docs/reference/importers.md, of importers.registry.Installed."""
    lines = ["# Importers", "", NOTE, "", IMPORTERS_INTRO]
    for one in importers:
        kind, settings = one.importer.kind, one.importer.Settings
        emits = ", ".join(f"`{type_}`" for type_ in one.importer.emits)
        lines += [
            f"## {kind.kind}",
            "",
            f"`{kind.api_version}`, importer `{one.name}`, emits {emits}.",
        ]
        for told in (inspect.getmodule(one.importer), settings):
            lines += ["", inspect.cleandoc(told.__doc__ or "")]
        lines += ["", "| field of `spec` | type |", "|---|---|", *_fields(settings, ""), ""]
    return "\n".join(lines).rstrip() + "\n"


def _fields(model: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, info in model.model_fields.items():
        path = f"{prefix}{info.alias or name}"
        nested = _model_in(info.annotation)
        if nested is not None:
            yield from _fields(nested, f"{path}.")
        else:
            yield f"| `{path}` | {_cell(_type_name(info.annotation))} |"


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model that an annotation is, or is optionally."""
    for candidate in (annotation, *getattr(annotation, "__args__", ())):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


def _type_name(annotation: Any) -> str:
    if isinstance(annotation, type) and not getattr(annotation, "__args__", ()):
        return annotation.__name__
    return str(annotation).replace("typing.", "")


def _cell(text: Any) -> str:
    return " ".join(str(text).replace("|", "\\|").split())
