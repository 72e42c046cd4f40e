"""What goes into a snapshot, and what is run in it."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tanebi.base.errors import UserError
from tanebi.kubelet.imagebuild import (
    Staged,
    procfile_command,
    remove_tree,
    seal,
    shell_words,
    stage,
)


def put(folder: Path, **files: str) -> Path:
    for name, content in files.items():
        path = folder / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return folder


def staged(source: Path, tmp_path: Path, *, lines: list[str] | None = None) -> Staged:
    said = lines if lines is not None else []
    return stage(source, tmp_path / "scratch", command=None, progress=said.append)


def names(result: Staged) -> set[str]:
    root = result.folder / "root"
    return {str(p.relative_to(root)) for p in root.rglob("*") if not p.is_dir()}


def test_what_is_left_out(tmp_path: Path) -> None:
    source = put(
        tmp_path / "app",
        main_dot_py="",
        _dot_git__config="",
        sub___dot_git__x="",
        __pycache____x_dot_pyc="",
        node_modules__a_dot_js="",
        secret_dot_txt="",
        docs__a_dot_md="",
        _dot_tanebiignore="# not these\nsecret.txt\ndocs/\n",
    )
    os.mkfifo(source / "pipe")
    lines: list[str] = []
    found = names(staged(source, tmp_path, lines=lines))
    assert found == {"main.py", "node_modules/a.js", ".tanebiignore"}
    assert "note: pipe is not a file; left out" in lines
    assert any("no Procfile" in line for line in lines)


def test_links_are_kept_as_links(tmp_path: Path) -> None:
    source = put(tmp_path / "app", real="x")
    (source / "inside").symlink_to("real")
    (source / "outside").symlink_to("/etc/hostname")
    lines: list[str] = []
    result = staged(source, tmp_path, lines=lines)
    assert os.readlink(result.folder / "root" / "inside") == "real"
    assert "note: outside points outside; it is kept as a link" in lines


def test_what_a_killed_build_left_goes(tmp_path: Path) -> None:
    source = put(tmp_path / "app", x="")
    old, young = tmp_path / "scratch" / "old", tmp_path / "scratch" / "young"
    old.mkdir(parents=True)
    young.mkdir()
    os.utime(old, (0, 0))
    result = staged(source, tmp_path)
    assert set((tmp_path / "scratch").iterdir()) == {young, result.folder}


def test_a_missing_directory(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is not a directory"):
        staged(tmp_path / "nowhere", tmp_path)


@pytest.mark.parametrize(
    ("line", "argv"),
    [
        ("python server.py --port 80", ("python", "server.py", "--port", "80")),
        ("python 'a b.py'", ("python", "a b.py")),
        (
            "gunicorn app:app --bind :$PORT",
            ("/bin/sh", "-c", "exec gunicorn app:app --bind :$PORT"),
        ),
        ("a && b", ("/bin/sh", "-c", "a && b")),
        ("X=1 python server.py", ("/bin/sh", "-c", "X=1 python server.py")),
        ("exec python $X", ("/bin/sh", "-c", "exec python $X")),
        ("cd x; run", ("/bin/sh", "-c", "cd x; run")),
        ("run ~/x *.py", ("/bin/sh", "-c", "exec run ~/x *.py")),
    ],
)
def test_procfile_lines(line: str, argv: tuple[str, ...]) -> None:
    assert shell_words(line) == argv


def test_only_the_web_line_counts(tmp_path: Path) -> None:
    put(tmp_path, Procfile="worker: python w.py\nweb:   python web.py  \nrelease: x\n")
    assert procfile_command(tmp_path) == ("python", "web.py")
    put(tmp_path, Procfile="webber: python w.py\n")
    assert procfile_command(tmp_path) == ()


def test_a_sealed_tree_is_read_only_and_runs(tmp_path: Path) -> None:
    source = put(
        tmp_path / "app", main_dot_py="import lib; print(lib.WORD)", lib_dot_py="WORD='ok'"
    )
    result = staged(source, tmp_path)
    final = tmp_path / "final"
    seal(result, final=final)
    result.folder.rename(final)
    assert (final / "root" / "lib.py").stat().st_mode & 0o777 == 0o444
    assert list((final / "root" / "__pycache__").glob("lib.*.pyc"))
    ran = subprocess.run(
        [sys.executable, "main.py"], cwd=final / "root", capture_output=True, check=True
    )
    assert ran.stdout == b"ok\n"
    remove_tree(final)
    assert not final.exists()
    remove_tree(final)


def test_requirements_are_installed_from_a_local_folder(tmp_path: Path) -> None:
    package = put(
        tmp_path / "pkg",
        pyproject_dot_toml="",
        _flat_dot_py="",
    )
    wheel = _wheel(package)
    source = put(
        tmp_path / "app",
        requirements_dot_txt=f"--no-index\n{wheel}\n",
        main_dot_py="import tiny; print(tiny.WORD)",
    )
    lines: list[str] = []
    result = staged(source, tmp_path, lines=lines)
    assert result.has_venv
    final = tmp_path / "final"
    seal(result, final=final)
    result.folder.rename(final)
    python = final / "venv" / "bin" / "python"
    ran = subprocess.run(
        [python, "main.py"], cwd=final / "root", capture_output=True, check=True, text=True
    )
    assert ran.stdout == "from the wheel\n"
    script = final / "venv" / "bin" / "tiny"
    assert script.read_text().startswith(f"#!{final}/venv/bin/python")
    assert subprocess.run([script], capture_output=True, text=True, check=True).stdout == "script\n"
    assert any("Successfully installed tiny" in line for line in lines)


def test_requirements_that_cannot_be_installed(tmp_path: Path) -> None:
    source = put(tmp_path / "app", requirements_dot_txt="--no-index\nno-such-package==1.0\n")
    with pytest.raises(UserError) as caught:
        staged(source, tmp_path)
    assert "requirements.txt could not be installed" in caught.value.message
    assert "no-such-package" in caught.value.message
    assert "package index" in caught.value.hint
    assert list((tmp_path / "scratch").iterdir()) == []


def test_a_directory_that_holds_the_store_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds the platform's own data"):
        staged(tmp_path, tmp_path)
    assert not (tmp_path / "scratch").exists()


def _wheel(folder: Path) -> Path:
    """A wheel written by hand: building one would need a build backend."""
    path = folder / "tiny-1.0-py3-none-any.whl"
    about = "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("tiny.py", "WORD = 'from the wheel'\n\ndef main():\n    print('script')\n")
        wheel.writestr("tiny-1.0.dist-info/METADATA", about)
        wheel.writestr(
            "tiny-1.0.dist-info/WHEEL",
            "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        wheel.writestr(
            "tiny-1.0.dist-info/entry_points.txt", "[console_scripts]\ntiny = tiny:main\n"
        )
        wheel.writestr("tiny-1.0.dist-info/RECORD", "")
    return path
