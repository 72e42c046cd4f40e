"""YAML files as documents that know where they stand, so that an error can say which file, document and line.

A document keeps the line of every member: the server answers with a path (`spec.template.spec.containers[0].image`), and a person
needs a line.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from tanebi.base.errors import UserError

SUFFIXES: Final = (".yaml", ".yml", ".json")
FILE_MAX_BYTES: Final = 16 * 1024 * 1024
STDIN: Final = "-"
_STEP: Final = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
LINES_MAX: Final = 200_000


class _Loader(yaml.CSafeLoader):
    """Kubernetes' YAML: a stamp is text, not a date."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, rule) for tag, rule in rules if not tag.endswith(":timestamp")]
    for first, rules in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


@dataclass(frozen=True, slots=True)
class Document:
    """One object of a file. `index` counts from 1; `lines` maps paths like `spec.sink` to lines."""

    file: str
    index: int
    line: int
    obj: dict[str, Any]
    lines: dict[str, int] = field(default_factory=dict)

    @property
    def where(self) -> str:
        return f"{self.file}: document {self.index} (line {self.line})"

    def line_of(self, path: str) -> int:
        """The line of `path`, or of its nearest parent that the document has."""
        steps = _steps(path)
        while steps:
            found = self.lines.get("/".join(steps))
            if found is not None:
                return found
            steps.pop()
        return self.line


def read(names: Iterable[str]) -> list[Document]:
    """Every document of files, directories (sorted, their YAML and JSON files) and `-`. Raises UserError."""
    documents: list[Document] = []
    for name in names:
        for file, text in _texts(name):
            documents += parse(text, file)
    if not documents:
        raise UserError("manifest-empty", f"no objects in {', '.join(names)}")
    return documents


def parse(text: str, file: str) -> list[Document]:
    """The documents of one file; empty ones are skipped, Lists unfold. Raises UserError naming the line."""
    documents: list[Document] = []
    try:
        nodes = list(yaml.compose_all(text, Loader=_Loader))
        loader = _Loader("")
        for index, node in enumerate(nodes, start=1):
            value = loader.construct_document(node)
            documents += _documents(file, index, node, value)
    except yaml.MarkedYAMLError as error:
        raise _malformed(file, error) from error
    except (yaml.YAMLError, ValueError) as error:
        raise UserError("manifest-malformed", f"{file}: {str(error).splitlines()[0]}") from error
    except RecursionError as error:
        raise UserError("manifest-malformed", f"{file}: nested too deeply") from error
    return documents


def _texts(name: str) -> Iterator[tuple[str, str]]:
    if name == STDIN:
        yield "standard input", sys.stdin.read(FILE_MAX_BYTES)
        return
    path = Path(name)
    if path.is_dir():
        files = sorted(p for p in path.iterdir() if p.suffix in SUFFIXES and p.is_file())
        if not files:
            raise UserError("manifest-empty", f"no YAML or JSON files in {path}")
    else:
        files = [path]
    for file in files:
        yield str(file), _text(file)


def _text(file: Path) -> str:
    try:
        if file.stat().st_size > FILE_MAX_BYTES:
            raise UserError("manifest-too-large", f"{file} has more than {FILE_MAX_BYTES} bytes")
        return file.read_text()
    except UnicodeDecodeError as error:
        raise UserError("manifest-malformed", f"{file} is not UTF-8 text") from error
    except OSError as error:
        raise UserError("manifest-unreadable", f"cannot read {file}: {error.strerror}") from error


def _malformed(file: str, error: yaml.MarkedYAMLError) -> UserError:
    mark = error.problem_mark or error.context_mark
    at = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "somewhere"
    said = error.problem or error.context or "not YAML"
    return UserError(
        "manifest-malformed",
        f"{file}: malformed YAML at {at}: {said}",
        hint="nothing was applied",
    )


def _documents(file: str, index: int, node: yaml.Node, value: Any) -> Iterator[Document]:
    line = node.start_mark.line + 1
    if value is None:
        return
    if not isinstance(value, dict):
        what = type(value).__name__
        raise UserError(
            "manifest-invalid",
            f"{file}: document {index} (line {line}) is a {what}, not an object",
        )
    lines: dict[str, int] = {}
    _collect(node, "", lines)
    if str(value.get("kind", "")).endswith("List") and isinstance(value.get("items"), list):
        for number, item in enumerate(value["items"]):
            prefix = f"items/{number}"
            below = {
                path.removeprefix(f"{prefix}/"): at
                for path, at in lines.items()
                if path.startswith(f"{prefix}/")
            }
            yield checked(Document(file, index, lines.get(prefix, line), item, below))
        return
    yield checked(Document(file, index, line, value, lines))


def checked(document: Document) -> Document:
    """Raises UserError unless the document names its kind and itself."""
    obj = document.obj
    missing = [
        name
        for name, found in (
            ("apiVersion", isinstance(obj, dict) and obj.get("apiVersion")),
            ("kind", isinstance(obj, dict) and obj.get("kind")),
            ("metadata.name", isinstance(obj, dict) and _has_name(obj)),
        )
        if not found
    ]
    if missing:
        raise UserError(
            "manifest-invalid",
            f"{document.where}: missing {', '.join(missing)}",
            hint="nothing was applied",
        )
    return document


def _has_name(obj: dict[str, Any]) -> bool:
    meta = obj.get("metadata")
    return isinstance(meta, dict) and isinstance(meta.get("name"), str) and bool(meta["name"])


def _collect(node: yaml.Node, path: str, lines: dict[str, int]) -> None:
    children: list[tuple[str, yaml.Node, int]] = []
    if isinstance(node, yaml.MappingNode):
        children = [(str(k.value), v, k.start_mark.line + 1) for k, v in node.value]
    elif isinstance(node, yaml.SequenceNode):
        children = [(str(i), v, v.start_mark.line + 1) for i, v in enumerate(node.value)]
    if len(lines) > LINES_MAX:
        raise ValueError(f"more than {LINES_MAX} members in one document")
    for name, child, line in children:
        below = f"{path}/{name}" if path else name
        lines.setdefault(below, line)
        _collect(child, below, lines)


def _steps(path: str) -> list[str]:
    return [name or index for name, index in _STEP.findall(path)]
