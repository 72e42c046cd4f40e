"""What the tests of serving share: objects as users write them, and the parts around our reconcilers, in the test's hands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import pytest

from activator.api.ingress import INGRESS
from autoscaler.api import POD_AUTOSCALER
from serving.api import CONFIGURATION, REVISION, ROUTE, SERVICE
from serving.api.images import Missing, Resolved
from serving.reconcile.configuration import ConfigurationReconciler
from serving.reconcile.revision import RevisionReconciler
from serving.reconcile.route import RouteReconciler
from serving.reconcile.service import ServiceReconciler
from tanebi.api.core.kinds import DEPLOYMENT
from tanebi.api.core.plain import Secret
from tanebi.api.kind import Admission, AnyKind, Operation
from tanebi.api.meta import Key, Obj
from tanebi.testing.planning import FixedConfigs, PlanningWorld

IMAGE: Final = "dev.local/hello"


def condition(type_: str, status: str, reason: str = "", message: str = "") -> Obj:
    return {"type": type_, "status": status, "reason": reason, "message": message}


class Images:
    """Implements serving.api.images.ImageFacts."""

    def __init__(self) -> None:
        self.facts: dict[str, Resolved | Missing] = {IMAGE: Resolved(f"{IMAGE}@sha256:1")}
        self.asked: list[tuple[str, tuple[str, ...]]] = []

    def lookup(
        self, image: str, secrets: Sequence[Secret] = (), policy: str = ""
    ) -> Resolved | Missing | None:
        self.asked.append((image, tuple(secret.metadata.name for secret in secrets)))
        return self.facts.get(image)


class Serving:
    """The four reconcilers in one world; `pods_come_up` and `gateway_follows` play the parts around them."""

    def __init__(self, configs: FixedConfigs | None = None) -> None:
        self.images = Images()
        self.world = PlanningWorld(configs=configs)
        self.revision = RevisionReconciler(self.images)
        self.service = ServiceReconciler()
        self.configuration = ConfigurationReconciler()
        self.route = RouteReconciler()

    @property
    def everyone(self) -> tuple[Any, ...]:
        return (self.service, self.configuration, self.revision, self.route)

    def apply(self, kind: AnyKind, obj: Obj, *, user: str = "someone") -> Obj:
        """Admission's defaults, then the store."""
        meta = {"namespace": "default", **obj["metadata"]}
        old = self.world.raw(kind, meta["namespace"], meta["name"])
        if old is not None:
            for name in ("labels", "annotations"):
                meta[name] = {**(old["metadata"].get(name) or {}), **(meta.get(name) or {})}
            self._keep_defaulted(obj, old)
        full = {"apiVersion": kind.api_version, "kind": kind.kind, **obj, "metadata": meta}
        admission = Admission(
            "UPDATE" if old else "CREATE", user, self.world.now, self.world.configs
        )
        return self.world.put(kind, kind.defaults(full, old, admission))

    @staticmethod
    def _keep_defaulted(obj: Obj, old: Obj) -> None:
        """What creation filled in stays when a client applies its manifest again."""
        template = (obj.get("spec") or {}).get("template")
        if template is not None:
            links = old["spec"]["template"]["spec"].get("enableServiceLinks")
            template["spec"].setdefault("enableServiceLinks", links)

    def settle(self) -> None:
        self.world.settle(self.everyone)

    def pods_come_up(self, *, scale: int = 1) -> None:
        """Every deployment gets its pods, every autoscaler says so."""
        for deployment in self.world.list(DEPLOYMENT, None):
            name = deployment.metadata.name
            status = {
                "replicas": scale,
                "readyReplicas": scale,
                "availableReplicas": scale,
                "conditions": [condition("Progressing", "True", "NewReplicaSetAvailable")],
            }
            self.world.set_status(DEPLOYMENT, deployment.metadata.namespace, name, status)
        for autoscaler in self.world.list(POD_AUTOSCALER, None):
            self.autoscaler(autoscaler.metadata.name, active="True", scale=scale)

    def autoscaler(
        self, name: str, *, active: str, scale: int, reason: str = "", initialized: bool = True
    ) -> None:
        status: Obj = {
            "serviceName": name,
            "desiredScale": scale,
            "actualScale": scale,
            "annotations": {"tanebi.dev/why": f"{scale} pods wanted"},
            "conditions": [
                condition("Ready", active, reason),
                condition("Active", active, reason),
                condition("ScaleTargetInitialized", "True" if initialized else "Unknown"),
            ],
        }
        self.world.set_status(POD_AUTOSCALER, "default", name, status)

    def gateway_follows(self) -> None:
        for ingress in self.world.list(INGRESS, None):
            meta = ingress.metadata
            status = {"conditions": [condition("Ready", "True")]}
            self.world.set_status(INGRESS, meta.namespace, meta.name, status)

    def run(self) -> None:
        """Until all is up."""
        for _ in range(3):
            self.settle()
            self.pods_come_up()
            self.gateway_follows()
        self.settle()

    def conditions(self, kind: AnyKind, name: str) -> dict[str, tuple[str, str]]:
        obj = self.world.raw(kind, "default", name)
        assert obj is not None, f"no {kind.kind} {name}"
        found = (obj.get("status") or {}).get("conditions") or []
        return {c["type"]: (c["status"], c.get("reason", "")) for c in found}

    def message(self, kind: AnyKind, name: str, type_: str = "Ready") -> str:
        obj = self.world.raw(kind, "default", name)
        assert obj is not None
        return next(c.get("message", "") for c in obj["status"]["conditions"] if c["type"] == type_)

    def status(self, kind: AnyKind, name: str) -> Obj:
        obj = self.world.raw(kind, "default", name)
        assert obj is not None, f"no {kind.kind} {name}"
        found: Obj = obj.get("status") or {}
        return found


def ksvc(name: str = "hello", *, image: str = IMAGE, **spec: Any) -> Obj:
    """A Service as a user writes it."""
    container = {"image": image, **spec.pop("container", {})}
    template: Obj = {"spec": {"containers": [container], **spec.pop("template_spec", {})}}
    if meta := spec.pop("template_meta", None):
        template["metadata"] = meta
    return {
        "metadata": {"name": name, **spec.pop("metadata", {})},
        "spec": {"template": template, **spec},
    }


@pytest.fixture
def serving() -> Serving:
    return Serving()


@pytest.fixture
def now() -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def admission() -> Callable[..., Admission]:
    """`admission("UPDATE", configs={"config-features": {...}})`."""

    def make(operation: Operation = "CREATE", **rest: Any) -> Admission:
        configs = FixedConfigs(rest.pop("configs", None))
        user = rest.pop("user", "someone")
        return Admission(operation, user, datetime(2026, 1, 1, tzinfo=UTC), configs, **rest)

    return make


@pytest.fixture(name="ksvc")
def ksvc_fixture() -> Any:
    return ksvc


@pytest.fixture(name="condition")
def condition_fixture() -> Any:
    return condition


__all__ = ["CONFIGURATION", "REVISION", "ROUTE", "SERVICE", "Key", "Serving"]
