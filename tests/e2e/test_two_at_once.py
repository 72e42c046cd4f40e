"""Several people at one platform, and one who does not wait: nothing half done, nothing lost, nothing left."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.driving import User, broker, eventually, processes_with, service, trigger

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]


def placed(namespace: str, *objects: dict[str, Any]) -> list[dict[str, Any]]:
    return [o | {"metadata": o["metadata"] | {"namespace": namespace}} for o in objects]


def test_the_same_manifest_twice_at_once_makes_one_revision(user: User) -> None:
    with ThreadPoolExecutor(3) as pool:
        done = list(pool.map(lambda _: user.apply(service("twin")), range(3)))
    assert sum("created" in one.stdout for one in done) >= 1
    user.wait_ready("ksvc", "twin")
    assert user.get("ksvc", "twin")["metadata"]["generation"] == 1
    assert user.get("ksvc", "twin")["status"]["latestCreatedRevisionName"] == "twin-00001"


def test_deleting_while_it_starts_leaves_nothing(user: User, tmp_path: Path) -> None:
    user.apply(service("starting", env={"BOOT_S": "30", "MARKER": tmp_path.name}))
    eventually(lambda: processes_with(tmp_path.name), what="its process")
    user.platform.cli("delete", "ksvc", "starting")
    eventually(lambda: not processes_with(tmp_path.name), 40, what="its process is gone")
    eventually(lambda: "starting" not in user.platform.cli("get", "pods,revisions").stdout)


def test_a_service_made_anew_at_once_is_the_new_one(user: User) -> None:
    for turn in range(2):
        user.apply(service("again", env={"TARGET": str(turn)}))
        user.platform.cli("delete", "ksvc", "again")
    user.apply(service("again", env={"TARGET": "last"}))
    user.wait_ready("ksvc", "again")
    assert user.request("again").text == "Hello last!\n"


def test_a_namespace_goes_with_all_that_is_in_it(user: User, tmp_path: Path) -> None:
    user.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team"}})
    inside = placed(
        "team",
        service("a", env={"MARKER": tmp_path.name}),
        broker("b"),
        trigger("t", "b", "a"),
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}},
    )
    user.apply(*inside)
    user.platform.cli("wait", "ksvc/a", "-n", "team", "--for=condition=Ready")
    user.platform.cli("delete", "namespace", "team")
    eventually(lambda: "team" not in user.platform.cli("get", "ns").stdout, 40)
    left = user.platform.cli("get", "ksvc,pods,broker,trigger,cm,deployments", "-n", "team")
    assert left.stdout == ""
    assert processes_with(tmp_path.name) == []
    assert 'namespaces "team" not found' in user.apply(inside[0], check=False).stderr


def test_a_subscriber_made_anew_under_load_gets_every_event(user: User, tmp_path: Path) -> None:
    out = tmp_path / "out"
    sink = service("renewed", "dev.local/sink", env={"OUT": str(out)})
    user.apply(broker("steady"), sink, trigger("steady", "steady", "renewed"))
    user.wait_ready("trigger", "steady")
    accepted: list[str] = []
    stop = threading.Event()

    def load(lane: int) -> None:
        while not stop.is_set():
            id_ = f"{lane}-{len(accepted)}-{time.monotonic_ns()}"
            if user.send("steady", id_) == 202:
                accepted.append(id_)

    with ThreadPoolExecutor(2) as pool:
        lanes = [pool.submit(load, lane) for lane in range(2)]
        try:
            user.platform.cli("delete", "ksvc", "renewed")
            user.apply(sink)
            user.wait_ready("trigger", "steady")
        finally:
            stop.set()
        for lane in lanes:
            lane.result()

    def received() -> set[str]:
        lines = out.read_text().splitlines() if out.exists() else []
        return {json.loads(line)["headers"]["ce-id"] for line in lines}

    eventually(lambda: set(accepted) <= received(), 40, what=f"all of {len(accepted)} events")


def test_settings_that_make_no_sense_are_refused_and_the_old_ones_hold(user: User) -> None:
    nonsense = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "config-autoscaler", "namespace": "knative-serving"},
        "data": {"stable-window": "banana"},
    }
    done = user.platform.cli("apply", "-f", "-", stdin=yaml.safe_dump(nonsense), check=False)
    assert done.returncode == 1
    assert "stable-window" in done.stderr
    found = user.get("configmap", "config-autoscaler", "knative-serving")
    assert "banana" not in json.dumps(found["data"])
