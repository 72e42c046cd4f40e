"""Pods that write too much: evicted in the kubelet's words, and everything goes on when there is room again.

The platform's disk is a small one in memory, mounted by the test.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tanebi.testing.platform import Platform
from tanebi.testing.skipping import skipped_but_in_ci
from tests.e2e.driving import APPS, User, eventually, service

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.long,
    pytest.mark.timeout(240),
    skipped_but_in_ci(os.geteuid() != 0, "mounting takes root"),
]
IN_ORDER = True

SIZE = "160m"
# To what leaves 6 MB free: a tenth of the disk is 16 MB.
FILL = (
    "cd $TANEBI_VOLUME_V; free=$(df -Pm . | tail -1 | tr -s ' ' | cut -d' ' -f4); "
    "dd if=/dev/zero of=fill bs=1M count=$((free - 6)) 2>/dev/null; exec sleep 3600"
)
WRITE = "cd $TANEBI_VOLUME_V; dd if=/dev/zero of=fill bs=1M count=3 2>/dev/null; exec sleep 3600"


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[User]:
    disk = tmp_path_factory.mktemp("disk")
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "none", str(disk)], check=True)
    try:
        with Platform(disk / "data") as platform:
            platform.cli("image", "build", str(APPS / "probe"), "--tag", "dev.local/probe")
            person = User(platform)
            yield person
            person.http.close()
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def pod(name: str, script: str, **empty_dir: Any) -> dict[str, Any]:
    container = {
        "name": "c",
        "image": "dev.local/probe",
        "command": ["/bin/sh", "-c", script],
        "volumeMounts": [{"name": "v", "mountPath": "/v"}],
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {
            "containers": [container],
            "terminationGracePeriodSeconds": 0,
            "volumes": [{"name": "v", "emptyDir": empty_dir}],
        },
    }


def evicted(user: User, name: str) -> str:
    def told() -> str:
        status = user.get("pod", name)["status"]
        return str(status["message"]) if status.get("reason") == "Evicted" else ""

    return str(eventually(told, 60, what=f"{name} is evicted"))


def pressure(user: User) -> str:
    node = user.platform.cli("get", "nodes", "-o", "json").stdout
    return "on" if "node.kubernetes.io/disk-pressure" in node else "off"


def test_a_volume_above_its_limit(user: User) -> None:
    user.apply(pod("greedy", WRITE, sizeLimit="1Mi"), pod("modest", WRITE, sizeLimit="10Mi"))
    assert evicted(user, "greedy") == 'Usage of EmptyDir volume "v" exceeds the limit "1Mi". '
    status = user.get("pod", "greedy")["status"]
    assert status["phase"] == "Failed"
    assert "terminated" in status["containerStatuses"][0]["state"]
    assert user.get("pod", "modest")["status"]["phase"] == "Running"


def test_a_disk_that_is_nearly_full_and_has_room_again(user: User, tmp_path: Path) -> None:
    user.apply(pod("flood", FILL))
    assert evicted(user, "flood").startswith("The node was low on resource: ephemeral-storage. ")
    eventually(lambda: pressure(user) == "on", 30, what="the node says it")
    user.apply(service("later"))

    def told() -> bool:
        condition = user.condition("revision", "later-00001", "ResourcesAvailable")
        return "disk-pressure" in str(condition.get("message"))

    eventually(told, 30, what="the revision says why it waits")
    user.wait_ready("ksvc", "later", 90)
    assert pressure(user) == "off"
    assert user.get("pod", "modest")["status"]["phase"] == "Running"
