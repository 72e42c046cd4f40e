"""The certificates of the HTTPS door: an authority of our own and a server certificate, kept under the data directory.

Made when absent, when near their end, or when the server certificate lacks a name. Private keys are readable by their owner only.
The authority is kept as long as it lasts, so that kubeconfigs stay good over restarts. Caller: tanebi.up.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tanebi.base.files import write_atomically

CA_LIFE: Final = timedelta(days=3650)
SERVER_LIFE: Final = timedelta(days=365)
RENEW_BEFORE: Final = timedelta(days=30)
MASTERS: Final = "system:masters"
BACKDATED: Final = timedelta(minutes=5)
NAMES: Final = (
    "localhost",
    "127.0.0.1",
    "::1",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
)


@dataclass(frozen=True, slots=True)
class Pki:
    """Paths of what TLS needs. `ca_pem` goes into kubeconfigs; clients' certificates are signed by `authority`, too."""

    certificate: Path
    key: Path
    ca_pem: bytes
    authority: Path


@dataclass(frozen=True, slots=True)
class _Pair:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def ensure(folder: Path, *, now: datetime, extra_names: Sequence[str] = ()) -> Pki:
    """Certificates that are good now and for a while. Raises OSError when `folder` cannot be written."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    names = tuple(dict.fromkeys((*NAMES, *extra_names)))
    authority = _load(folder, "ca", now)
    if authority is None:
        authority = _save(folder, "ca", _authority(now))
    server = _load(folder, "server", now)
    if server is None or not _fits(server, authority, names):
        _save(folder, "server", _server(authority, names, now))
    ca_pem = authority.certificate.public_bytes(serialization.Encoding.PEM)
    return Pki(folder / "server.crt", folder / "server.key", ca_pem, folder / "ca.crt")


@dataclass(frozen=True, slots=True)
class Leaf:
    """A certificate of the authority and its key, in PEM, with the authority itself."""

    certificate: bytes
    key: bytes
    authority: bytes
    not_after: datetime


def mint(folder: Path, name: str, *, now: datetime) -> tuple[bytes, bytes]:
    """A certificate for `name` and its key, in PEM, signed by the authority that `ensure` has made in `folder`; kept nowhere.

    Raises ValueError when the authority is not there."""
    names = ("localhost", "127.0.0.1", "::1") if name == "localhost" else (name,)
    made = issue(folder, names, now=now)
    return made.certificate, made.key


def issue(folder: Path, names: Sequence[str], *, now: datetime) -> Leaf:
    """A certificate for all `names`; kept nowhere. Raises ValueError when the authority is not there."""
    authority = _load(folder, "ca", now)
    if authority is None:
        raise ValueError(f"no certificate authority in {folder}")
    return _leaf(_server(authority, names, now, common_name="tanebi-gateway"), authority)


def recognize(
    folder: Path, certificate: bytes, key: bytes, names: Sequence[str], *, now: datetime
) -> Leaf | None:
    """What `issue` gave, as long as it is of the authority of today, good for all `names`, and not near its end."""
    authority = _load(folder, "ca", now)
    pair = _parse(certificate, key, now)
    if authority is None or pair is None or not _fits(pair, authority, names):
        return None
    return _leaf(pair, authority)


def sign_client(folder: Path, request_pem: bytes, life: timedelta, now: datetime) -> bytes:
    """A certificate by which a client says who it is, as it asks for one. Raises ValueError with what is wrong."""
    authority = _load(folder, "ca", now)
    if authority is None:
        raise ValueError("this server has no certificate authority")
    try:
        request = x509.load_pem_x509_csr(request_pem)
    except ValueError as error:
        raise ValueError("the request is not a PKCS#10 request in PEM") from error
    if not request.is_signature_valid:
        raise ValueError("the request is not signed by its own key")
    groups = request.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    if any(group.value == MASTERS for group in groups):
        raise ValueError(f"use of {MASTERS} as a group is not allowed")
    ends = min(now + life, authority.certificate.not_valid_after_utc)
    issued = (
        x509.CertificateBuilder()
        .subject_name(request.subject)
        .issuer_name(authority.certificate.subject)
        .public_key(request.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(sign_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .sign(authority.key, hashes.SHA256())
    )
    return issued.public_bytes(serialization.Encoding.PEM)


def _leaf(pair: _Pair, authority: _Pair) -> Leaf:
    key = pair.key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return Leaf(
        pair.certificate.public_bytes(serialization.Encoding.PEM),
        key,
        authority.certificate.public_bytes(serialization.Encoding.PEM),
        pair.certificate.not_valid_after_utc,
    )


def _load(folder: Path, name: str, now: datetime) -> _Pair | None:
    """None when absent, unreadable as what it should be, or near its end."""
    try:
        certificate, key = (folder / f"{name}.crt").read_bytes(), (folder / f"{name}.key")
        return _parse(certificate, key.read_bytes(), now)
    except FileNotFoundError:
        return None


def _parse(certificate_pem: bytes, key_pem: bytes, now: datetime) -> _Pair | None:
    """None when it is not a certificate and its key, or near its end."""
    try:
        certificate = x509.load_pem_x509_certificate(certificate_pem)
        key = serialization.load_pem_private_key(key_pem, None)
    except (ValueError, TypeError):  # a key with a password is a TypeError of the library
        return None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        return None
    if certificate.public_key() != key.public_key():
        return None
    if certificate.not_valid_after_utc < now + RENEW_BEFORE:
        return None
    return _Pair(certificate, key)


def _fits(server: _Pair, authority: _Pair, names: Sequence[str]) -> bool:
    if server.certificate.issuer != authority.certificate.subject:
        return False
    try:
        server.certificate.verify_directly_issued_by(authority.certificate)
    except (
        Exception
    ) as error:  # the library raises several kinds, InvalidSignature is not a ValueError
        return not str(error) and False
    found = server.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return set(_alternatives(names)) <= set(found.value)


def _alternatives(names: Sequence[str]) -> list[x509.GeneralName]:
    found: list[x509.GeneralName] = []
    for name in names:
        try:
            found.append(x509.IPAddress(ipaddress.ip_address(name)))
        except ValueError:
            found.append(x509.DNSName(name))
    return found


def _authority(now: datetime) -> _Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tanebi-ca")])
    certificate = (
        _builder(name, name, key, now, CA_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(sign_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return _Pair(certificate, key)


def _server(
    authority: _Pair,
    names: Sequence[str],
    now: datetime,
    *,
    common_name: str = "tanebi-apiserver",
) -> _Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    issuer = authority.certificate.subject
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
    certificate = (
        _builder(subject, issuer, key, now, SERVER_LIFE)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(sign_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(_alternatives(names)), critical=False)
        .add_extension(identifier, critical=False)
        .sign(authority.key, hashes.SHA256())
    )
    return _Pair(certificate, key)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    now: datetime,
    life: timedelta,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + life)
    )


def _usage(*, sign_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=sign_certificates,
        crl_sign=sign_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _save(folder: Path, name: str, pair: _Pair) -> _Pair:
    key = pair.key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    write_atomically(folder / f"{name}.key", key)
    write_atomically(
        folder / f"{name}.crt", pair.certificate.public_bytes(serialization.Encoding.PEM)
    )
    return pair
