"""Walks 1, 3 and 4 through the public surface: apply, wake, scale, split, sleep."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.e2e.driving import User, eventually, service

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

QUICK = {"autoscaling.knative.dev/window": "6s"}


def pods_of(user: User, name: str) -> list[dict[str, Any]]:
    shown = user.platform.cli(
        "get", "pods", "-l", f"serving.knative.dev/service={name}", "-o", "json"
    )
    found: list[dict[str, Any]] = json.loads(shown.stdout)["items"]
    return found


@pytest.fixture(scope="module", autouse=True)
def _hello(user: User) -> None:
    user.apply(service("hello"))
    user.wait_ready("ksvc", "hello")


def test_a_service_becomes_ready_and_answers(user: User) -> None:
    shown = user.apply(service("first", env={"TARGET": "Tanebi"}))
    assert "service.serving.knative.dev/first created" in shown.stdout
    user.wait_ready("ksvc", "first")
    answer = user.request("first")
    assert (answer.status_code, answer.text) == (200, "Hello Tanebi!\n")
    status = user.get("ksvc", "first")["status"]
    assert status["url"].startswith("http://first.default.localhost")
    assert status["latestReadyRevisionName"] == "first-00001"
    assert status["address"]["url"] == "http://first.default.svc.cluster.local"
    again = user.apply(service("first", env={"TARGET": "Tanebi"}))
    assert "service.serving.knative.dev/first unchanged" in again.stdout


def test_the_pod_sees_its_environment_and_the_forwarded_headers(user: User) -> None:
    user.apply(service("env"))
    user.wait_ready("ksvc", "env")
    env = user.request("env", "/env").json()
    assert env["K_SERVICE"] == "env"
    assert env["K_REVISION"] == "env-00001"
    assert env["K_CONFIGURATION"] == "env"
    assert env["PORT"].isdigit()
    headers = user.request("env", "/headers", headers={"X-MiXed": "Case"}).json()
    names = [name for name, _ in headers]
    assert ["X-MiXed", "Case"] in headers
    lower = {name.lower(): value for name, value in headers}
    assert lower["x-forwarded-proto"] == "http"
    assert lower["k-proxy-request"] == "activator"
    assert lower["host"] == "env.default.localhost"
    assert not [n for n in names if n.lower().startswith("knative-serving-")]


def test_silence_scales_to_zero_and_a_request_wakes_it(user: User) -> None:
    user.configure({"scale-to-zero-grace-period": "1s"})
    user.apply(service("sleeper", annotations=QUICK))
    user.wait_ready("ksvc", "sleeper")
    eventually(lambda: not pods_of(user, "sleeper"), 40, what="scaled to zero")
    assert user.condition("ksvc", "sleeper")["status"] == "True"
    active = user.condition("revision", "sleeper-00001", "Active")
    assert (active["status"], active["reason"]) == ("False", "NoTraffic")
    before = time.monotonic()
    assert user.request("sleeper").status_code == 200
    assert time.monotonic() - before < 5
    shown = user.platform.cli("get", "revisions").stdout
    assert "WHY" in shown.splitlines()[0]
    assert "sleeper-00001" in shown


def test_load_scales_out_and_concurrency_is_never_exceeded(user: User) -> None:
    user.apply(service("busy", annotations=QUICK, containerConcurrency=1))
    user.wait_ready("ksvc", "busy")
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: user.request("busy", "/sleep?ms=150"), range(120)))
    assert Counter(a.status_code for a in answers) == {200: 120}
    assert len(pods_of(user, "busy")) > 1
    peaks = {user.request("busy", "/peak").text for _ in range(10)}
    assert peaks == {"1"}


def test_a_burst_on_a_sleeping_service_is_held_and_answered(user: User) -> None:
    annotations = {**QUICK, "autoscaling.knative.dev/initial-scale": "0"}
    user.configure({"scale-to-zero-grace-period": "1s", "allow-zero-initial-scale": "true"})
    user.apply(
        service("burst", annotations=annotations, containerConcurrency=2, env={"BOOT_S": "0.3"})
    )
    user.wait_ready("ksvc", "burst")
    assert pods_of(user, "burst") == []
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: user.request("burst", "/sleep?ms=200"), range(20)))
    assert Counter(a.status_code for a in answers) == {200: 20}


def test_traffic_is_split_by_percent_and_by_tag(user: User) -> None:
    user.apply(service("split", env={"TARGET": "one"}))
    user.wait_ready("ksvc", "split")
    second = service("split", env={"TARGET": "two"})
    second["spec"]["traffic"] = [
        {"revisionName": "split-00001", "percent": 50, "tag": "old"},
        {"latestRevision": True, "percent": 50},
    ]
    user.apply(second)
    eventually(
        lambda: user.get("ksvc", "split")["status"].get("latestReadyRevisionName") == "split-00002"
    )
    user.wait_ready("ksvc", "split")
    seen = eventually(
        lambda: (c := Counter(user.request("split").text for _ in range(60))) and len(c) == 2 and c
    )
    assert all(count > 8 for count in seen.values()), seen
    tagged = {user.request("old-split").text for _ in range(10)}
    assert tagged == {"Hello one!\n"}
    traffic = user.get("ksvc", "split")["status"]["traffic"]
    assert {t["revisionName"]: t["percent"] for t in traffic} == {
        "split-00001": 50,
        "split-00002": 50,
    }


def test_a_bad_new_revision_never_takes_traffic(user: User) -> None:
    user.apply(service("steady", env={"TARGET": "good"}))
    user.wait_ready("ksvc", "steady")
    user.apply(service("steady", env={"MODE": "exit", "CODE": "7"}))
    failed = eventually(
        lambda: (c := user.condition("revision", "steady-00002")) and c["status"] == "False" and c,
        60,
    )
    assert failed["reason"] == "ExitCode7"
    assert "no settings" in failed["message"]
    assert {user.request("steady").text for _ in range(10)} == {"Hello good!\n"}
    assert user.condition("ksvc", "steady", "ConfigurationsReady")["status"] == "False"
    assert user.get("ksvc", "steady")["status"]["traffic"][0]["revisionName"] == "steady-00001"


def test_an_update_under_load_gives_no_error(user: User) -> None:
    user.apply(service("rolling", env={"TARGET": "a"}))
    user.wait_ready("ksvc", "rolling")
    statuses: Counter[int] = Counter()
    bodies: Counter[str] = Counter()
    stop = threading.Event()

    def load() -> None:
        while not stop.is_set():
            answer = user.request("rolling", "/sleep?ms=5")
            statuses[answer.status_code] += 1
            bodies[answer.text] += 1

    with ThreadPoolExecutor(4) as pool:
        loads = [pool.submit(load) for _ in range(4)]
        user.apply(service("rolling", env={"TARGET": "b"}))
        eventually(lambda: user.request("rolling").text == "Hello b!\n", 30)
        stop.set()
        for done in loads:
            done.result()
    assert set(statuses) == {200}, statuses
    assert bodies["Hello a!\n"] > 0


def test_a_gradual_rollout_under_load_gives_no_error(user: User) -> None:
    gradual = {"serving.knative.dev/rollout-duration": "3s"}
    first, second = service("gradual", env={"TARGET": "a"}), service("gradual", env={"TARGET": "b"})
    for manifest in (first, second):
        manifest["metadata"]["annotations"] = gradual
    user.apply(first)
    user.wait_ready("ksvc", "gradual")
    answers: list[tuple[int, str]] = []
    stop = threading.Event()

    def load() -> None:
        while not stop.is_set():
            answer = user.request("gradual", "/")
            answers.append((answer.status_code, answer.text))

    with ThreadPoolExecutor(3) as pool:
        loads = [pool.submit(load) for _ in range(3)]
        user.apply(second)
        try:
            rolling = eventually(
                lambda: (
                    (c := user.condition("route", "gradual"))
                    and c.get("reason") == "RolloutInProgress"
                    and c
                )
            )
            eventually(lambda: user.condition("ksvc", "gradual")["status"] == "True", 30)
            eventually(lambda: {text for _, text in answers[-50:]} == {"Hello b!\n"})
        finally:
            stop.set()
        for done in loads:
            done.result()
    assert rolling["message"] == "A gradual rollout of the latest revision(s) is in progress."
    assert {status for status, _ in answers} == {200}
    traffic = user.get("route", "gradual")["status"]["traffic"]
    assert traffic == [{"latestRevision": True, "percent": 100, "revisionName": "gradual-00002"}]


def test_a_host_of_the_users_own(user: User) -> None:
    domain = "shop.example.org"
    ref = {"apiVersion": "serving.knative.dev/v1", "kind": "Service", "name": "hello"}
    mapping = {
        "apiVersion": "serving.knative.dev/v1beta1",
        "kind": "DomainMapping",
        "metadata": {"name": domain, "namespace": "default"},
        "spec": {"ref": ref},
    }
    user.apply(mapping)
    failed = eventually(
        lambda: (
            (c := user.condition("domainmapping", domain, "DomainClaimed"))
            and c["status"] == "False"
            and c
        )
    )
    assert failed["message"] == f'no ClusterDomainClaim found for domain "{domain}"'
    claim = {
        "apiVersion": "networking.internal.knative.dev/v1alpha1",
        "kind": "ClusterDomainClaim",
        "metadata": {"name": domain},
        "spec": {"namespace": "default"},
    }
    user.apply(claim)
    user.wait_ready("domainmapping", domain)
    answer = user.http.get(f"{user.platform.gateway}/headers", headers={"Host": domain})
    headers = {name.lower(): value for name, value in answer.json()}
    assert answer.status_code == 200
    assert headers["host"] == domain
    assert "k-original-host" not in headers


def test_a_class_that_nobody_drives_is_said_at_once(user: User) -> None:
    hpa = {"autoscaling.knative.dev/class": "hpa.autoscaling.knative.dev"}
    user.apply(service("hpa", annotations={**hpa, "autoscaling.knative.dev/metric": "cpu"}))
    failed = eventually(
        lambda: (
            (c := user.condition("ksvc", "hpa", "ConfigurationsReady"))
            and c["status"] == "False"
            and c
        )
    )
    assert failed["reason"] == "RevisionFailed"
    assert "No autoscaler here drives class hpa.autoscaling.knative.dev" in failed["message"]
    user.platform.cli("delete", "ksvc", "hpa")


def test_large_bodies_pass_both_ways(user: User) -> None:
    body = bytes(range(256)) * 4096 * 8  # 8 MiB
    answer = user.request("hello", method="POST", content=body)
    assert answer.status_code == 200
    assert answer.content == body

    def chunks() -> Any:
        for _ in range(64):
            yield b"x" * 65536

    echoed = user.request("hello", method="POST", content=chunks())
    assert echoed.status_code == 200
    assert echoed.content == b"x" * 65536 * 64


def test_an_upgrade_becomes_a_tunnel_to_the_app(user: User) -> None:
    with socket.create_connection(("127.0.0.1", user.platform.gateway_port), 20) as tunnel:
        tunnel.sendall(
            b"GET /upgrade HTTP/1.1\r\nHost: hello.default.localhost\r\n"
            b"Connection: Upgrade\r\nUpgrade: echo\r\n\r\n"
        )
        with tunnel.makefile("rb") as reader:
            assert reader.readline() == b"HTTP/1.1 101 Switching Protocols\r\n"
            while reader.readline().strip():
                pass
            for word in (b"one\n", b"two\n"):
                tunnel.sendall(word)
                assert reader.readline() == word
            tunnel.shutdown(socket.SHUT_WR)
            assert reader.read() == b""


def test_logs_outlive_the_pod(user: User) -> None:
    assert user.request("hello", "/print?text=remember-me").status_code == 200
    eventually(lambda: "remember-me" in user.platform.cli("logs", "hello").stdout)
    for pod in pods_of(user, "hello"):
        user.platform.cli("delete", "pod", pod["metadata"]["name"])
    assert "remember-me" in user.platform.cli("logs", "hello").stdout


def test_deleting_a_service_removes_all_of_it(user: User) -> None:
    user.apply(service("gone"))
    user.wait_ready("ksvc", "gone")
    user.platform.cli("delete", "ksvc", "gone")
    for kind in ("configuration", "revision", "route", "kpa", "deployment", "pod"):
        eventually(
            lambda kind=kind: (
                "gone" not in user.platform.cli("get", kind, "-o", "name", check=False).stdout
            ),
            20,
            what=kind,
        )
    assert user.request("gone").status_code == 404
