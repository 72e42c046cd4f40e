from pathlib import Path

import pytest

from tanebi.base.datalock import locked, prepare
from tanebi.base.errors import TanebiError
from tanebi.base.settings import DataDir
from tanebi.up.options import UpOptions
from tanebi.up.run import run


def test_nothing_is_built_on_a_directory_that_is_in_use(tmp_path: Path) -> None:
    data = DataDir(tmp_path / "data")
    prepare(data.root)
    with locked(data.lock), pytest.raises(TanebiError):
        run(UpOptions(data.root))
    assert not data.api_db.exists()
