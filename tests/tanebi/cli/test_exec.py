from __future__ import annotations

import pytest

from tests.tanebi.cli.driving import Shell
from tests.tanebi.cli.entering import pod, running
from tests.tanebi.cli.test_get import service


@pytest.fixture
def web(shell: Shell, ns: str) -> list[str]:
    """The words that name a pod."""
    return [
        "-n",
        ns,
        running(shell, pod("web", ns, labels={"serving.knative.dev/service": "hello"})),
    ]


def test_output_and_exit_codes_are_the_commands(shell: Shell, web: list[str]) -> None:
    said = shell("exec", *web, "--", "echo", "-n", "--help", "--", "hi")
    assert (said.code, said.out, said.err) == (0, "-n --help -- hi", "")
    assert shell("exec", *web, "--", "complain", "no").err == "no"
    ended = shell("exec", *web, "--", "exit", "3")
    assert (ended.code, ended.err) == (3, "command terminated with exit code 3\n")


def test_without_a_command_it_says_how(shell: Shell, web: list[str]) -> None:
    assert "exec web -- COMMAND" in shell("exec", *web).err
    assert "exec web -- COMMAND" in shell("exec", *web, "--").err
    called = shell("exec", *web, "ls", "there")
    assert (called.code, "exec web -- ls there" in called.err) == (1, True)
    assert shell("exec", "--", "ls").code == 2
    assert "-- COMMAND..." in shell("exec", "--help").out


def test_refusals(shell: Shell, web: list[str], ns: str) -> None:
    called = shell("exec", *web, "--", "nothing")
    assert (called.code, "executable file not found" in called.err) == (1, True)
    gone = running(shell, pod("gone", ns))
    assert 'pods "gone" not found' in shell("exec", "-n", ns, gone, "--", "ls").err


def test_no_terminal_is_said_and_done_without(shell: Shell, web: list[str]) -> None:
    for options in (["-it"], ["-t"]):
        called = shell("exec", *options, *web, "--", "echo", "hi")
        assert (called.code, called.out) == (0, "hi")
        assert "Unable to use a TTY" in called.err
    assert shell("exec", "-itq", *web, "--", "echo", "hi").err == ""


def test_a_service_names_its_pods(shell: Shell, web: list[str], ns: str) -> None:
    shell.apply(service(ns, "hello"), service(ns, "idle"))
    assert shell.good("exec", "-n", ns, "ksvc/hello", "--", "echo", "hi") == "hi"
    called = shell("exec", "-n", ns, "ksvc/idle", "--", "echo", "hi")
    assert called.code == 1
    assert "is scaled to zero\n  a request" in called.err


def test_attach(shell: Shell, web: list[str], ns: str) -> None:
    assert shell.good("attach", *web) == "attached to main"
    assert shell("attach", "-it", *web).err.startswith(
        "Unable to use a TTY - container main did not"
    )
    shown = running(shell, pod("shown", ns, tty=True, stdin=True))
    assert "not a terminal" in shell("attach", "-it", "-n", ns, shown).err


def test_without_a_platform(nowhere: Shell) -> None:
    for command in (["exec", "x", "--", "ls"], ["attach", "x"], ["port-forward", "x", "80"]):
        called = nowhere(*command)
        assert (called.code, "tanebi up" in called.err) == (1, True)
