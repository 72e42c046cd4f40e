"""The command line's entry: finds the command, runs it, and turns errors into one clear message and an exit code.

Commands are imported when they are called, so that `tanebi get` does not pay for `tanebi up`. Exit codes: 0 done, 1 the user's
input or the platform is at fault, 2 the command itself was misspelled, 130 interrupted.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any, Final

import click

from tanebi.base.errors import TanebiError

# name -> (module, attribute, one line of help): what `tanebi --help` shows without importing the modules.
COMMANDS: Final[dict[str, tuple[str, str, str]]] = {
    "up": ("tanebi.cli.up", "up", "Run the whole platform."),
    "activator": (
        "tanebi.cli.activator",
        "activator",
        "Run the data plane alone, beside a control process.",
    ),
    "restart": (
        "tanebi.cli.restart",
        "restart",
        "Begin anew in place, without a refused connection.",
    ),
    "demo": ("tanebi.cli.demo", "demo", "Play the whole story in a temporary data directory."),
    "deploy": ("tanebi.cli.deploy", "deploy", "Build a directory and run it as a Knative Service."),
    "apply": ("tanebi.cli.apply", "apply", "Create or change objects from YAML."),
    "get": ("tanebi.cli.get", "get", "List objects."),
    "describe": (
        "tanebi.cli.describe",
        "describe",
        "Show an object, its conditions and its events.",
    ),
    "delete": ("tanebi.cli.delete", "delete", "Delete objects."),
    "wait": ("tanebi.cli.wait", "wait", "Wait for a condition of an object."),
    "logs": ("tanebi.cli.logs", "logs", "Show what the pods of a service wrote."),
    "exec": ("tanebi.cli.exec", "exec_", "Run a command in a container."),
    "attach": ("tanebi.cli.exec", "attach", "Join a container's own output and input."),
    "port-forward": (
        "tanebi.cli.portforward",
        "port_forward",
        "Reach ports of a pod at this machine.",
    ),
    "send": ("tanebi.cli.send", "send", "Send a CloudEvent to a broker."),
    "doctor": ("tanebi.cli.doctor", "doctor", "Say what this machine offers and what is missing."),
    "image": ("tanebi.cli.image", "image", "Build, pull, list and remove images."),
    "simulate": (
        "tanebi.cli.simulate",
        "simulate",
        "Try traffic on a manifest's scaling, in virtual time.",
    ),
    "importers": ("tanebi.cli.importers", "importers", "List the importers that are installed."),
    "generate": (
        "tanebi.cli.generate",
        "generate",
        "Write config/ and reference docs from the code.",
    ),
    "version": ("tanebi.cli.version", "version", "Print the version."),
}

INTERRUPTED: Final = 130


class LazyGroup(click.Group):
    """A group that imports a command's module only when that command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        found = COMMANDS.get(cmd_name)
        if found is None:
            return None
        module, attribute, _ = found
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][2]) for name in COMMANDS])


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Tanebi: Knative's API in one Python process. Containers sleep at zero; a request or an event wakes them.",
)
def cli() -> None:
    pass


def run(argv: list[str] | None = None) -> int:
    """The exit code of one call. Never raises for what a user can cause."""
    try:
        result: Any = cli.main(args=argv, prog_name="tanebi", standalone_mode=False)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.Abort:
        return INTERRUPTED
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except TanebiError as error:
        _complain(error)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        return _deaf()
    return result if isinstance(result, int) else 0


def _complain(error: TanebiError) -> None:
    click.echo(f"error: {error.message}", err=True)
    for line in error.hint.splitlines():
        click.echo(f"  {line}", err=True)


def _deaf() -> int:
    """Our reader is gone (`| head`): say nothing more, not even at interpreter exit."""
    sys.stdout = None
    return 1


def main() -> None:
    sys.exit(run())
