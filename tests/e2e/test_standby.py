"""`tanebi.dev/standby: pause`: a service at zero keeps a frozen pod, which answers again with what it knew."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.driving import User, eventually, processes_with, service

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

STANDBY = "tanebi.dev/standby"


def pod_of(user: User, name: str) -> dict[str, Any]:
    shown = user.platform.cli(
        "get", "pods", "-l", f"serving.knative.dev/service={name}", "-o", "json"
    )
    (found,) = json.loads(shown.stdout)["items"]
    return dict(found)


def pid_of(user: User, name: str) -> int:
    status = pod_of(user, name)["status"]["containerStatuses"]
    main = next(one for one in status if one["name"] == "user-container")
    return int(main["containerID"].removeprefix("process://"))


def is_stopped(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
    except OSError:
        return False


def frozen(user: User, name: str) -> int:
    """The process of the service's only pod, once it stands still."""

    def look() -> int:
        pid = pid_of(user, name)
        return pid if is_stopped(pid) else 0

    return int(eventually(look, 40, what="frozen"))


@pytest.fixture(scope="module", autouse=True)
def _nappers(user: User) -> None:
    user.configure({"scale-to-zero-grace-period": "1s"})
    marks = {STANDBY: "pause", "autoscaling.knative.dev/window": "6s"}
    names = ("napper", "victim", "leaver")
    user.apply(*(service(name, annotations=marks) for name in names))
    for name in names:
        user.wait_ready("ksvc", name)


def test_it_is_frozen_at_zero_and_wakes_as_it_was(user: User) -> None:
    assert user.request("napper", "/print").status_code == 200
    pid, name = frozen(user, "napper"), pod_of(user, "napper")["metadata"]["name"]
    pod = eventually(
        lambda: (p := pod_of(user, "napper"))["status"].get("reason") == "Standby" and p
    )
    ready = next(c for c in pod["status"]["conditions"] if c["type"] == "Ready")
    assert (ready["status"], ready["reason"]) == ("False", "Standby")
    deployment = user.get("deployment", "napper-00001-deployment")
    assert not deployment["status"].get("replicas")
    assert eventually(
        lambda: user.get("revision", "napper-00001")["status"].get("actualReplicas", 0) == 0
    )

    assert user.request("napper", "/peak").text == "1"
    assert not is_stopped(pid)
    woken = pod_of(user, "napper")
    assert woken["metadata"]["name"] == name, "no pod was started"
    assert pid_of(user, "napper") == pid
    assert "tanebi.dev/standby-since" not in woken["metadata"]["annotations"]
    eventually(
        lambda: all(
            c["status"] == "True" for c in pod_of(user, "napper")["status"]["conditions"][:3]
        ),
        what="ready again",
    )


def test_a_cold_start_is_described_phase_by_phase(user: User) -> None:
    user.configure({"scale-to-zero-grace-period": "1s", "allow-zero-initial-scale": "true"})
    user.apply(service("sleeper", annotations={"autoscaling.knative.dev/initial-scale": "0"}))
    user.wait_ready("ksvc", "sleeper")
    assert user.request("sleeper", "/peak").status_code == 200
    shown = user.platform.cli("describe", "revision", "sleeper-00001").stdout
    assert "Cold starts: 1" in shown
    table = shown.split("Cold starts: 1\n")[1].splitlines()
    phases = [line.split()[0] for line in table[1:7]]
    assert phases == ["route", "decide", "create", "boot", "probe", "first-byte"]


def test_one_that_dies_in_its_sleep_is_replaced(user: User) -> None:
    os.kill(frozen(user, "victim"), signal.SIGKILL)
    assert user.request("victim", "/peak").status_code == 200


def test_a_frozen_pod_ends_with_its_service(user: User) -> None:
    frozen(user, "leaver")
    user.platform.cli("delete", "ksvc", "leaver")
    eventually(lambda: not processes_with("K_SERVICE=leaver"), 30, what="its process ends")


def test_nonsense_is_refused(user: User) -> None:
    refused = user.apply(service("never", annotations={STANDBY: "snapshot"}), check=False)
    assert refused.returncode == 1
    assert "invalid value: snapshot" in refused.stderr
    assert STANDBY in refused.stderr
