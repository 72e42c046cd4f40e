"""containers.conf: the machine's settings stay, ended commands go soon."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from tanebi.kubelet.engine.podmanconf import KEPT_S, write


def written(tmp_path: Path, environ: dict[str, str]) -> dict[str, Any]:
    path = write(tmp_path, environ, root=tmp_path)
    assert path is not None
    return tomllib.loads(path.read_text())


def put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_alone(tmp_path: Path) -> None:
    assert written(tmp_path, {}) == {"engine": {"exit_command_delay": KEPT_S}}


def test_later_files_win_and_the_rest_stays(tmp_path: Path) -> None:
    put(
        tmp_path / "usr/share/containers/containers.conf",
        '[containers]\ndefault_capabilities = ["CHOWN", "KILL"]\nlog_size_max = -1\n[engine]\nevents_logger = "none"\n',
    )
    put(
        tmp_path / "etc/containers/containers.conf.d/1.conf",
        '[containers]\nlog_size_max = 7\n[engine.runtimes]\nrunc = ["/a \\"b\\"", "é"]\n',
    )
    put(tmp_path / "home/containers/containers.conf", "[network]\ndns_bind_port = 53\n")
    assert written(tmp_path, {"XDG_CONFIG_HOME": str(tmp_path / "home")}) == {
        "containers": {"default_capabilities": ["CHOWN", "KILL"], "log_size_max": 7},
        "engine": {
            "events_logger": "none",
            "runtimes": {"runc": ['/a "b"', "é"]},
            "exit_command_delay": KEPT_S,
        },
        "network": {"dns_bind_port": 53},
    }


def test_the_one_that_a_person_chose_stands_for_all(tmp_path: Path) -> None:
    put(tmp_path / "etc/containers/containers.conf", "[engine]\nno_pivot_root = true\n")
    put(tmp_path / "chosen.conf", "[engine]\nnum_locks = 9\n")
    settings = written(tmp_path, {"CONTAINERS_CONF": str(tmp_path / "chosen.conf")})
    assert settings == {"engine": {"num_locks": 9, "exit_command_delay": KEPT_S}}


def test_what_is_not_toml_is_left_to_podman(tmp_path: Path) -> None:
    put(tmp_path / "etc/containers/containers.conf", "[engine\n")
    assert write(tmp_path, {}, root=tmp_path) is None
