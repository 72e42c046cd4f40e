"""`tanebi up --activators 2`: every walk through two processes, and what happens when one of them is killed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tanebi.testing.platform import Platform
from tests.e2e.driving import User, broker, build_images, eventually, service, trigger
from tests.e2e.loading import load

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[User]:
    with Platform(tmp_path_factory.mktemp("activators") / "data", "--activators", "2") as platform:
        build_images(platform)
        person = User(platform)
        yield person
        person.http.close()


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def pids(platform: Platform) -> list[int]:
    return [one["pid"] for one in platform.endpoints["activators"]]


def test_from_zero_to_many_and_the_limit_of_a_pod_holds(user: User) -> None:
    zero = {"autoscaling.knative.dev/window": "6s", "autoscaling.knative.dev/max-scale": "3"}
    user.apply(service("one", containerConcurrency=1, annotations=zero))
    user.wait_ready("ksvc", "one")

    def ask(_: int) -> httpx.Response:  # each by a connection of its own: the kernel spreads them
        with httpx.Client(timeout=30.0) as http:
            host = {"Host": "one.default.localhost"}
            return http.get(f"{user.platform.gateway}/sleep?ms=50", headers=host)

    with ThreadPoolExecutor(16) as many:
        assert {answer.status_code for answer in many.map(ask, range(60))} == {200}
    peaks = [user.request("one", "/peak").text for _ in range(6)]
    assert set(peaks) == {"1"}, "containerConcurrency was exceeded"
    counted = [
        httpx.get(one["metrics"]).text.count('revision="one-00001"} ')
        for one in user.platform.endpoints["activators"]
    ]
    assert all(counted), "both activators took some"


def test_events_find_the_broker_and_their_subscriber(user: User, tmp_path: Path) -> None:
    out = tmp_path / "out"
    sub = service("sub", "dev.local/sink", env={"OUT": str(out)}, containerConcurrency=1)
    user.apply(sub, broker("b"), trigger("t", "b", "sub"))
    user.wait_ready("trigger", "t")
    assert [user.send("b", str(number)) for number in range(8)] == [202] * 8
    eventually(lambda: out.exists() and out.read_text().count("\n") == 8)


def test_the_request_log_is_the_output_of_queue_proxy(user: User) -> None:
    logging = "logging.enable-request-log"
    user.apply(service("told", annotations={"autoscaling.knative.dev/min-scale": "1"}))
    user.wait_ready("ksvc", "told")
    user.request("told", "/before")
    user.configure({logging: "true"}, "config-observability")

    def lines() -> list[str]:
        user.request("told", "/?a='b'", headers={"X-B3-TraceId": "t1"})
        return user.platform.cli("logs", "told", "-c", "queue-proxy").stdout.splitlines()

    try:
        pod, _, text = eventually(lines)[0].partition(" | ")
        found = json.loads(
            text.replace("\\'", "'")
        )  # js escapes for scripts: no JSON, in Knative neither
        assert found["traceId"] == "[t1]"
        request = found["httpRequest"]
        assert (request["requestUrl"], request["status"]) == ("/?a='b'", 200)
        assert request["serverIp"]
        assert float(request["latency"][:-1]) > 0
        if shutil.which("kubectl") is not None:
            shown = user.platform.kubectl("logs", pod, "-c", "queue-proxy", "--tail=1").stdout
            assert shown.startswith('{"httpRequest"')
    finally:
        user.configure({logging: "false"}, "config-observability")
    bad = {"logging.request-log-template": "{{.Request.Body}}"}
    with pytest.raises(AssertionError, match=r"no field \.Request\.Body"):
        user.configure(bad, "config-observability")


def test_one_is_killed_under_load_and_comes_back(user: User) -> None:
    user.apply(service("kept", annotations={"autoscaling.knative.dev/min-scale": "1"}))
    user.wait_ready("ksvc", "kept")
    platform, before = user.platform, pids(user.platform)
    with load(platform.gateway_port, "kept.default.localhost", clients=6) as seen:
        eventually(lambda: seen.done > 50)
        os.kill(before[0], signal.SIGKILL)
        eventually(lambda: seen.done > 400)
        kept = seen.failures
        assert kept <= 6, seen.errors  # what was under way on its own connections
        eventually(lambda: "ended unexpectedly" in platform.log_tail())
        time.sleep(0.5)
        assert seen.failures == kept, "only its own connections ended"
    assert seen.statuses.keys() == {200}
    user.request("kept")
    eventually(lambda: all(map(alive, pids(platform))) and pids(platform) != before)
    for one in platform.endpoints["activators"]:
        assert httpx.get(one["metrics"]).status_code == 200, "where its successor tells them"


def test_no_process_is_left_by_a_stop_or_a_crash(tmp_path: Path) -> None:
    platform = Platform(tmp_path / "data", "--activators", "2").start()
    children = pids(platform)
    assert len(children) == 2
    platform.kill()
    eventually(lambda: not any(map(alive, children)), 5, what="they die with the platform")
    platform.start()
    children = pids(platform)
    assert platform.stop() == 0
    assert not any(map(alive, children))
