"""kill -9 in the middle loses nothing that was acknowledged, and leaves nothing behind."""

from __future__ import annotations

import json
import random
import threading
import time
from pathlib import Path

import httpx
import pytest

from tanebi.testing.platform import Platform
from tests.e2e.driving import (
    User,
    broker,
    build_images,
    eventually,
    processes_with,
    service,
    trigger,
)

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(240)]

ROUNDS = 4  # bench/crash.py plays 50


def acknowledged_load(user: User, ids: list[str], prefix: str, stop: threading.Event) -> None:
    n = 0
    while not stop.is_set():
        id_ = f"{prefix}-{n}"
        n += 1
        try:
            if user.send("durable", id_) == 202:
                ids.append(id_)
        except httpx.HTTPError:
            return


def test_every_acknowledged_event_is_delivered_after_kill_9(tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    rng = random.Random(seed)
    out = tmp_path / "out"
    platform = Platform(tmp_path / "data").start()
    build_images(platform)
    user = User(platform)
    user.apply(
        broker("durable"),
        service("keeper", "dev.local/sink", env={"OUT": str(out)}),
        trigger("durable", "durable", "keeper"),
    )
    user.wait_ready("trigger", "durable")
    acknowledged: list[str] = []
    for turn in range(ROUNDS):
        stop = threading.Event()
        loads = [
            threading.Thread(
                target=acknowledged_load, args=(user, acknowledged, f"{turn}-{n}", stop)
            )
            for n in range(4)
        ]
        for load in loads:
            load.start()
        time.sleep(rng.uniform(0.05, 1.0))
        platform.kill()
        stop.set()
        for load in loads:
            load.join()
        platform.start()
    assert acknowledged, "the load never got through"

    def delivered() -> bool:
        lines = out.read_text().splitlines() if out.exists() else []
        return set(acknowledged) <= {json.loads(line)["headers"]["ce-id"] for line in lines}

    eventually(delivered, 60, what=f"all of {len(acknowledged)} events (seed {seed})")
    assert user.condition("ksvc", "keeper")["status"] == "True"
    assert user.condition("trigger", "durable")["status"] == "True"
    user.http.close()
    assert platform.stop() == 0
    assert processes_with(str(out)) == [], "no pod outlives the platform"


def test_a_restart_kills_the_pods_of_the_killed_platform(tmp_path: Path) -> None:
    marker = f"orphan-{tmp_path.name}"
    platform = Platform(tmp_path / "data").start()
    build_images(platform)
    user = User(platform)
    user.apply(service("orphan", env={"MARKER": marker}))
    user.wait_ready("ksvc", "orphan")
    assert user.request("orphan").status_code == 200
    before = set(processes_with(marker))
    assert before
    platform.kill()
    platform.start()
    eventually(lambda: not before & set(processes_with(marker)), 15, what="old pods are gone")
    assert user.request("orphan").status_code == 200
    user.http.close()
    platform.stop()
    assert processes_with(marker) == []
