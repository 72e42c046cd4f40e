"""docs/quickstart.md, typed in: every `console` block is run in order, and must print what the page shows."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tanebi.testing.platform import Platform

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(180),
    pytest.mark.skipif(shutil.which("curl") is None, reason="the page uses curl"),
]

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTED_PORT = ":8080"
STEP_TIMEOUT_S = 60


def steps(page: str) -> list[tuple[str, str]]:
    """Commands (with their heredocs) and what they shall print."""
    found: list[tuple[str, str]] = []
    for block in re.findall(r"```console\n(.*?)```", page, re.S):
        for step in re.split(r"^\$ ", block, flags=re.M)[1:]:
            command, _, shown = step.partition("\n")
            if heredoc := re.search(r"<<'(\w+)'$", command):
                body, _, shown = shown.partition(f"\n{heredoc[1]}\n")
                command = f"{command}\n{body}\n{heredoc[1]}"
            found.append((command, shown))
    return found


def fits(printed: str, shown: str) -> bool:
    """`…` stands for anything; blanks at line ends do not count."""
    pattern = ".*?".join(re.escape(part) for part in shown.strip().split("…"))
    text = "\n".join(line.rstrip() for line in printed.strip().splitlines())
    return re.fullmatch(pattern, text, re.S) is not None


def test_the_page_is_read_rightly() -> None:
    page = "```console\n$ cat > f <<'EOF'\n$ not a prompt? it is\nEOF\n$ a\nb …\n$ c\n```\n"
    assert steps(page.replace("$ not", "not"))[0][0] == "cat > f <<'EOF'\nnot a prompt? it is\nEOF"
    assert steps(page)[-2:] == [("a", "b …\n"), ("c", "")]
    assert fits("one\ntwo  \nthree\n", "one\n…\nthree")
    assert not fits("one\nthree", "one\ntwo")


def test_the_quickstart(tmp_path: Path) -> None:
    (tmp_path / "config").symlink_to(ROOT / "config")
    with Platform(tmp_path / "data") as platform:
        port = f":{platform.gateway_port}"
        path = f"{Path(sys.executable).parent}:{platform.environment['PATH']}"
        for command, shown in steps((ROOT / "docs/quickstart.md").read_text()):
            done = subprocess.run(
                ["bash", "-c", command.replace(DOCUMENTED_PORT, port)],
                cwd=tmp_path,
                env={**platform.environment, "PATH": path},
                capture_output=True,
                text=True,
                timeout=STEP_TIMEOUT_S,
                check=False,
            )
            want = shown.replace(DOCUMENTED_PORT, port)
            told = f"$ {command}\n{done.stdout}{done.stderr}\n--- the page says\n{want}"
            assert done.returncode == 0, told
            assert fits(done.stdout, want), told
