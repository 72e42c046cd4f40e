import json
import os
from pathlib import Path

from tanebi.base.rng import system_rng
from tanebi.base.settings import DataDir
from tanebi.testing.clock import FakeClock
from tanebi.up.options import UpOptions
from tanebi.up.platform import Platform


def test_nothing_is_touched_before_the_start(tmp_path: Path) -> None:
    data = DataDir(tmp_path / "data")
    platform = Platform(UpOptions(data.root, runtime="process"), data, FakeClock(), system_rng(1))
    assert json.loads(platform.endpoints()) == {
        "gateway": "",
        "gatewayTls": "",
        "api": "",
        "pid": os.getpid(),
        "activators": [],
    }
    assert not data.root.exists()
