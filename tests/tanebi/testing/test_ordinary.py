from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tanebi.testing import ordinary
from tanebi.testing.network import user_namespaces_missing
from tanebi.testing.ordinary import OrdinaryPlatform

pytestmark = user_namespaces_missing()


@pytest.mark.skipif(os.geteuid() != ordinary.SUPERUSER, reason="is an ordinary user already")
def test_commands_are_an_ordinary_users_and_find_the_program() -> None:
    with ordinary.folder() as name:
        folder = Path(name)
        platform = OrdinaryPlatform(folder)
        assert platform.uid != os.geteuid()
        assert folder.stat().st_uid == platform.uid
        *command, _, _ = platform.command
        code = "import os, tanebi; print(os.getuid(), os.access('/root', os.W_OK))"
        done = subprocess.run([*command, "-c", code], capture_output=True, text=True, check=False)
        assert done.stdout.split() == [str(platform.uid), "False"], done.stderr
        assert platform.processes() == []
        assert folder.name not in Path("/proc/self/mounts").read_text()


def test_who_is_no_superuser_stays_who_he_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    platform = OrdinaryPlatform(tmp_path)
    assert platform.uid == 4711
    assert platform.command[1:] == ["-m", "tanebi"]
    assert platform.environment["HOME"] == str(tmp_path)
