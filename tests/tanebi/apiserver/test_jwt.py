"""Tokens signed and checked; former keys; tokens that are none."""

from __future__ import annotations

import base64
from pathlib import Path

import orjson
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from tanebi.apiserver.jwt import SIGNING, KeyRing


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> KeyRing:
    return KeyRing(tmp_path_factory.mktemp("keys"))


def test_what_was_signed_is_read(ring: KeyRing) -> None:
    assert ring.claims(ring.sign({"sub": "x"})) == {"sub": "x"}


@given(st.integers(0, 10_000), st.sampled_from("AZaz09-_."))
def test_any_other_letter_breaks_it(ring: KeyRing, at: int, letter: str) -> None:
    token = ring.sign({"sub": "x", "n": 1})
    at %= len(token)
    changed = token[:at] + letter + token[at + 1 :]
    found = ring.claims(changed)
    # The last letter of a part has bits that say nothing: the same bytes may be written in several ways.
    assert found is None or found == {"sub": "x", "n": 1}


@given(st.text(max_size=60))
def test_no_text_is_a_token(ring: KeyRing, text: str) -> None:
    assert ring.claims(text) is None


def test_a_token_that_says_it_needs_no_signature(ring: KeyRing) -> None:
    head = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
    assert ring.claims(f"{head}.{ring.sign({}).split('.')[1]}.") is None
    assert ring.claims("." * 9000) is None


def test_a_former_key_is_still_good(tmp_path: Path) -> None:
    old = KeyRing(tmp_path).sign({"sub": "x"})
    assert (tmp_path / SIGNING).stat().st_mode & 0o777 == 0o600
    (tmp_path / SIGNING).rename(tmp_path / "sa-1.key")
    rotated = KeyRing(tmp_path)
    assert rotated.claims(old) == {"sub": "x"}
    assert len(rotated.jwks()["keys"]) == 2
    head = orjson.loads(base64.urlsafe_b64decode(rotated.sign({}).split(".")[0] + "=="))
    assert head["kid"] in {key["kid"] for key in rotated.jwks()["keys"]}
    (tmp_path / "sa-1.key").unlink()
    assert KeyRing(tmp_path).claims(old) is None


def test_a_key_of_another_kind_is_refused(tmp_path: Path) -> None:
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (tmp_path / SIGNING).write_bytes(pem)
    with pytest.raises(ValueError, match="P-256"):
        KeyRing(tmp_path)
