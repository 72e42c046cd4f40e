"""`tanebi exec` and `tanebi attach`: a command in a container, and a container's own input and output."""

from __future__ import annotations

from typing import Any, Final

import click

from tanebi.base.errors import UserError
from tanebi.cli.client import connect
from tanebi.cli.objects import dig
from tanebi.cli.options import data_dir_option, namespace_option
from tanebi.cli.platform import access, data_dir
from tanebi.cli.podnames import Found, choose_container, find_pod
from tanebi.cli.session import Ask, converse
from tanebi.cli.terminal import Keyboard, is_terminal, stdin_fd
from tanebi.cli.websocket import Door

COMMAND: Final = "tanebi.command"
NO_TERMINAL: Final = "Unable to use a TTY - input is not a terminal or the right kind of file"
PRESS_ENTER: Final = "If you don't see a command prompt, try pressing enter."


class BehindDashes(click.Command):
    """A command whose last words, behind `--`, are not its own."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        at = args.index("--") if "--" in args else len(args)
        ctx.meta[COMMAND] = args[at + 1 :]
        return super().parse_args(ctx, args[:at])

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        return [*filter(None, super().collect_usage_pieces(ctx)), "-- COMMAND..."]


container_option = click.option("-c", "--container", default="", help="Which container of the pod.")
stdin_option = click.option("-i", "--stdin", is_flag=True, help="Hand on what is typed.")
tty_option = click.option(
    "-t", "--tty", is_flag=True, help="With -i: on a terminal, which follows the window's size."
)
quiet_option = click.option(
    "-q", "--quiet", is_flag=True, help="Print only what the container prints."
)


@click.command("exec", cls=BehindDashes)
@click.argument("what", metavar="POD|TYPE/NAME")
@click.argument("rest", nargs=-1, metavar="")
@container_option
@stdin_option
@tty_option
@quiet_option
@namespace_option
@data_dir_option
@click.pass_context
def exec_(
    ctx: click.Context,
    what: str,
    rest: tuple[str, ...],
    container: str,
    stdin: bool,
    tty: bool,
    quiet: bool,
    namespace: str,
    folder: str | None,
) -> int:
    """Run a command in a container: `exec POD -- env`, `exec -it ksvc/hello -- sh`.

    TYPE/NAME is a service, a revision, a Deployment or whatever else has pods: a ready one is chosen. The exit code is the
    command's. With -i what is typed goes to the command, until its end; with -it the command has a terminal.
    """
    command: list[str] = ctx.meta[COMMAND]
    if rest or not command:
        given = " ".join(rest) or "COMMAND"
        raise UserError(
            "usage",
            "say behind -- what to run",
            hint=f"tanebi exec {what} -- {given}",
        )
    home = data_dir(folder)
    found = find_pod(connect(home), what, namespace)
    notes = _Notes(quiet=quiet)
    name = _container(found, container, notes)
    words = tuple(("command", word) for word in command)
    keyboard = Keyboard(stdin_fd()) if stdin else None
    own = tty and _terminal(keyboard, notes)
    ask = Ask(found.path("exec"), (("container", name), *words), keyboard, tty=own, raw=own)
    return converse(Door(access(home), home), ask)


@click.command()
@click.argument("what", metavar="POD|TYPE/NAME")
@container_option
@stdin_option
@tty_option
@quiet_option
@namespace_option
@data_dir_option
def attach(
    what: str,
    container: str,
    stdin: bool,
    tty: bool,
    quiet: bool,
    namespace: str,
    folder: str | None,
) -> int:
    """Join a container's own output and input: `attach POD`, `attach -it POD`, `attach ksvc/hello`.

    Shows what is printed from now on (`tanebi logs` shows what was). Input needs `stdin: true` in the container, a terminal
    `tty: true`. Ends with the container, with its exit code.
    """
    home = data_dir(folder)
    found = find_pod(connect(home), what, namespace)
    notes = _Notes(quiet=quiet)
    name = _container(found, container, notes)
    has_tty = _has_tty(found.pod, name)
    keyboard = Keyboard(stdin_fd()) if stdin else None
    if tty and not has_tty:
        notes.say(f"Unable to use a TTY - container {name} did not allocate one")
    use_tty = has_tty and tty and _terminal(keyboard, notes)
    if keyboard is not None and use_tty:
        notes.say(PRESS_ENTER)
    ask = Ask(found.path("attach"), (("container", name),), keyboard, tty=has_tty, raw=use_tty)
    return converse(Door(access(home), home), ask)


class _Notes:
    """What is said beside the output."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet

    def say(self, text: str) -> None:
        if text and not self._quiet:
            click.echo(text, err=True)


def _container(found: Found, given: str, notes: _Notes) -> str:
    notes.say(found.note)
    name, note = choose_container(found.pod, given)
    notes.say(note)
    return name


def _terminal(keyboard: Keyboard | None, notes: _Notes) -> bool:
    """Whether a terminal can be had here."""
    if keyboard is not None and is_terminal(keyboard.fd):
        return True
    notes.say(NO_TERMINAL)
    return False


def _has_tty(pod: dict[str, Any], container: str) -> bool:
    for one in dig(pod, "spec", "containers") or ():
        if one["name"] == container:
            return bool(one.get("tty"))
    return False
