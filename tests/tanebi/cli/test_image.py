from __future__ import annotations

from pathlib import Path

import pytest

from tanebi.cli.image import human_size
from tests.tanebi.cli.driving import Shell


@pytest.fixture
def app(tmp_path: Path) -> str:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "Procfile").write_text("web: ./run --fast\n")
    return str(tmp_path / "app")


def test_build_list_remove(nowhere: Shell, app: str) -> None:
    said = nowhere.good("image", "build", app, "--tag", "dev.local/app")
    assert "dev.local/app@sha256:" in said
    head, row = nowhere.good("image", "ls").splitlines()
    assert head.split() == ["TAG", "DIGEST", "SIZE", "AGE", "COMMAND"]
    assert row.split()[0] == "dev.local/app:latest"
    assert row.endswith("./run --fast")
    assert nowhere.good("image", "rm", "dev.local/app") == "dev.local/app removed\n"
    called = nowhere("image", "ls")
    assert (called.code, called.out) == (0, "")
    assert "tanebi image build" in called.err


def test_the_command_can_be_given(nowhere: Shell, app: str) -> None:
    nowhere.good("image", "build", app, "-t", "dev.local/app", "--command", "sh -c 'a b'")
    assert nowhere.good("image", "ls").splitlines()[1].endswith("sh -c 'a b'")


def test_what_is_wrong(nowhere: Shell, app: str, tmp_path: Path) -> None:
    called = nowhere("image", "build", str(tmp_path / "gone"), "-t", "dev.local/app")
    assert (called.code, "is not a directory" in called.err) == (1, True)
    called = nowhere("image", "build", app, "-t", "Bad Tag")
    assert (called.code, "invalid image tag" in called.err) == (1, True)
    called = nowhere("image", "rm", "dev.local/gone")
    assert (called.code, "no image dev.local/gone" in called.err) == (1, True)
    assert nowhere("image", "build", app).code == 2


@pytest.mark.parametrize(
    ("size", "want"),
    [(0, "0B"), (1023, "1023B"), (1024, "1.0KiB"), (5 << 20, "5.0MiB"), (3 << 30, "3.0GiB")],
)
def test_sizes(size: int, want: str) -> None:
    assert human_size(size) == want
