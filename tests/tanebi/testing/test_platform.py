from pathlib import Path

import pytest

from tanebi.testing.platform import Platform


def test_a_platform_that_cannot_start_shows_its_log(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    platform = Platform(tmp_path / "file" / "data")
    platform.log_path = tmp_path / "log"
    with pytest.raises(AssertionError, match=r"ended with 1:\n(.|\n)*file/data cannot be used"):
        platform.start()
    assert not platform.running


def test_what_needs_a_running_platform_says_so(tmp_path: Path) -> None:
    platform = Platform(tmp_path / "data")
    for use in (platform.stop, platform.kill, lambda: platform.pid):
        with pytest.raises(AssertionError, match="not running"):
            use()
    assert platform.log_tail() == "(no log)"


def test_a_failed_command_shows_its_output(tmp_path: Path) -> None:
    platform = Platform(tmp_path / "data")
    with pytest.raises(AssertionError, match="No such command 'nonsense'"):
        platform.cli("nonsense")
    assert platform.cli("nonsense", check=False).returncode == 2
