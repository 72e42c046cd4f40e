"""A scripted request, and how a list of them is put to a server.

In a path, a query or a body `{ns}` is the story's namespace; `{rv:2}`, `{uid:2}` and `{continue:2}` are what answer 2 of the
story (counted from 0) carries. Users: the recorder, the replay.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

Json = Any
TYPES: Final = {
    "json": "application/json-patch+json",
    "merge": "application/merge-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "apply": "application/apply-patch+yaml",
}
TABLE: Final = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
PARTIAL: Final = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io,application/json"
PARTIALS: Final = (
    "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json"
)
AGENT: Final = "scripted/1"
_REFERENCE: Final = re.compile(r"\{(ns|rv|uid|continue)(?::(\d+))?\}")


@dataclass(frozen=True)
class Step:
    """`body` bytes go as they are. `events`: it is a watch, told by its events. `until` is a condition that must be True before
    the story goes on: the request is repeated. `user` asks with another's credential."""

    method: str
    path: str
    body: Json = None
    query: Mapping[str, str] = field(default_factory=dict)
    type: str = "application/json"
    accept: str = "application/json"
    user: str = "admin"
    events: bool = False
    until: str = ""
    quiet: bool = False

    def __str__(self) -> str:
        asked = "&".join(f"{k}={v}" for k, v in self.query.items())
        return f"{self.method} {self.path}{'?' if asked else ''}{asked}"


@dataclass(frozen=True)
class Answer:
    code: int
    body: Json
    warnings: tuple[str, ...] = ()


Stories = Mapping[str, Sequence[Step]]


def namespace_of(story: str) -> str:
    return "r-" + re.sub(r"[^a-z0-9]+", "-", story.lower()).strip("-")[:40].rstrip("-")


def filled(step: Step, namespace: str, answers: Sequence[Answer]) -> Step:
    """The step with its references put in."""

    def put_in(text: str) -> str:
        return _REFERENCE.sub(lambda found: _value(found[1], found[2], namespace, answers), text)

    def below(value: Json) -> Json:
        if isinstance(value, str):
            return put_in(value)
        if isinstance(value, dict):
            return {put_in(name): below(member) for name, member in value.items()}
        return [below(item) for item in value] if isinstance(value, list) else value

    query = {name: put_in(value) for name, value in step.query.items()}
    return Step(
        **{**vars(step), "path": put_in(step.path), "body": below(step.body), "query": query}
    )


def _value(name: str, index: str, namespace: str, answers: Sequence[Answer]) -> str:
    if name == "ns":
        return namespace
    meta = answers[int(index)].body["metadata"]
    return str(meta[{"rv": "resourceVersion"}.get(name, name)])


def body_bytes(step: Step) -> bytes:
    if isinstance(step.body, bytes):
        return step.body
    return b"" if step.body is None else json.dumps(step.body).encode()


def settled(step: Step, body: Json) -> bool:
    """Whether the condition that a step waits for has come."""
    conditions = (body.get("status") or {}).get("conditions") or ()
    return any(c["type"] == step.until and c["status"] == "True" for c in conditions)


def get(path: str, accept: str = "application/json", user: str = "admin", **query: str) -> Step:
    return Step("GET", path, query=query, accept=accept, user=user)


def post(path: str, body: Json, user: str = "admin", **query: str) -> Step:
    return Step("POST", path, body, query, user=user)


def put(path: str, body: Json, user: str = "admin", **query: str) -> Step:
    return Step("PUT", path, body, query, user=user)


def patch(kind: str, path: str, body: Json, user: str = "admin", **query: str) -> Step:
    return Step("PATCH", path, body, query, TYPES[kind], user=user)


def apply(path: str, body: Json, manager: str = "one", **query: str) -> Step:
    return patch("apply", path, body, fieldManager=manager, **query)


def delete(path: str, body: Json = None, user: str = "admin", **query: str) -> Step:
    return Step("DELETE", path, body, query, user=user)


def watch(path: str, **query: str) -> Step:
    return Step("GET", path, query={"watch": "true", "timeoutSeconds": "1", **query}, events=True)


def wait(path: str, condition: str) -> Step:
    return Step("GET", path, until=condition)
