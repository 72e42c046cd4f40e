"""Certificates of the platform's own authority: issued, known again, replaced near their end."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509

from tanebi.apiserver import pki
from tanebi.up.issuing import OwnIssuer

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NAMES = ("a.example.org", "b.example.org")


def test_what_was_issued_is_known_again_until_it_is_due(tmp_path: Path) -> None:
    pki.ensure(tmp_path, now=NOW)
    issuer = OwnIssuer(tmp_path)
    made = issuer.issue(NAMES, NOW)
    assert issuer.recognize(made.certificate, made.key, NAMES, NOW) == made
    assert issuer.recognize(made.certificate, made.key, ("c.example.org",), NOW) is None
    late = made.renew_at + timedelta(seconds=1)
    assert NOW < made.renew_at < made.not_after
    assert issuer.recognize(made.certificate, made.key, NAMES, late) is None


def test_strangers_certificates_are_not_ours(tmp_path: Path) -> None:
    for name in ("ours", "theirs"):
        pki.ensure(tmp_path / name, now=NOW)
    theirs = OwnIssuer(tmp_path / "theirs").issue(NAMES, NOW)
    ours = OwnIssuer(tmp_path / "ours")
    assert ours.recognize(theirs.certificate, theirs.key, NAMES, NOW) is None
    assert ours.recognize(b"no certificate", b"no key", NAMES, NOW) is None


def test_clients_that_trust_the_authority_trust_it(tmp_path: Path) -> None:
    pki.ensure(tmp_path, now=NOW)
    made = OwnIssuer(tmp_path).issue(NAMES, NOW)
    context = ssl.create_default_context(cadata=made.authority.decode())
    assert context.cert_store_stats()["x509_ca"] == 1
    leaf = x509.load_pem_x509_certificate(made.certificate)
    leaf.verify_directly_issued_by(x509.load_pem_x509_certificate(made.authority))
    named = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert tuple(named.get_values_for_type(x509.DNSName)) == NAMES
