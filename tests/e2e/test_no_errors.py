"""What the platform does to itself while clients ask: none of them sees an error. (A new revision under load: test_serving; a
restart: test_restart; a killed activator: test_activators.)"""

from __future__ import annotations

import os
import signal
import time
from typing import Any

import httpx
import pytest
import yaml

from tests.e2e.driving import User, eventually, processes_with, service
from tests.e2e.loading import load

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(120)]

SCALING = "autoscaling.knative.dev/"


def usable(user: User, revision: str) -> float:
    """Pods that the activators send to."""
    line = f'tanebi_activator_usable_pods{{namespace="default",revision="{revision}"}} '
    found = 0.0
    for one in user.platform.endpoints["activators"]:
        text = httpx.get(one["metrics"]).text
        found += sum(float(row[len(line) :]) for row in text.splitlines() if row.startswith(line))
    return found


def pods(user: User, name: str) -> list[dict[str, Any]]:
    selector = f"serving.knative.dev/service={name}"
    shown = user.platform.cli("get", "pods", "-l", selector, "-o", "yaml")
    found: list[dict[str, Any]] = yaml.safe_load(shown.stdout)["items"]
    return found


def test_up_and_down_and_to_zero_and_back(user: User) -> None:
    marks = {f"{SCALING}window": "6s", f"{SCALING}max-scale": "3"}
    user.apply(service("waves", annotations=marks, containerConcurrency=1))
    user.wait_ready("ksvc", "waves")
    port, host = user.platform.gateway_port, "waves.default.localhost"
    with load(port, host, path="/sleep?ms=30", clients=6) as many:
        eventually(lambda: usable(user, "waves-00001") == 3, 30, what="it scales up")
    with load(port, host, clients=1, pause_s=0.05) as few:
        eventually(lambda: usable(user, "waves-00001") == 1, 30, what="it scales down")
    assert (many.failures, few.failures) == (0, 0), (many, few)
    eventually(lambda: usable(user, "waves-00001") == 0, 30, what="it scales to zero")
    with load(port, host, clients=3) as racing:  # while its last pod is being stopped
        eventually(lambda: racing.done > 20)
    assert racing.failures == 0, racing


def test_a_pod_that_is_deleted_or_crashes_under_load(user: User) -> None:
    user.apply(
        service("pair", env={"MARK": "pair-of-pods"}, annotations={f"{SCALING}min-scale": "2"})
    )
    user.wait_ready("ksvc", "pair")
    eventually(lambda: usable(user, "pair-00001") == 2)
    port, host = user.platform.gateway_port, "pair.default.localhost"
    with load(port, host, path="/sleep?ms=10") as deleted:
        first = pods(user, "pair")[0]["metadata"]["name"]
        user.platform.cli("delete", "pod", first)
        before = deleted.done
        eventually(lambda: deleted.done > before + 50)
    assert deleted.failures == 0, deleted
    eventually(lambda: usable(user, "pair-00001") == 2)
    with load(port, host, path="/sleep?ms=10") as crashed:
        eventually(lambda: crashed.done > 20)
        os.kill(processes_with("pair-of-pods")[0], signal.SIGKILL)
        before = crashed.done
        eventually(lambda: crashed.done > before + 50)
        time.sleep(0.2)
    assert crashed.statuses.keys() <= {200, 502}, crashed
    assert crashed.failures <= 4, "more than what was under way there"
