"""The house rules that a program can see (STYLE §3.13)."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("tanebi", "serving", "eventing", "activator", "autoscaler", "importers")
TOP_LEVEL = {
    *PACKAGES,
    "tests",
    "config",
    "bench",
    "docs",
}
FUNCTION_LINES_MAX = 70
MODULE_LINES_MAX = 600
BLOB_BYTES_MAX = 256 * 1024


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout
    return [ROOT / name for name in listed.decode().split("\0") if name and (ROOT / name).is_file()]


def sources() -> list[Path]:
    return [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def functions(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            yield f"{relative(path)}:{node.lineno} {node.name}", node.end_lineno - node.lineno + 1


def test_functions_are_short() -> None:
    found = [
        f"{where}: {lines} lines"
        for path in [*sources(), *sorted((ROOT / "bench").rglob("*.py"))]
        for where, lines in functions(path)
        if lines > FUNCTION_LINES_MAX
    ]
    assert found == []


def test_modules_are_short() -> None:
    found = [
        f"{relative(path)}: {count} lines"
        for path in sources()
        if (count := path.read_text().count("\n")) > MODULE_LINES_MAX
    ]
    assert found == []


def test_every_module_has_its_test_and_every_test_its_module() -> None:
    mirrored = {
        f"tests/{Path(relative(p)).parent}/test_{p.stem.lstrip('_')}.py"
        for p in sources()
        if p.name not in ("__init__.py", "__main__.py")
    }
    existing = {
        relative(p) for package in PACKAGES for p in (ROOT / "tests" / package).rglob("test_*.py")
    }
    assert sorted(mirrored - existing) == [], "modules without a test of their own"
    assert sorted(existing - mirrored) == [], "tests whose module is gone"


def test_every_module_says_what_it_is() -> None:
    found = [
        relative(path) for path in sources() if not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert found == []


def test_our_packages_are_imported_at_the_top() -> None:
    """Commands of the CLI may import lazily: `tanebi get` answers from a cold shell."""
    found = []
    for path in sources():
        if relative(path).startswith("tanebi/cli/"):
            continue
        tree = ast.parse(path.read_text())
        for function in ast.walk(tree):
            if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            for node in ast.walk(function):
                if (
                    isinstance(node, ast.ImportFrom)
                    and (node.module or "").split(".")[0] in PACKAGES
                ):
                    found.append(f"{relative(path)}:{node.lineno}")
    assert found == []


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        (r"\b(TODO|FIXME|XXX|HACK)\b", "unfinished work belongs in an issue"),
        (r"\b(asyncio|loop)\.create_task\(", "every task has an owner: use a task group"),
        (r"except( Exception| BaseException)?:\s*\n\s*pass\b", "an error is swallowed"),
    ],
)
def test_words_that_do_not_land(pattern: str, why: str) -> None:
    found = [
        f"{relative(path)}:{text.count(chr(10), 0, match.start()) + 1}"
        for path in sources()
        for text in [path.read_text()]
        for match in re.finditer(pattern, text)
    ]
    assert found == [], why


def test_no_large_blobs_and_no_stray_top_level_names() -> None:
    large = [relative(p) for p in tracked() if p.stat().st_size > BLOB_BYTES_MAX]
    assert large == []
    folders = {relative(p).split("/")[0] for p in tracked() if "/" in relative(p)}
    assert folders - TOP_LEVEL - {".ci"} == set()


def test_the_repository_speaks_of_the_project_alone() -> None:
    """No registry host and no path of a developer's machine in any file."""
    forbidden = re.compile(
        r"/work/|/root/|https?://[^/\s\"']*(pypi\.org|pythonhosted|npmjs|crates\.io|proxy\.golang)"
    )
    found = [
        f"{relative(path)}: {match.group()}"
        for path in tracked()
        if path != Path(__file__) and path.suffix not in (".png", ".gif")
        for match in forbidden.finditer(path.read_text(errors="replace"))
    ]
    assert found == []


def test_the_version_is_in_one_place_and_heads_the_changelog() -> None:
    version = re.search(r'__version__ = "(.+)"', (ROOT / "tanebi/__init__.py").read_text())
    assert version is not None
    heads = re.findall(r"^## \[?([^\]\s]+)\]?", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert version[1] in heads[:2]
