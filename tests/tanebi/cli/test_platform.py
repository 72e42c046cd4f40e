from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
import yaml

from tanebi.base.errors import Unavailable, UserError
from tanebi.base.settings import DataDir
from tanebi.cli.platform import access, data_dir, endpoints, gateway, local_gateway

CONFIG = {
    "current-context": "t",
    "contexts": [{"name": "t", "context": {"cluster": "c", "user": "u"}}],
    "clusters": [
        {
            "name": "c",
            "cluster": {
                "server": "https://127.0.0.1:6443",
                "certificate-authority-data": base64.b64encode(b"PEM").decode(),
            },
        }
    ],
    "users": [{"name": "u", "user": {"token": "secret"}}],
}


@pytest.mark.parametrize("dump", [yaml.safe_dump, json.dumps])
def test_a_kubeconfig_in_both_spellings(tmp_path: Path, dump: object) -> None:
    assert callable(dump)
    (tmp_path / "kubeconfig").write_text(dump(CONFIG))
    found = access(DataDir(tmp_path))
    assert (found.server, found.ca_pem, found.token) == ("https://127.0.0.1:6443", "PEM", "secret")


@pytest.mark.parametrize("text", ["", "a: b", "[]", '{"current-context": "x"}', "{", "a: [1"])
def test_what_is_no_kubeconfig_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "kubeconfig").write_text(text)
    with pytest.raises(UserError, match="is not a kubeconfig of ours"):
        access(DataDir(tmp_path))


def test_nothing_runs(tmp_path: Path) -> None:
    for ask in (access, endpoints, gateway):
        with pytest.raises(
            Unavailable, match=f"no platform is running for data directory {tmp_path}"
        ):
            ask(DataDir(tmp_path))


def test_the_gateway_in_two_forms(tmp_path: Path) -> None:
    home = DataDir(tmp_path)
    home.endpoints.write_text(json.dumps({"gateway": "http://127.0.0.1:8080/"}))
    assert gateway(home) == "http://127.0.0.1:8080"
    assert local_gateway(home) == "http://localhost:8080"
    home.endpoints.write_text(json.dumps({"gateway": "http://10.1.2.3:8080"}))
    assert local_gateway(home) == "http://10.1.2.3:8080"


def test_where_the_data_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TANEBI_DATA_DIR", "/a")
    assert data_dir("/b").root == Path("/b")
    assert data_dir(None).root == Path("/a")
    monkeypatch.delenv("TANEBI_DATA_DIR")
    monkeypatch.setenv("XDG_DATA_HOME", "/x")
    assert data_dir(None).root == Path("/x/tanebi")
    monkeypatch.chdir(tmp_path)
    assert data_dir("rel").root == tmp_path / "rel"
