"""Which certificate is shown for which name."""

from __future__ import annotations

from pathlib import Path

import pytest

from activator.certificates import REMEMBERED_MAX, Certificates
from tanebi.apiserver import pki
from tanebi.base.clock import SystemClock
from tanebi.http.tls import KeyPair


class Minter:
    """Makes certificates and counts them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.made: list[str] = []
        self.now = SystemClock().wall()
        pki.ensure(folder, now=self.now)

    def __call__(self, name: str) -> KeyPair:
        self.made.append(name)
        return KeyPair(*pki.mint(self.folder, name, now=self.now))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pki")


def test_known_names_get_one_of_their_own_once(folder: Path) -> None:
    mint = Minter(folder)
    shown = Certificates(mint=mint, known=lambda name: name.endswith(".localhost"))
    first = shown.context_for("Hello.Default.localhost.")
    assert first is not None
    assert shown.context_for("hello.default.localhost") is first
    assert shown.context_for("elsewhere.example") is None
    assert shown.context_for("a b") is None
    assert mint.made == ["localhost", "hello.default.localhost"]


def test_a_given_one_is_shown_for_all_but_secrets(folder: Path) -> None:
    mint = Minter(folder)
    given, own = mint("given"), mint("own")
    shown = Certificates(mint=mint, given=given, known=lambda name: True)
    assert shown.context_for("hello.default.localhost") is None
    shown.set_secrets({"own.example": own, "*.wide.example": own})
    first = shown.context_for("own.example")
    assert first is not None
    assert shown.context_for("a.wide.example") is not None
    assert shown.context_for("a.b.wide.example") is None
    shown.set_secrets({"own.example": mint("renewed")})
    assert shown.context_for("own.example") not in (None, first)
    shown.set_secrets({})
    assert shown.context_for("own.example") is None


def test_a_secret_that_is_no_pair_leaves_the_default(folder: Path) -> None:
    shown = Certificates(mint=Minter(folder))
    shown.set_secrets({"bad.example": KeyPair(b"x", b"y")})
    assert shown.context_for("bad.example") is None


def test_contexts_are_bounded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("activator.certificates.REMEMBERED_MAX", 2)
    mint = Minter(folder)
    shown = Certificates(mint=mint, known=lambda name: True)
    for name in ("a.x", "b.x", "a.x", "c.x", "a.x"):
        assert shown.context_for(name) is not None
    assert mint.made == ["localhost", "a.x", "b.x", "c.x"]
    assert len(shown._contexts) == 2
    assert REMEMBERED_MAX > 2
