"""What a streaming request asks for: exec, attach or port-forward of a pod, with which streams. Pure.

The names and defaults are those of PodExecOptions, PodAttachOptions and PodPortForwardOptions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from tanebi.api.meta import Key, Obj
from tanebi.api.podstreams import Wish
from tanebi.apiserver.paths import Target
from tanebi.kube.errors import BadRequest

Verb = Literal["exec", "attach", "portforward"]
VERBS: Final[Mapping[str, Verb]] = {
    "exec": "exec",
    "attach": "attach",
    "portforward": "portforward",
}
PORT_MAX: Final = 65535
PORTS_MAX: Final = 64
OUTPUT: Final = Wish()
NO_COMMAND: Final = "you must specify at least 1 command for the container"
UPGRADE_REQUIRED: Final = "Upgrade request required"
NO_STREAM: Final = "you must specify at least 1 of stdin, stdout, stderr"


@dataclass(frozen=True, slots=True)
class Call:
    """`container` empty means the only one. `ports` are those of a WebSocket port-forward; SPDY names them stream by stream."""

    verb: Verb
    pod: Key
    container: str = ""
    command: tuple[str, ...] = ()
    wish: Wish = OUTPUT
    ports: tuple[int, ...] = ()


def is_streaming(target: Target | None) -> bool:
    """Whether the path is one of a pod's streams."""
    return (
        target is not None
        and (target.group, target.version, target.plural) == ("", "v1", "pods")
        and target.subresource in VERBS
        and bool(target.name and target.namespace)
    )


def read_call(target: Target, query: Iterable[tuple[str, str]]) -> Call:
    """Raises BadRequest with Kubernetes' words."""
    values: dict[str, list[str]] = {}
    for name, value in query:
        values.setdefault(name, []).append(value)
    verb = VERBS[target.subresource]
    pod = Key(target.namespace or "", target.name)
    if verb == "portforward":
        return Call(verb, pod, ports=_ports(values.get("ports", [])))
    # Without being asked for, only the output is connected (the defaults of both Options).
    wish = Wish(
        stdin=_flag(values, "stdin", default=False),
        stdout=_flag(values, "stdout", default=not values.get("stderr")),
        stderr=_flag(values, "stderr", default=not values.get("stdout")),
        tty=_flag(values, "tty", default=False),
    )
    if wish.tty and wish.stderr:
        wish = Wish(wish.stdin, wish.stdout, stderr=False, tty=True)
    if not (wish.stdin or wish.stdout or wish.stderr):
        raise BadRequest(NO_STREAM)
    command = tuple(values.get("command", []))
    if verb == "exec" and not command:
        raise BadRequest(NO_COMMAND)
    return Call(verb, pod, values.get("container", [""])[0], command, wish)


def options_of(call: Call) -> Obj:
    """The options as an object, for those who are asked whether this may be."""
    if call.verb == "portforward":
        return {"kind": "PodPortForwardOptions", "apiVersion": "v1", "ports": list(call.ports)}
    wish = call.wish
    name = "PodExecOptions" if call.verb == "exec" else "PodAttachOptions"
    found: Obj = {"kind": name, "apiVersion": "v1", "container": call.container}
    found |= {"stdin": wish.stdin, "stdout": wish.stdout, "stderr": wish.stderr, "tty": wish.tty}
    return found | ({"command": list(call.command)} if call.command else {})


def _flag(values: Mapping[str, list[str]], name: str, *, default: bool) -> bool:
    given = values.get(name)
    if given is None:
        return default
    text = given[0].lower()
    if text not in ("true", "false", "1", "0", ""):
        raise BadRequest(f"{name}: not a boolean: {given[0]!r}")
    return text in ("true", "1", "")


def _ports(given: list[str]) -> tuple[int, ...]:
    found = [read_port(port) for text in given for port in text.split(",") if port]
    if len(found) > PORTS_MAX:
        raise BadRequest(f"at most {PORTS_MAX} ports can be forwarded by one connection")
    return tuple(found)


def read_port(text: str) -> int:
    """Raises BadRequest."""
    if text.isascii() and text.isdigit() and len(text) <= 5 and 0 < int(text) <= PORT_MAX:
        return int(text)
    raise BadRequest(f"unable to parse {text!r} as a port")
