"""JSON Web Tokens of the platform: signed with ES256, checked with the key that signed them.

The folder holds `sa.key`, which signs, and any number of `sa-*.key`, former ones whose tokens are still good: to rotate, rename
the file and start again. Private keys are readable by their owner only. Caller: tanebi.apiserver.tokens.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from pathlib import Path
from typing import Any, Final

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

from tanebi.api.meta import Obj
from tanebi.base.files import write_atomically

ALGORITHM: Final = "ES256"
TOKEN_BYTES_MAX: Final = 8192
COORDINATE_BYTES: Final = 32
SIGNING: Final = "sa.key"


class KeyRing:
    """The keys of one data directory."""

    def __init__(self, folder: Path) -> None:
        """Makes the signing key when there is none. Raises OSError, ValueError."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / SIGNING
        if not path.exists():
            write_atomically(path, _new_key())
        self._signing = _load(path)
        keys = [self._signing, *(_load(old) for old in sorted(folder.glob("sa-*.key")))]
        self._by_id = {key_id(key.public_key()): key.public_key() for key in keys}
        head = {"alg": ALGORITHM, "kid": key_id(self._signing.public_key()), "typ": "JWT"}
        self._head = _encode(orjson.dumps(head))

    def sign(self, claims: Obj) -> str:
        text = f"{self._head}.{_encode(orjson.dumps(claims))}"
        signature = self._signing.sign(text.encode(), ec.ECDSA(hashes.SHA256()))
        r, s = utils.decode_dss_signature(signature)
        raw = r.to_bytes(COORDINATE_BYTES, "big") + s.to_bytes(COORDINATE_BYTES, "big")
        return f"{text}.{_encode(raw)}"

    def claims(self, token: str) -> Obj | None:
        """What a token of ours says; None when it is not one. Its times and audience are the caller's to check."""
        parts = token.split(".")
        if len(parts) != 3 or len(token) > TOKEN_BYTES_MAX:
            return None
        try:
            head, raw = orjson.loads(_decode(parts[0])), _decode(parts[2])
            if not isinstance(head, dict) or head.get("alg") != ALGORITHM:
                return None
            key = self._by_id.get(str(head.get("kid")))
            if key is None or len(raw) != 2 * COORDINATE_BYTES:
                return None
            numbers = (
                int.from_bytes(raw[:COORDINATE_BYTES], "big"),
                int.from_bytes(raw[COORDINATE_BYTES:], "big"),
            )
            signature = utils.encode_dss_signature(*numbers)
            key.verify(signature, f"{parts[0]}.{parts[1]}".encode(), ec.ECDSA(hashes.SHA256()))
            found: Any = orjson.loads(_decode(parts[1]))
        except (ValueError, InvalidSignature):
            return None
        return found if isinstance(found, dict) else None

    def jwks(self) -> Obj:
        """The public keys, as OIDC clients read them."""
        return {"keys": [_public(name, key) for name, key in self._by_id.items()]}


def key_id(key: ec.EllipticCurvePublicKey) -> str:
    """As Kubernetes makes it: the digest of the public key."""
    der = key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return _encode(hashlib.sha256(der).digest())


def _public(name: str, key: ec.EllipticCurvePublicKey) -> Obj:
    numbers = key.public_numbers()
    return {
        "use": "sig",
        "kty": "EC",
        "kid": name,
        "crv": "P-256",
        "alg": ALGORITHM,
        "x": _encode(numbers.x.to_bytes(COORDINATE_BYTES, "big")),
        "y": _encode(numbers.y.to_bytes(COORDINATE_BYTES, "big")),
    }


def _new_key() -> bytes:
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _load(path: Path) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(path.read_bytes(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != "secp256r1":
        raise ValueError(f"{path} is no P-256 key")
    return key


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("not base64url") from error
