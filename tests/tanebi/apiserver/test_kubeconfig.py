"""The kubeconfig and the token."""

from __future__ import annotations

import base64
import os
import stat
from pathlib import Path

import yaml

from tanebi.apiserver import kubeconfig


def test_it_is_private_and_complete(tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    kubeconfig.write(path, server="https://127.0.0.1:1", ca_pem=b"CA", token="t")
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    found = yaml.safe_load(path.read_text())
    assert found["current-context"] == "tanebi"
    cluster = found["clusters"][0]["cluster"]
    assert cluster["server"] == "https://127.0.0.1:1"
    assert base64.b64decode(cluster["certificate-authority-data"]) == b"CA"
    assert found["users"][0]["user"] == {"token": "t"}
    assert found["contexts"][0]["context"]["namespace"] == "default"
    kubeconfig.write(path, server="https://127.0.0.1:2", ca_pem=b"CA", token="t")
    assert "127.0.0.1:2" in path.read_text()
    assert [p.name for p in tmp_path.iterdir()] == ["kubeconfig"]


def test_the_token_stays(tmp_path: Path) -> None:
    token = kubeconfig.ensure_token(tmp_path / "pki")
    assert len(token) >= 32
    assert kubeconfig.ensure_token(tmp_path / "pki") == token
    (tmp_path / "pki" / "token").write_text("")
    assert kubeconfig.ensure_token(tmp_path / "pki") != token
