"""The objects that the measurements apply, as a person would write them."""

from __future__ import annotations

from typing import Any

import yaml

from tanebi.testing.platform import Platform

Manifest = dict[str, Any]


def apply(platform: Platform, *objects: Manifest) -> None:
    platform.cli("apply", "-f", "-", stdin=yaml.safe_dump_all(objects))


def wait_ready(platform: Platform, *names: str, timeout_s: int = 60) -> None:
    """`kind/name` each."""
    platform.cli("wait", *names, "--for=condition=Ready", f"--timeout={timeout_s}s")


def service(name: str, image: str, **annotations: str) -> Manifest:
    template = {
        "metadata": {"annotations": annotations},
        "spec": {"containers": [{"image": image}]},
    }
    return {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"template": template},
    }


def broker(name: str) -> Manifest:
    return {
        "apiVersion": "eventing.knative.dev/v1",
        "kind": "Broker",
        "metadata": {"name": name, "namespace": "default"},
    }


def trigger(name: str, broker_name: str, uri: str, **attributes: str) -> Manifest:
    spec: Manifest = {"broker": broker_name, "subscriber": {"uri": uri}}
    if attributes:
        spec["filter"] = {"attributes": attributes}
    return {
        "apiVersion": "eventing.knative.dev/v1",
        "kind": "Trigger",
        "metadata": {"name": name, "namespace": "default"},
        "spec": spec,
    }


def config_map(name: str, data: dict[str, str], namespace: str = "default") -> Manifest:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
