"""What a person does with a platform, for the end-to-end tests."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import yaml

from tanebi.testing.platform import Platform

APPS = Path(__file__).parent / "apps"


def eventually(predicate: Callable[[], Any], timeout_s: float = 15.0, *, what: str = "") -> Any:
    """The blocking sister of wait_until, for tests that stand outside the platform."""
    deadline = time.monotonic() + timeout_s
    last: Any = None
    while time.monotonic() < deadline:
        last = predicate()
        if last:
            return last
        time.sleep(0.02)
    raise AssertionError(f"not within {timeout_s} s: {what or predicate} (last value: {last!r})")


class User:
    """What a person does with a platform."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.http = httpx.Client(timeout=30.0, limits=httpx.Limits(max_connections=200))

    def apply(self, *objects: dict[str, Any], check: bool = True) -> Any:
        return self.platform.cli("apply", "-f", "-", stdin=yaml.safe_dump_all(objects), check=check)

    def configure(self, data: dict[str, str], name: str = "config-autoscaler") -> None:
        """Edit a ConfigMap of serving, live."""
        metadata = {"name": name, "namespace": "knative-serving"}
        self.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})

    def get(self, kind: str, name: str, namespace: str = "default") -> dict[str, Any]:
        shown = self.platform.cli("get", kind, name, "-n", namespace, "-o", "json")
        found: dict[str, Any] = yaml.safe_load(shown.stdout)
        return found

    def condition(self, kind: str, name: str, type_: str = "Ready") -> dict[str, Any]:
        conditions = self.get(kind, name).get("status", {}).get("conditions", [])
        return next((c for c in conditions if c["type"] == type_), {})

    def wait_ready(self, kind: str, name: str, timeout_s: int = 30) -> None:
        self.platform.cli(
            "wait", f"{kind}/{name}", "--for=condition=Ready", f"--timeout={timeout_s}s"
        )

    def request(self, service: str, path: str = "/", **options: Any) -> httpx.Response:
        headers = {"Host": f"{service}.default.localhost", **options.pop("headers", {})}
        method = options.pop("method", "GET")
        return self.http.request(
            method, f"{self.platform.gateway}{path}", headers=headers, **options
        )

    def send(
        self, broker: str, id_: str, type_: str = "t", data: str = "{}", **headers: str
    ) -> int:
        answer = self.http.post(
            f"{self.platform.gateway}/default/{broker}",
            headers={
                "Host": "localhost",
                "ce-specversion": "1.0",
                "ce-type": type_,
                "ce-source": "/test",
                "ce-id": id_,
                "Content-Type": "application/json",
                **headers,
            },
            content=data,
        )
        return answer.status_code


def service(
    name: str,
    image: str = "dev.local/probe",
    *,
    annotations: dict[str, str] | None = None,
    **spec: Any,
) -> dict[str, Any]:
    """A Knative Service manifest. `env` is a mapping; other keywords go to the revision's spec."""
    env = spec.pop("env", {})
    container = {"image": image, "env": [{"name": k, "value": v} for k, v in env.items()]}
    return {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "template": {
                **({"metadata": {"annotations": annotations}} if annotations else {}),
                "spec": {"containers": [container], **spec},
            }
        },
    }


def broker(name: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "eventing.knative.dev/v1",
        "kind": "Broker",
        "metadata": {"name": name, "namespace": "default"},
        "spec": spec,
    }


def trigger(
    name: str, broker_name: str, subscriber: str | dict[str, Any], **spec: Any
) -> dict[str, Any]:
    """`subscriber` is the name of a Knative Service or a whole Destination."""
    if isinstance(subscriber, str):
        ref = {"apiVersion": "serving.knative.dev/v1", "kind": "Service", "name": subscriber}
        subscriber = {"ref": ref}
    return {
        "apiVersion": "eventing.knative.dev/v1",
        "kind": "Trigger",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"broker": broker_name, "subscriber": subscriber, **spec},
    }


def build_images(platform: Platform) -> None:
    for app in ("probe", "sink"):
        platform.cli("image", "build", str(APPS / app), "--tag", f"dev.local/{app}")


def processes_with(marker: str) -> list[int]:
    """The processes whose environment speaks of `marker`."""
    found = []
    for proc in Path("/proc").iterdir():
        if not proc.name.isdigit():
            continue
        try:
            if marker.encode() in (proc / "environ").read_bytes():
                found.append(int(proc.name))
        except OSError:
            continue
    return found
