"""A certificate asked for, approved, and given."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tanebi.api.meta import Obj
from tanebi.apiserver import pki
from tanebi.apiserver.signing import CLIENT_SIGNER, Signer
from tanebi.apiserver.user import User
from tanebi.testing.waiting import wait_until
from tests.tanebi.apiserver.calling import ADMIN, Api

pytestmark = pytest.mark.anyio
PATH = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
ROLES = "/apis/rbac.authorization.k8s.io/v1/clusterroles"
BINDINGS = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"


@pytest.fixture
async def signer(api: Api, tmp_path: Path) -> AsyncIterator[Signer]:
    pki.ensure(tmp_path, now=api.clock.wall())
    made = Signer(api.server.objects, partial(pki.sign_client, tmp_path))
    async with anyio.create_task_group() as group:
        await group.start(made.run)
        yield made
        group.cancel_scope.cancel()


def asked(name: str, *, group: str = "people", **spec: Any) -> Obj:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, name),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, group),
        ]
    )
    made = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    pem = made.public_bytes(serialization.Encoding.PEM)
    wanted = {"request": base64.b64encode(pem).decode(), "signerName": CLIENT_SIGNER}
    return {"metadata": {"name": name}, "spec": wanted | {"usages": ["client auth"]} | spec}


async def approve(api: Api, name: str) -> Obj:
    found = await api.ok("GET", f"{PATH}/{name}")
    condition = {"type": "Approved", "reason": "Test", "message": "it is fine"}
    found.setdefault("status", {})["conditions"] = [condition]
    approved: Obj = await api.ok("PUT", f"{PATH}/{name}/approval", found)
    return approved


async def status(api: Api, name: str) -> Obj:
    return (await api.ok("GET", f"{PATH}/{name}"))["status"]  # type: ignore[no-any-return]


async def test_what_is_approved_is_signed(api: Api, signer: Signer) -> None:
    made = await api.ok("POST", PATH, asked("jane", expirationSeconds=3600, username="somebody"))
    assert made["spec"]["username"] == ADMIN.name  # whatever was said
    assert made["spec"]["groups"] == list(ADMIN.groups)
    approved = await approve(api, "jane")
    assert approved["status"]["conditions"][0]["status"] == "True"
    assert approved["status"]["conditions"][0]["lastTransitionTime"]

    async def issued() -> str:
        return str((await status(api, "jane")).get("certificate") or "")

    pem = base64.b64decode(await wait_until(issued))
    certificate = x509.load_pem_x509_certificate(pem)
    (name,) = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    assert name.value == "jane"
    life = certificate.not_valid_after_utc - api.clock.wall()
    assert life.total_seconds() <= 3600


async def test_what_cannot_be_signed_is_told(api: Api, signer: Signer) -> None:
    await api.ok("POST", PATH, asked("root", group="system:masters"))
    await approve(api, "root")

    async def failed() -> bool:
        told = (await status(api, "root"))["conditions"]
        return any(c["type"] == "Failed" and "system:masters" in c["message"] for c in told)

    await wait_until(failed)


async def test_nobody_approves_past_the_door(api: Api, signer: Signer) -> None:
    await api.ok("POST", PATH, asked("jane", signerName="example.com/other"))
    patch = {"status": {"conditions": [{"type": "Approved", "status": "True"}]}}
    merge = {"content-type": "application/merge-patch+json"}
    after = await api.ok("PATCH", f"{PATH}/jane/status", patch, headers=merge)
    assert after["status"].get("conditions", []) == []
    resources = ["certificatesigningrequests", "certificatesigningrequests/approval"]
    rule: Obj = {"verbs": ["*"], "apiGroups": ["certificates.k8s.io"], "resources": resources}
    await api.ok("POST", ROLES, {"metadata": {"name": "approver"}, "rules": [rule]})
    subject = {"kind": "User", "name": "joe", "apiGroup": "rbac.authorization.k8s.io"}
    ref = {"kind": "ClusterRole", "name": "approver", "apiGroup": "rbac.authorization.k8s.io"}
    bound = {"metadata": {"name": "joe"}, "subjects": [subject], "roleRef": ref}
    await api.ok("POST", BINDINGS, bound)
    api.user = User("joe")
    refused = await api.refused(403, "PATCH", f"{PATH}/jane/approval", patch, headers=merge)
    assert (
        'not permitted to approve requests with signerName "example.com/other"'
        in (refused["message"])
    )
    api.user = ADMIN
    rule |= {"resources": ["*"], "resourceNames": []}
    await api.ok("PUT", f"{ROLES}/approver", {"metadata": {"name": "approver"}, "rules": [rule]})
    api.user = User("joe")
    await api.ok("PATCH", f"{PATH}/jane/approval", patch, headers=merge)
