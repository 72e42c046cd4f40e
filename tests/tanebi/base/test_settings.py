from pathlib import Path

from tanebi.base.settings import DataDir, default_data_dir, environment


def test_the_data_directory_is_found_in_order() -> None:
    env = {"TANEBI_DATA_DIR": "/d", "XDG_DATA_HOME": "/x", "HOME": "/h"}
    assert default_data_dir(env) == Path("/d")
    del env["TANEBI_DATA_DIR"]
    assert default_data_dir(env) == Path("/x/tanebi")
    del env["XDG_DATA_HOME"]
    assert default_data_dir(env) == Path("/h/.local/share/tanebi")


def test_the_environment_is_the_processes() -> None:
    assert "PATH" in environment()


def test_everything_lives_below_the_root() -> None:
    data = DataDir(Path("/d"))
    for path in (
        data.lock,
        data.api_db,
        data.events_db,
        data.endpoints,
        data.kubeconfig,
        data.pki,
        data.images,
        data.pods,
        data.logs,
        data.checkpoints,
    ):
        assert path.parent == data.root
