"""The template of request logs: the part of Go's text/template that such a line needs.

Pure. Text, comments, trimmed actions, `if`/`else`/`end`, pipelines of fields, texts, numbers and FUNCTIONS, and values printed as
Go prints them. Whatever else Go knows (variables, range, with, define) is refused by name when the template is read, and so is a
field that does not exist, which Go itself finds with the first request only. The fields are Knative's (serving/pkg/http/
request_log.go). Callers: serving.api.config_observability reads it, activator.requestlog fills it in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from serving.api import go_text

DEFAULT: Final = (
    '{"httpRequest": {"requestMethod": "{{.Request.Method}}", "requestUrl": "{{js .Request.RequestURI}}",'
    ' "requestSize": "{{.Request.ContentLength}}", "status": {{.Response.Code}},'
    ' "responseSize": "{{.Response.Size}}", "userAgent": "{{js .Request.UserAgent}}",'
    ' "remoteIp": "{{js .Request.RemoteAddr}}", "serverIp": "{{.Revision.PodIP}}",'
    ' "referer": "{{js .Request.Referer}}", "latency": "{{.Response.Latency}}s",'
    ' "protocol": "{{.Request.Proto}}"}, "traceId": "{{index .Request.Header "X-B3-Traceid"}}"}'
)
TEMPLATE_MAX: Final = 8 * 1024
DEPTH_MAX: Final = 20

_Header = Mapping[str, list[str]]


@dataclass(frozen=True, slots=True)
class Logged:
    """One request and what became of it. Names of headers are in Go's canonical form."""

    method: str = ""
    uri: str = ""
    proto: str = "HTTP/1.1"
    host: str = ""
    remote: str = ""
    header: _Header = field(default_factory=dict)
    content_length: int = 0
    code: int = 0
    size: int = 0
    latency_s: float = 0.0
    name: str = ""
    namespace: str = ""
    service: str = ""
    configuration: str = ""
    pod_name: str = ""
    pod_ip: str = ""

    def first(self, name: str) -> str:
        return self.header.get(name, [""])[0]


Value = Callable[[Logged], Any]

FIELDS: Final[Mapping[str, Value]] = {
    "Request.Method": lambda r: r.method,
    "Request.RequestURI": lambda r: r.uri,
    "Request.URL": lambda r: r.uri,
    "Request.URL.Path": lambda r: r.uri.partition("?")[0],
    "Request.URL.RawQuery": lambda r: r.uri.partition("?")[2],
    "Request.Proto": lambda r: r.proto,
    "Request.ProtoMajor": lambda r: int(r.proto[5]),
    "Request.ProtoMinor": lambda r: int(r.proto[7]),
    "Request.Host": lambda r: r.host,
    "Request.UserAgent": lambda r: r.first("User-Agent"),
    "Request.Referer": lambda r: r.first("Referer"),
    "Request.RemoteAddr": lambda r: r.remote,
    "Request.Header": lambda r: r.header,
    "Request.ContentLength": lambda r: r.content_length,
    "Request.TLS": lambda r: None,  # pods are reached without
    "Response.Code": lambda r: r.code,
    "Response.Size": lambda r: r.size,
    "Response.Latency": lambda r: r.latency_s,
    "Revision.Name": lambda r: r.name,
    "Revision.Namespace": lambda r: r.namespace,
    "Revision.Service": lambda r: r.service,
    "Revision.Configuration": lambda r: r.configuration,
    "Revision.PodName": lambda r: r.pod_name,
    "Revision.PodIP": lambda r: r.pod_ip,
}
_GET: Final = "Request.Header.Get"  # a method: it takes the header's name

