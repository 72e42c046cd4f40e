"""How these tests speak to a platform: the API over HTTPS as any client, and the gateway over HTTP."""

from __future__ import annotations

import base64
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import httpx
import yaml

from tanebi.testing.platform import Platform

APPS: Final = Path(__file__).parent / "apps"
IMAGE: Final = "dev.local/runtime"
SERVING: Final = "/apis/serving.knative.dev/v1"


def eventually(look: Callable[[], Any], timeout_s: float = 30.0, *, what: str = "") -> Any:
    deadline = time.monotonic() + timeout_s
    found: Any = None
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.03)
    raise AssertionError(f"not within {timeout_s} s: {what} (last: {found!r})")


class Client:
    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        config = yaml.safe_load((platform.data_dir / "kubeconfig").read_text())
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        ca = base64.b64decode(cluster["certificate-authority-data"]).decode()
        self.api = httpx.Client(
            base_url=cluster["server"],
            headers={"Authorization": f"Bearer {user['token']}"},
            verify=ssl.create_default_context(cadata=ca),
            timeout=20.0,
        )
        self.http = httpx.Client(timeout=40.0, limits=httpx.Limits(max_connections=200))

    def close(self) -> None:
        self.api.close()
        self.http.close()

    # --- the API ---
    def path(self, plural: str, name: str = "", *, base: str = SERVING) -> str:
        return f"{base}/namespaces/default/{plural}" + (f"/{name}" if name else "")

    def create(self, obj: Any, plural: str = "services", *, base: str = SERVING) -> Any:
        answer = self.api.post(self.path(plural, base=base), json=obj)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def refused(self, obj: Any, plural: str = "services", **query: str) -> str:
        answer = self.api.post(self.path(plural), json=obj, params=query)
        assert answer.status_code >= 400, answer.text
        return str(answer.json()["message"])

    def get(self, name: str, plural: str = "services", *, base: str = SERVING) -> Any:
        answer = self.api.get(self.path(plural, name, base=base))
        assert answer.status_code == 200, answer.text
        return answer.json()

    def gone(self, name: str, plural: str, *, base: str = SERVING) -> bool:
        return self.api.get(self.path(plural, name, base=base)).status_code == 404

    def list(self, plural: str, selector: str, *, base: str = SERVING) -> list[Any]:
        found = self.api.get(self.path(plural, base=base), params={"labelSelector": selector})
        items: list[Any] = found.json()["items"]
        return items

    def patch(self, name: str, body: Any, plural: str = "services") -> Any:
        answer = self.api.patch(
            self.path(plural, name),
            json=body,
            headers={"Content-Type": "application/merge-patch+json"},
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    def delete(self, name: str, plural: str = "services") -> None:
        assert self.api.delete(self.path(plural, name)).status_code == 200

    def condition(self, name: str, plural: str = "services", type_: str = "Ready") -> Any:
        """Of the newest generation; None while it has not been judged, or is not there."""
        if self.gone(name, plural):
            return None
        obj = self.get(name, plural)
        status = obj.get("status") or {}
        if status.get("observedGeneration") != obj["metadata"]["generation"]:
            return None
        return next((c for c in status.get("conditions") or () if c["type"] == type_), None)

    def ready(self, name: str, plural: str = "services") -> Any:
        """The object, once it is ready."""

        def look() -> bool:
            found = self.condition(name, plural)
            return bool(found) and found["status"] == "True"

        eventually(look, what=f"{plural}/{name} ready")
        return self.get(name, plural)

    def failed(self, name: str, plural: str = "services", type_: str = "Ready") -> Any:
        def look() -> Any:
            found = self.condition(name, plural, type_)
            return found if found and found["status"] == "False" else None

        return eventually(look, what=f"{plural}/{name} failed")

    # --- the gateway ---
    def request(self, service: str, path: str = "/", **options: Any) -> httpx.Response:
        headers = {"Host": f"{service}.default.localhost", **options.pop("headers", {})}
        url = f"{self.platform.gateway}{path}"
        return self.http.request(options.pop("method", "GET"), url, headers=headers, **options)

    def seen(self, service: str, **headers: str) -> Any:
        answer = self.request(service, "/seen", headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()


def service(name: str, *, env: Any = None, annotations: Any = None, **parts: Any) -> Any:
    """`container` and `spec` are merged into those of the template; `metadata` and `traffic` are the service's."""
    container = {"image": IMAGE, **parts.get("container", {})}
    if env:
        container["env"] = [
            {"name": key, **({"value": value} if isinstance(value, str) else value)}
            for key, value in env.items()
        ]
    template: Any = {"spec": {"containers": [container], **parts.get("spec", {})}}
    meta = {**({"annotations": annotations} if annotations else {}), **parts.get("template", {})}
    if meta:
        template["metadata"] = meta
    return {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": "default", **parts.get("metadata", {})},
        "spec": {
            "template": template,
            **({"traffic": parts["traffic"]} if "traffic" in parts else {}),
        },
    }
