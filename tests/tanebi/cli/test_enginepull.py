from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from tanebi.cli.enginepull import Shown, logins
from tanebi.kubelet.engine.registryauth import login_for
from tests.tanebi.cli.driving import Shell


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(out: io.StringIO) -> str:
    pull = Shown("a/b:1", out)
    for layer in ("1", "2"):
        pull.take({"id": layer, "status": "Pulling fs layer"})
    for current in (1 << 20, 2 << 20):
        detail = {"current": current, "total": 2 << 20}
        pull.take({"id": "1", "status": "Downloading", "progressDetail": detail})
    pull.take({"id": "1", "status": "Download complete"})
    pull.end()
    return out.getvalue()


def test_lines_for_who_is_no_terminal() -> None:
    assert shown(io.StringIO()).splitlines() == [
        "Pulling a/b:1: 0 of 1 layers",
        "Pulling a/b:1: 0 of 2 layers",
        "Pulling a/b:1: 1 of 2 layers",
    ]


def test_one_line_on_a_terminal() -> None:
    said = shown(Terminal())
    assert "\n" not in said
    assert [one for one in said.split("\r\x1b[K") if one] == [
        "Pulling a/b:1: 0 of 1 layers",
        "Pulling a/b:1: 0 of 2 layers",
        "Pulling a/b:1: 0 of 2 layers, 1.0 of 2.0 MiB",
        "Pulling a/b:1: 0 of 2 layers, 2.0 of 2.0 MiB",
        "Pulling a/b:1: 1 of 2 layers, 2.0 of 2.0 MiB",
    ]
    assert said.endswith("\r\x1b[K")


@pytest.mark.parametrize(
    ("variable", "path"),
    [
        ("HOME", ".docker/config.json"),
        ("DOCKER_CONFIG", "config.json"),
        ("XDG_RUNTIME_DIR", "containers/auth.json"),
        ("REGISTRY_AUTH_FILE", ""),
    ],
)
def test_the_login_of_who_asks(variable: str, path: str, tmp_path: Path) -> None:
    file = tmp_path / (path or "mine.json")
    file.parent.mkdir(parents=True, exist_ok=True)
    entry = {"username": "ann", "password": "pears"}
    file.write_text(json.dumps({"auths": {"registry.example": entry}}))
    environ = {variable: str(tmp_path if path else file)}
    login = login_for("registry.example/app", logins(environ))
    assert login is not None
    assert (login.username, login.password) == ("ann", "pears")


def test_without_a_login(tmp_path: Path) -> None:
    assert logins({"HOME": str(tmp_path)}) == []


def test_what_is_not_pulled(nowhere: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    called = nowhere("image", "pull", "dev.local/app")
    assert (called.code, "built here" in called.err) == (1, True)
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    called = nowhere("image", "pull", "example.com/app")
    assert (called.code, "no container engine" in called.err) == (1, True)
