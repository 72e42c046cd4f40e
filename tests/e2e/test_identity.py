"""Who may do what, with an unmodified kubectl: tokens, roles, impersonation, and what is asked about them."""

from __future__ import annotations

import datetime
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tanebi.testing.platform import Platform
from tanebi.testing.skipping import kubectl_missing
from tests.e2e.driving import eventually

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.kubectl,
    pytest.mark.timeout(120),
    kubectl_missing(),
]


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    data = tmp_path_factory.mktemp("identity") / "data"
    data.mkdir()
    (data / "tokens.csv").write_text('the-token-of-jane,jane,u1,"devs"\n')
    with Platform(data) as running:
        yield running


class Person:
    """kubectl with credentials of one's own, or none."""

    def __init__(self, platform: Platform, folder: Path, **user: str) -> None:
        self._platform = platform
        config = yaml.safe_load((platform.data_dir / "kubeconfig").read_text())
        config["users"][0]["user"] = user
        self._path = folder / "kubeconfig"
        self._path.write_text(yaml.safe_dump(config))

    def run(self, *arguments: str, fails: bool = False) -> str:
        done = self._platform.kubectl("--kubeconfig", str(self._path), *arguments, check=False)
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        return done.stdout + done.stderr


def test_a_robot_with_a_role(platform: Platform, tmp_path: Path) -> None:
    kubectl = platform.kubectl
    assert "kubernetes-admin" in kubectl("auth", "whoami").stdout
    eventually(lambda: "default" in kubectl("get", "sa").stdout)
    kubectl("create", "sa", "robot")
    kubectl(
        "create",
        "role",
        "reader",
        "--verb=get,list",
        "--resource=pods,services.serving.knative.dev",
    )
    kubectl("create", "rolebinding", "reads", "--role=reader", "--serviceaccount=default:robot")
    robot = Person(platform, tmp_path, token=kubectl("create", "token", "robot").stdout.strip())
    assert "system:serviceaccount:default:robot" in robot.run("auth", "whoami")
    assert "No resources found" in robot.run("get", "pods")
    assert "No resources found" in robot.run("get", "ksvc")
    assert (
        'secrets is forbidden: User "system:serviceaccount:default:robot" cannot list resource "secrets" '
        'in API group "" in the namespace "default"' in robot.run("get", "secrets", fails=True)
    )
    assert robot.run("auth", "can-i", "list", "pods") == "yes\n"
    assert "no" in robot.run("auth", "can-i", "delete", "pods", fails=True)
    assert "pods" in robot.run("auth", "can-i", "--list")
    entering = ("auth", "can-i", "create", "pods", "--subresource=exec")
    assert "no" in robot.run(*entering, fails=True)
    kubectl("delete", "sa", "robot")
    assert "Unauthorized" in robot.run("get", "pods", fails=True)


def test_people(platform: Platform, tmp_path: Path) -> None:
    kubectl = platform.kubectl
    kubectl("create", "clusterrole", "nodes", "--verb=get,list", "--resource=nodes")
    kubectl("create", "clusterrolebinding", "nodes", "--clusterrole=nodes", "--group=devs")
    jane = Person(platform, tmp_path, token="the-token-of-jane")
    assert "tanebi" in jane.run("get", "nodes")
    assert "cannot list" in jane.run("get", "pods", fails=True)
    assert "Unauthorized" in Person(platform, tmp_path, token="wrong").run(
        "get", "nodes", fails=True
    )
    refused = kubectl("get", "secrets", "--as=bob", "--as-group=ops", check=False).stderr
    assert 'User "bob" cannot list resource "secrets"' in refused
    kubectl("create", "rolebinding", "bob-edits", "--clusterrole=edit", "--user=bob")
    assert kubectl("auth", "can-i", "create", "ksvc", "--as=bob").stdout == "yes\n"
    stolen = [
        "create",
        "rolebinding",
        "up",
        "--clusterrole=cluster-admin",
        "--user=bob",
        "--as=bob",
    ]
    kubectl("create", "rolebinding", "bob-admin", "--clusterrole=admin", "--user=bob")
    assert "RBAC permissions not currently held" in kubectl(*stolen, check=False).stderr
    shown = kubectl("get", "rolebindings", "-o", "wide").stdout.splitlines()
    assert shown[0].split() == ["NAME", "ROLE", "AGE", "USERS", "GROUPS", "SERVICEACCOUNTS"]


def signed_client(pki: Path, folder: Path) -> tuple[str, str]:
    """A certificate for bob of the ops, signed by the platform's authority."""
    authority = x509.load_pem_x509_certificate((pki / "ca.crt").read_bytes())
    signing: Any = serialization.load_pem_private_key((pki / "ca.key").read_bytes(), None)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "ops"),
            x509.NameAttribute(NameOID.COMMON_NAME, "bob"),
        ]
    )
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(authority.subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .sign(signing, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "bob.crt").write_bytes(certificate.public_bytes(pem))
    (folder / "bob.key").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return str(folder / "bob.crt"), str(folder / "bob.key")


def test_a_client_certificate_and_nobody(platform: Platform, tmp_path: Path) -> None:
    certificate, key = signed_client(platform.data_dir / "pki", tmp_path)
    bob = Person(platform, tmp_path, **{"client-certificate": certificate, "client-key": key})
    shown = bob.run("auth", "whoami")
    assert "bob" in shown
    assert "ops" in shown
    context = ssl.create_default_context(cafile=str(platform.data_dir / "pki" / "ca.crt"))
    with httpx.Client(base_url=str(platform.endpoints["api"]), verify=context) as nobody:
        assert nobody.get("/version").status_code == 200
        assert nobody.get("/readyz").text == "ok"
        refused = nobody.get("/api/v1/namespaces")
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"].startswith("Bearer")
    assert (
        "jwks_uri" in platform.kubectl("get", "--raw", "/.well-known/openid-configuration").stdout
    )
    assert '"kty":"EC"' in platform.kubectl("get", "--raw", "/openid/v1/jwks").stdout
