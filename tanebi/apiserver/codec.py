"""Bodies: bytes to JSON values and back. Pure.

JSON, YAML and Kubernetes' protobuf in, JSON and YAML out. Callers: tanebi.apiserver.rest, server and writing.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Hashable, Iterator
from typing import Any, Final

import orjson
import yaml

from tanebi.api.meta import Obj
from tanebi.apiserver.protobuf.decode import MEDIA_TYPE as PROTOBUF
from tanebi.apiserver.protobuf.decode import decode as decode_protobuf
from tanebi.kube.errors import BadRequest, NotAcceptable, UnsupportedMediaType

JSON: Final = "application/json"
YAML: Final = "application/yaml"
YAML_NODES_MAX: Final = 500_000


def media_type(header: str) -> str:
    """The type of a Content-Type, without its parameters, in lower case."""
    return header.partition(";")[0].strip().lower()


def decode(body: bytes, content_type: str) -> tuple[Obj, list[str]]:
    """The object in `body`, and the paths of fields that stand twice in it. Raises BadRequest, UnsupportedMediaType."""
    kind = media_type(content_type) or JSON
    if kind == PROTOBUF:
        return decode_protobuf(body), []
    if kind in (YAML, "text/yaml", "application/x-yaml", "application/apply-patch+yaml"):
        value, twice = _yaml(body)
    elif kind == JSON or kind.endswith("+json") or kind == "text/plain":
        value, twice = _json(body)
    else:
        raise UnsupportedMediaType(
            "the body of the request was in an unknown format - accepted media types include: "
            f"{JSON}, {YAML}, {PROTOBUF}"
        )
    if not isinstance(value, dict):
        raise BadRequest("couldn't get version/kind; json parse error: the body is not an object")
    return value, twice


def _json(body: bytes) -> tuple[Any, list[str]]:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"couldn't get version/kind; json parse error: {error}") from error
    return value, []


class _Twice(dict[str, Any]):
    """An object of a JSON text that has a name twice."""

    names: tuple[str, ...] = ()


def duplicates(body: bytes) -> list[str]:
    """Paths of names that stand twice in one object of a JSON text. orjson keeps the last one silently: this is a second look."""
    found: list[_Twice] = []

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        plain = dict(items)
        if len(plain) == len(items):
            return plain
        twice = _Twice(plain)
        times = Counter(name for name, _ in items)
        twice.names = tuple(name for name, count in times.items() if count > 1)
        found.append(twice)
        return twice

    try:
        whole = json.loads(body, object_pairs_hook=pairs)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"json parse error: {error}") from error
    return list(_twice_below(whole, "")) if found else []


def _twice_below(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, _Twice):
        yield from (f"{path}.{name}" if path else name for name in value.names)
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _twice_below(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _twice_below(inner, f"{path}[{index}]")


class _Loader(yaml.CSafeLoader):
    """YAML 1.1 as Kubernetes reads it: no times, string keys; keys that stand twice are remembered."""

    def __init__(self, stream: bytes) -> None:
        super().__init__(stream)
        self.twice: list[str] = []
        self.complaints: list[str] = []  # about them, in Go's words

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
        if not isinstance(node, yaml.MappingNode):
            return super().construct_mapping(node, deep=deep)
        self.flatten_mapping(node)
        result: dict[Hashable, Any] = {}
        for key_node, value_node in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            if key is None:
                raise yaml.constructor.ConstructorError(
                    None, None, "a key is not a scalar", key_node.start_mark
                )
            if key in result:
                self.twice.append(key)
                line = key_node.start_mark.line + 1
                self.complaints.append(f'line {line}: key "{key}" already set in map')
            result[key] = self.construct_object(value_node, deep=True)
        return result


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def repeated_in_yaml(body: bytes) -> list[str]:
    """A complaint for each key that stands twice in one mapping. Raises BadRequest."""
    loader = _Loader(body)
    try:
        loader.get_single_data()
    except (yaml.YAMLError, TypeError, ValueError, RecursionError) as error:
        raise BadRequest(f"error parsing YAML: {error}") from error
    finally:
        loader.dispose()
    return loader.complaints


def _yaml(body: bytes) -> tuple[Any, list[str]]:
    loader = _Loader(body)
    try:
        value = loader.get_single_data()
        if _nodes(value, {}) > YAML_NODES_MAX:
            raise BadRequest(f"error parsing YAML: aliases expand to over {YAML_NODES_MAX} values")
        # Values that JSON cannot say (binary, sets, nan) end here rather than in the store.
        return orjson.loads(orjson.dumps(value)), loader.twice
    except (yaml.YAMLError, TypeError, ValueError, RecursionError) as error:
        raise BadRequest(f"error parsing YAML: {error}") from error
    finally:
        loader.dispose()


def _nodes(value: Any, known: dict[int, int]) -> int:
    """How many values there are once every alias is written out; each shared one is walked only once."""
    if not isinstance(value, dict | list):
        return 1
    if id(value) not in known:
        known[id(value)] = YAML_NODES_MAX + 1  # an alias to what it is inside of never ends
        members = value.values() if isinstance(value, dict) else value
        known[id(value)] = 1 + sum(_nodes(member, known) for member in members)
    return known[id(value)]


def encode(value: Any, *, as_yaml: bool) -> bytes:
    if as_yaml:
        text: str = yaml.dump(value, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True)
        return text.encode()
    return orjson.dumps(value)


def wants_yaml(accept: str) -> bool:
    """True when YAML stands in `accept` before JSON or anything else we can give."""
    for part in accept.split(","):
        kind = media_type(part)
        if kind == YAML:
            return True
        if kind in (JSON, "*/*", "application/*"):
            return False
    return False


def check_accept(accept: str) -> None:
    """Raises NotAcceptable when nothing that we can give is accepted."""
    if not accept:
        return
    for part in accept.split(","):
        if media_type(part) in (JSON, YAML, "*/*", "application/*", "text/plain", "text/html"):
            return
    raise not_acceptable()


def not_acceptable() -> NotAcceptable:
    given = f"{JSON}, {YAML}"
    return NotAcceptable(f"only the following media types are accepted: {given}")


def yaml_to_json(body: bytes) -> bytes:
    """An apply patch is YAML; everything behind this line reads JSON. Most are JSON already, which YAML reads far slower."""
    if body.lstrip()[:1] == b"{":
        try:
            orjson.loads(body)
        except orjson.JSONDecodeError:
            pass  # flow style, then
        else:
            return body
    value, _ = _yaml(body)
    return orjson.dumps(value)