FUNCTIONS: Final[Mapping[str, tuple[int, int, Callable[..., Any]]]] = {
    "js": (1, 9, lambda *args: go_text.js(go_text.joined(args))),
    "html": (1, 9, lambda *args: go_text.html(go_text.joined(args))),
    "urlquery": (1, 9, lambda *args: go_text.urlquery(go_text.joined(args))),
    "print": (1, 9, lambda *args: go_text.joined(args)),
    "len": (1, 1, lambda value: len(value.encode()) if isinstance(value, str) else len(value)),
    "index": (2, 2, lambda header, name: header.get(name, [])),
    "not": (1, 1, lambda value: not value),
    "and": (1, 9, lambda *args: next((a for a in args if not a), args[-1])),
    "or": (1, 9, lambda *args: next((a for a in args if a), args[-1])),
    "eq": (2, 9, lambda first, *others: first in others),
    "ne": (2, 2, lambda a, b: a != b),
    "lt": (2, 2, lambda a, b: a < b),
    "le": (2, 2, lambda a, b: a <= b),
    "gt": (2, 2, lambda a, b: a > b),
    "ge": (2, 2, lambda a, b: a >= b),
}
"""Name: the least and the most arguments, and what it does."""

_ACTION: Final = re.compile(
    r"\{\{(?P<left>-[ \t\r\n])?"
    r"(?:[ \t]*/\*.*?\*/[ \t]*|(?P<inside>(?:\"(?:[^\"\\\n]|\\.)*\"|`[^`]*`|[^\"`}]|\}(?!\}))*?))"
    r"(?P<right>[ \t\r\n]-)?\}\}",
    re.DOTALL,
)
_TOKEN: Final = re.compile(
    r"\s*(?:(?P<text>\"(?:[^\"\\\n]|\\.)*\"|`[^`]*`)|(?P<number>-?\d+(?:\.\d+)?)"
    r"|(?P<field>\.[\w.]*)|(?P<word>\w+)|(?P<sign>[()|])|(?P<other>\S))"
)


class Template:
    """Raises ValueError for what is no such template."""

    def __init__(self, text: str) -> None:
        if len(text) > TEMPLATE_MAX:
            raise ValueError(f"longer than {TEMPLATE_MAX} characters")
        self.text = text
        reader = _Reader(text)
        self._parts, ended_by = reader.parts(0)
        if ended_by:
            raise ValueError(f"unexpected {{{{{ended_by}}}}}")
        self.render(Logged(header={}))  # comparisons of what cannot be compared

    def render(self, request: Logged) -> str:
        return _filled(self._parts, request)


def _filled(parts: list[Value], request: Logged) -> str:
    return "".join([go_text.shown(part(request)) for part in parts])


class _Reader:
    """Text and actions, one after the other."""

    def __init__(self, text: str) -> None:
        self._pieces: list[tuple[str, bool]] = []  # and whether it is an action
        at, trims = 0, False
        for found in _ACTION.finditer(text):
            before = text[at : found.start()]
            before = before.lstrip(" \t\r\n") if trims else before
            if found["left"]:
                before = before.rstrip(" \t\r\n")
            self._add(before)
            if found["inside"] is not None:
                self._pieces.append((found["inside"].strip(), True))
            at, trims = found.end(), bool(found["right"])
        rest = text[at:]
        self._add(rest.lstrip(" \t\r\n") if trims else rest)
        self._pieces.reverse()

    def _add(self, text: str) -> None:
        if "{{" in text:
            raise ValueError(f"unclosed action: {text[text.index('{{') :][:40]!r}")
        if text:
            self._pieces.append((text, False))

    def parts(self, depth: int) -> tuple[list[Value], str]:
        """Up to the end, or to an `else` or `end`, which is returned."""
        if depth > DEPTH_MAX:
            raise ValueError(f"more than {DEPTH_MAX} levels of if")
        found: list[Value] = []
        while self._pieces:
            piece, is_action = self._pieces.pop()
            if not is_action:
                found.append(_constant(piece))
                continue
            word, _, rest = piece.partition(" ")
            if word in ("else", "end"):
                return found, piece
            found.append(self._condition(rest, depth) if word == "if" else _pipeline(piece))
        return found, ""

    def _condition(self, asked: str, depth: int) -> Value:
        condition = _pipeline(asked)
        then, ended_by = self.parts(depth + 1)
        other: list[Value] = []
        if ended_by == "else":
            other, ended_by = self.parts(depth + 1)
        elif ended_by.startswith("else if "):
            return _chosen(
                condition, then, [self._condition(ended_by[len("else if ") :], depth + 1)]
            )
        if ended_by != "end":
            raise ValueError(f"{{{{if {asked}}}}} is not ended by {{{{end}}}}")
        return _chosen(condition, then, other)


