from __future__ import annotations

import importlib
import subprocess
import sys

import click
import pytest

from tanebi.base.errors import UserError
from tanebi.cli.main import COMMANDS, INTERRUPTED, cli, run


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_and_the_list_tells_the_same(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([name, "--help"]) == 0
    assert f"Usage: tanebi {name}" in capsys.readouterr().out
    module, attribute, _ = COMMANDS[name]
    command = getattr(importlib.import_module(module), attribute)
    assert isinstance(command, click.Command)
    assert command.help


def test_the_list_of_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    shown = capsys.readouterr().out
    assert [name for name in COMMANDS if f"  {name} " not in shown] == []


def test_misspelling_is_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["gett"]) == 2
    assert run(["get", "x", "--no-such"]) == 2
    assert "No such command 'gett'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("raised", "code", "says"),
    [
        (
            UserError("x", "it is wrong", hint="do this\nor that"),
            1,
            "error: it is wrong\n  do this\n  or that\n",
        ),
        (KeyboardInterrupt(), INTERRUPTED, ""),
        (BrokenPipeError(), 1, ""),
        (click.Abort(), INTERRUPTED, ""),
    ],
)
def test_errors_become_words_and_codes(
    raised: BaseException,
    code: int,
    says: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    @click.command()
    def broken() -> None:
        raise raised

    monkeypatch.setattr("sys.stdout", sys.stdout)
    monkeypatch.setattr(type(cli), "get_command", lambda self, ctx, name: broken)
    assert run(["broken"]) == code
    assert capsys.readouterr().err.lstrip("\n") == says


def test_get_imports_nothing_heavy() -> None:
    """`tanebi get` answers in under 0.3 s from a cold shell: the imports are most of that."""
    code = "import sys, tanebi.cli.main, tanebi.cli.get; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    heavy = {
        "asyncio",
        "pydantic",
        "httpx",
        "anyio",
        "rich",
        "structlog",
        "tanebi.up.run",
        "yaml",
        "uvloop",
    }
    assert heavy & set(loaded) == set()
