from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tanebi.api.core.kinds import SECRET
from tanebi.api.core.plain import Secret
from tanebi.kubelet.engine.registryauth import Login, login_for


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def secret(auths: Any, key: str = ".dockerconfigjson") -> Secret:
    body = {"auths": auths} if key == ".dockerconfigjson" else auths
    return SECRET.view({"metadata": {"name": "s"}, "data": {key: b64(json.dumps(body))}})


PLAIN = {"username": "me", "password": "x"}


@pytest.mark.parametrize(
    ("image", "server", "fits"),
    [
        ("quay.io/a/b:1", "quay.io", True),
        ("quay.io/a/b@sha256:1", "https://quay.io", True),
        ("quay.io/a/b", "quay.io/a", True),
        ("quay.io/ab/b", "quay.io/a", False),
        ("ghcr.io/a/b", "quay.io", False),
        ("nginx", "https://index.docker.io/v1/", True),
        ("library/nginx", "docker.io", True),
        ("registry.local:5000/x", "registry.local:5000", True),
    ],
)
def test_which_image_a_login_is_for(image: str, server: str, fits: bool) -> None:
    wanted = Login(server, "me", "x") if fits else None
    assert login_for(image, [secret({server: PLAIN})]) == wanted


def test_the_longest_path_wins() -> None:
    secrets = [secret({"quay.io": PLAIN}), secret({"quay.io/a": {"auth": b64("you:y:z")}})]
    assert login_for("quay.io/a/b", secrets) == Login("quay.io/a", "you", "y:z")


def test_the_older_form() -> None:
    assert login_for("quay.io/a", [secret({"quay.io": PLAIN}, ".dockercfg")]) is not None


@pytest.mark.parametrize(
    "bad",
    [
        {"quay.io": "x"},
        {"quay.io": {}},
        {"quay.io": {"auth": "%%"}},
        [],
        {"quay.io": {"auth": b64("")}},
    ],
)
def test_what_is_not_understood_is_passed_over(bad: Any) -> None:
    assert login_for("quay.io/a", [secret(bad)]) is None


def test_not_even_base64() -> None:
    broken = SECRET.view({"metadata": {"name": "s"}, "data": {".dockerconfigjson": "%"}})
    assert login_for("quay.io/a", [broken]) is None


def test_the_header_is_url_safe_json() -> None:
    header = Login("quay.io", "me", "ÿÿÿ?").header()
    assert json.loads(base64.urlsafe_b64decode(header)) == {
        "username": "me",
        "password": "ÿÿÿ?",
        "serveraddress": "quay.io",
    }
