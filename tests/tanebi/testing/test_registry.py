"""The tests' registry, asked as an engine asks it."""

from __future__ import annotations

import base64
import json
import ssl
from pathlib import Path

import httpx
import pytest

from tanebi.testing.registry import PASSWORD, USER, digest_of, opened, podman_knows, self_signed


def test_an_image_is_what_its_digest_says() -> None:
    with opened() as registry, httpx.Client(base_url=f"http://{registry.host}") as http:
        digest = registry.put("a/b", "1", {"x": b"y"}, Cmd=["/x"])
        assert http.get("/v2/").status_code == 200
        found = http.get("/v2/a/b/manifests/1")
        assert found.headers["docker-content-digest"] == digest == digest_of(found.content)
        assert http.head(f"/v2/a/b/manifests/{digest}").status_code == 200
        blob = found.json()["config"]["digest"]
        assert http.get(f"/v2/a/b/blobs/{blob}").json()["config"] == {"Cmd": ["/x"]}
        assert http.get("/v2/a/b/blobs/sha256:0").status_code == 404
        assert http.get("/v2/a/b/manifests/2").json()["errors"][0]["code"] == "MANIFEST_UNKNOWN"
        assert registry.asked[0] == ("GET", "/v2/a/b/manifests/1", "")


def test_a_private_image_needs_the_login() -> None:
    with opened() as registry, httpx.Client(base_url=f"http://{registry.host}") as http:
        registry.put("a/b", "1", {})
        registry.private.add("a/b")
        refused = http.get("/v2/a/b/manifests/1")
        assert refused.status_code == 401
        assert f'realm="http://{registry.host}/token"' in refused.headers["www-authenticate"]
        assert http.get("/token", auth=(USER, "no")).status_code == 401
        token = http.get("/token", auth=(USER, PASSWORD)).json()["token"]
        headers = {"authorization": f"Bearer {token}"}
        assert http.get("/v2/a/b/manifests/1", headers=headers).status_code == 200
        config = json.loads(registry.docker_config())
        pair = base64.b64decode(config["auths"][registry.host]["auth"]).decode()
        assert pair == f"{USER}:{PASSWORD}"


def test_troubles() -> None:
    with opened() as registry, httpx.Client(base_url=f"http://{registry.host}") as http:
        registry.put("a/b", "1", {})
        statuses = []
        for trouble in ("missing", "busy", "broken", "garbage"):
            registry.trouble["a/b"] = trouble
            statuses.append(http.get("/v2/a/b/manifests/1").status_code)
        assert statuses == [404, 429, 500, 200]
        registry.trouble["a/b"] = "silent"
        with pytest.raises(httpx.HTTPError):
            http.get("/v2/a/b/manifests/1")
        registry.trouble["a/b"], registry.lasts["a/b"] = "busy", 1
        busy = http.get("/v2/a/b/manifests/1")
        assert (busy.status_code, busy.headers["retry-after"]) == (429, "1")
        assert http.get("/v2/a/b/manifests/1").status_code == 200


def test_over_tls_that_nobody_trusts(tmp_path: Path) -> None:
    with opened(self_signed(tmp_path)) as registry:
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            httpx.get(f"https://{registry.host}/v2/")
        context = ssl.create_default_context(cafile=str(tmp_path / "ca.crt"))
        assert httpx.get(f"https://{registry.host}/v2/", verify=context).status_code == 200
        known = podman_knows(tmp_path, registry.host)
        assert registry.host in Path(known["CONTAINERS_REGISTRIES_CONF"]).read_text()
