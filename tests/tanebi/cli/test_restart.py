from __future__ import annotations

import json
import os
import signal
import threading
from pathlib import Path

import pytest

from tanebi.cli.main import run


def test_without_a_platform_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["restart", "--data-dir", str(tmp_path)]) == 1
    assert "tanebi up" in capsys.readouterr().err


def test_a_platform_that_is_gone_is_not_running(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "endpoints.json").write_text(json.dumps({"pid": 2**22 + 1}))
    assert run(["restart", "--data-dir", str(tmp_path)]) == 1
    assert "no platform is running" in capsys.readouterr().err


def test_it_asks_and_waits_for_the_new_announcement(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "endpoints.json"
    path.write_text(json.dumps({"pid": os.getpid()}))
    asked = threading.Event()

    def announce() -> None:
        asked.wait(10)
        path.unlink()
        path.write_text(json.dumps({"pid": os.getpid()}))

    before = signal.signal(signal.SIGUSR2, lambda *_: asked.set())
    helper = threading.Thread(target=announce)
    helper.start()
    try:
        assert run(["restart", "--data-dir", str(tmp_path)]) == 0
    finally:
        helper.join()
        signal.signal(signal.SIGUSR2, before)
    assert "restarted in" in capsys.readouterr().out