def _chosen(condition: Value, then: list[Value], other: list[Value]) -> Value:
    return lambda request: _filled(then if condition(request) else other, request)


def _constant(value: Any) -> Value:
    return lambda request: value


def _pipeline(text: str) -> Value:
    tokens = [found for found in _TOKEN.finditer(text) if found.lastgroup is not None]
    tokens.reverse()
    value = _piped(tokens, 0)
    if tokens:
        raise ValueError(f"unexpected {tokens[-1][0].strip()!r} in {{{{{text}}}}}")
    return value


def _piped(tokens: list[re.Match[str]], depth: int) -> Value:
    """Commands joined by `|`: the result of each is the last argument of the next one."""
    value = _command(tokens, None, depth)
    while tokens and tokens[-1]["sign"] == "|":
        tokens.pop()
        value = _command(tokens, value, depth)
    return value


def _command(tokens: list[re.Match[str]], piped: Value | None, depth: int) -> Value:
    if not tokens:
        raise ValueError("missing value")
    first = tokens[-1]
    if first["field"] == f".{_GET}":
        tokens.pop()
        arguments = _arguments(tokens, piped, depth)
        return _called(_GET, 1, 1, _got, [FIELDS["Request.Header"], *arguments], extra=1)
    if first["word"] and first["word"] not in ("true", "false", "nil"):
        name = tokens.pop()["word"]
        if name not in FUNCTIONS:
            known = ", ".join(FUNCTIONS)
            raise ValueError(
                f"{name!r} is not known here; functions are {known}, and if, else, end"
            )
        least, most, work = FUNCTIONS[name]
        arguments = _arguments(tokens, piped, depth)
        if name == "index" and (
            len(arguments) != 2 or arguments[0] is not FIELDS["Request.Header"]
        ):
            raise ValueError('index takes .Request.Header and a name: index .Request.Header "Name"')
        return _called(name, least, most, work, arguments)
    value = _operand(tokens, depth)
    if piped is not None:
        raise ValueError(f"{first[0].strip()!r} takes no argument: only a function may follow |")
    return value


def _arguments(tokens: list[re.Match[str]], piped: Value | None, depth: int) -> list[Value]:
    found = []
    while tokens and tokens[-1]["sign"] not in (")", "|"):
        found.append(_operand(tokens, depth))
    return found if piped is None else [*found, piped]


def _called(
    name: str,
    least: int,
    most: int,
    work: Callable[..., Any],
    arguments: list[Value],
    *,
    extra: int = 0,
) -> Value:
    if not least <= len(arguments) - extra <= most:
        wanted = str(least) if least == most else f"{least} to {most}"
        raise ValueError(f"{name} takes {wanted} arguments, not {len(arguments) - extra}")

    def value(request: Logged) -> Any:
        try:
            return work(*[argument(request) for argument in arguments])
        except (TypeError, AttributeError) as error:
            raise ValueError(f"{name} cannot be used with such arguments") from error

    return value


def _got(header: _Header, name: str) -> str:
    return header.get(go_text.canonical(name), [""])[0]


def _operand(tokens: list[re.Match[str]], depth: int) -> Value:
    token = tokens.pop()
    text = token[0].strip()
    if token["text"]:
        return _constant(go_text.unquoted(text))
    if token["number"]:
        return _constant(float(text) if "." in text else int(text))
    if text in ("true", "false"):
        return _constant(text == "true")
    if text == "nil":
        return _constant(None)
    if token["field"]:
        if text[1:] not in FIELDS:
            raise ValueError(
                f"no field {text}; fields are {', '.join('.' + name for name in FIELDS)}"
            )
        return FIELDS[text[1:]]
    if text == "(" and depth < DEPTH_MAX:
        value = _piped(tokens, depth + 1)
        if not tokens or tokens.pop()["sign"] != ")":
            raise ValueError("unclosed parenthesis")
        return value
    raise ValueError(f"unexpected {text!r}")
