"""Certificates: made, kept, renewed."""

from __future__ import annotations

import os
import ssl
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509

from tanebi.apiserver import pki

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_they_are_made_once_and_private(tmp_path: Path) -> None:
    first = pki.ensure(tmp_path / "pki", now=NOW)
    before = first.certificate.read_bytes()
    again = pki.ensure(tmp_path / "pki", now=NOW + timedelta(days=200))
    assert again.certificate.read_bytes() == before
    assert again.ca_pem == first.ca_pem
    for path in (tmp_path / "pki").iterdir():
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600, path


def test_the_server_certificate_names_where_it_is_reached(tmp_path: Path) -> None:
    found = pki.ensure(tmp_path, now=NOW, extra_names=("box.local", "10.0.0.7"))
    certificate = x509.load_pem_x509_certificate(found.certificate.read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert {"localhost", "box.local"} <= set(names.get_values_for_type(x509.DNSName))
    addresses = {str(a) for a in names.get_values_for_type(x509.IPAddress)}
    assert {"127.0.0.1", "10.0.0.7"} <= addresses
    context = ssl.create_default_context(cadata=found.ca_pem.decode())
    assert context.cert_store_stats()["x509_ca"] == 1
    ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(
        found.certificate, found.key
    )


def test_a_new_name_or_a_near_end_makes_a_new_one_under_the_same_authority(tmp_path: Path) -> None:
    first = pki.ensure(tmp_path, now=NOW)
    before = first.certificate.read_bytes()
    named = pki.ensure(tmp_path, now=NOW, extra_names=("new.local",))
    assert named.certificate.read_bytes() != before
    later = pki.ensure(tmp_path, now=NOW + timedelta(days=340), extra_names=("new.local",))
    assert later.ca_pem == first.ca_pem
    certificate = x509.load_pem_x509_certificate(later.certificate.read_bytes())
    assert certificate.not_valid_after_utc > NOW + timedelta(days=600)


def test_spoilt_files_are_replaced(tmp_path: Path) -> None:
    first = pki.ensure(tmp_path, now=NOW)
    (tmp_path / "ca.key").write_text("nonsense")
    second = pki.ensure(tmp_path, now=NOW)
    assert second.ca_pem != first.ca_pem
    (tmp_path / "server.key").write_bytes((tmp_path / "ca.key").read_bytes())
    third = pki.ensure(tmp_path, now=NOW)
    certificate = x509.load_pem_x509_certificate(third.certificate.read_bytes())
    certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(third.ca_pem))
