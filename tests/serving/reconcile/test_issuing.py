"""Certificates of our class get a Secret; those of others are left to others."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from serving.api import CERTIFICATE
from serving.reconcile.issuing import CertificateReconciler, Issued
from tanebi.api.core.kinds import SECRET
from tanebi.testing.planning import FixedConfigs, PlanningWorld

OURS = "tanebi.certificate.networking.knative.dev"
CLASS = "networking.knative.dev/certificate-class"


class Counting:
    """Implements serving.reconcile.issuing.Issuer: certificates are numbers, good for two days."""

    def __init__(self) -> None:
        self.made: list[tuple[str, ...]] = []

    def issue(self, names: Sequence[str], now: datetime) -> Issued:
        self.made.append(tuple(names))
        return self._shown(len(self.made), now)

    def recognize(
        self, certificate: bytes, key: bytes, names: Sequence[str], now: datetime
    ) -> Issued | None:
        number, at = certificate.decode().split(" ")
        begun = datetime.fromisoformat(at)
        good = self.made[int(number) - 1] == tuple(names) and now < begun + timedelta(days=1)
        return self._shown(int(number), begun) if good else None

    def _shown(self, number: int, now: datetime) -> Issued:
        text = f"{number} {now.isoformat()}".encode()
        return Issued(text, b"key", b"ca", now + timedelta(days=1), now + timedelta(days=2))


@pytest.fixture
def world() -> PlanningWorld:
    return PlanningWorld()


def asked(world: PlanningWorld, *names: str, class_: str | None = None, name: str = "c") -> None:
    annotations = {CLASS: class_} if class_ else {}
    meta = {"name": name, "namespace": "default", "annotations": annotations}
    spec = {"dnsNames": list(names), "secretName": "s"}
    world.put(CERTIFICATE, {"metadata": meta, "spec": spec})


def ready(world: PlanningWorld) -> tuple[str, str]:
    (found,) = (world.raw(CERTIFICATE, "default", "c") or {})["status"]["conditions"]
    return found["status"], found.get("reason", "")


def shown(world: PlanningWorld) -> str:
    data: dict[str, Any] = (world.raw(SECRET, "default", "s") or {})["data"]
    return base64.b64decode(data["tls.crt"]).decode().split(" ")[0]


@pytest.mark.parametrize("class_", [None, OURS])
def test_a_secret_is_made_kept_and_replaced_in_time(
    world: PlanningWorld, class_: str | None
) -> None:
    issuer = Counting()
    reconciler = CertificateReconciler(issuer)
    asked(world, "a.org", class_=class_)
    world.settle((reconciler,))
    secret = world.raw(SECRET, "default", "s")
    assert secret is not None
    assert secret["type"] == "kubernetes.io/tls"
    assert set(secret["data"]) == {"tls.crt", "tls.key", "ca.crt"}
    assert ready(world) == ("True", "")
    assert world.raw(CERTIFICATE, "default", "c")["status"]["notAfter"] == "2026-01-03T00:00:00Z"  # type: ignore[index]
    world.now += timedelta(hours=23)
    world.settle((reconciler,))
    assert shown(world) == "1"
    world.now += timedelta(hours=2)
    world.settle((reconciler,))
    assert shown(world) == "2"
    asked(world, "a.org", "b.org", class_=class_)
    world.settle((reconciler,))
    assert issuer.made == [("a.org",), ("a.org",), ("a.org", "b.org")]


def test_what_is_not_a_pair_is_replaced(world: PlanningWorld) -> None:
    reconciler = CertificateReconciler(Counting())
    asked(world, "a.org")
    world.settle((reconciler,))
    spoilt = {**(world.raw(SECRET, "default", "s") or {}), "data": {"tls.crt": "&", "tls.key": ""}}
    world.put(SECRET, spoilt)
    world.settle((reconciler,))
    assert shown(world) == "2"


def test_other_classes_are_left_alone(world: PlanningWorld) -> None:
    world.configs = FixedConfigs({"config-network": {"certificate-class": "cert-manager.x"}})
    asked(world, "a.org")
    asked(world, "b.org", class_="else.x", name="d")
    world.settle((CertificateReconciler(Counting()),))
    assert world.raw(SECRET, "default", "s") is None
    assert "status" not in (world.raw(CERTIFICATE, "default", "c") or {})


def test_where_nothing_serves_https_none_is_issued(world: PlanningWorld) -> None:
    asked(world, "a.org")
    world.settle((CertificateReconciler(None),))
    assert ready(world) == ("False", "HTTPSNotServed")


def test_a_strangers_secret_is_not_touched(world: PlanningWorld) -> None:
    world.put(SECRET, {"metadata": {"name": "s", "namespace": "default"}, "data": {}})
    asked(world, "a.org")
    world.settle((CertificateReconciler(Counting()),))
    assert ready(world) == ("False", "NotOwned")
    assert (world.raw(SECRET, "default", "s") or {})["data"] == {}
