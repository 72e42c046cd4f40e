"""Who must go because of the disk: the kubelet's rules and words."""

from __future__ import annotations

from typing import Any

import pytest

from tanebi.api.core.kinds import POD
from tanebi.api.core.pod import Pod
from tanebi.kubelet.eviction import (
    CALM_S,
    Disk,
    Pressure,
    Usage,
    disk_volumes,
    for_room,
    is_limited,
    over_limit,
)

MI = 1024**2
GI = 1024**3


def pod(*containers: tuple[dict[str, str], dict[str, str]], name: str = "p", **volumes: Any) -> Pod:
    """`containers` are (requests, limits) of ephemeral-storage."""
    made = [
        {"name": f"c{n}", "resources": {"requests": asked, "limits": limit}}
        for n, (asked, limit) in enumerate(containers or [({}, {})])
    ]
    found = [{"name": key, "emptyDir": value} for key, value in volumes.items()]
    meta = {"name": name, "namespace": "ns", "uid": name}
    return POD.view({"metadata": meta, "spec": {"containers": made, "volumes": found}})


def limit(amount: str) -> tuple[dict[str, str], dict[str, str]]:
    return {}, {"ephemeral-storage": amount}


def asks(amount: str) -> tuple[dict[str, str], dict[str, str]]:
    return {"ephemeral-storage": amount}, {}


@pytest.mark.parametrize(
    ("one", "usage", "words"),
    [
        (
            pod(v={"sizeLimit": "1Mi"}),
            Usage({"v": MI + 1}),
            'Usage of EmptyDir volume "v" exceeds the limit "1Mi". ',
        ),
        (pod(v={"sizeLimit": "1Mi"}), Usage({"v": MI}), ""),
        (pod(v={"sizeLimit": "0"}), Usage({"v": MI}), ""),
        (pod(v={}), Usage({"v": GI}), ""),
        (
            pod(limit("1Mi"), limit("2Mi")),
            Usage({"v": 2 * MI}, {"c0": MI, "c1": 1}),
            "Pod ephemeral local storage usage exceeds the total limit of containers 3Mi. ",
        ),
        (
            pod(limit("1Mi"), limit("2Mi")),
            Usage({}, {"c0": MI + 1}),
            'Container c0 exceeded its local ephemeral storage limit "1Mi". ',
        ),
        (
            pod(limit("1000k")),
            Usage({}, {"c0": 1_000_001}),
            "Pod ephemeral local storage usage exceeds the total limit of containers 1000k. ",
        ),
        (pod(limit("1Mi"), limit("2Mi")), Usage({}, {"c0": MI}), ""),
    ],
)
def test_limits(one: Pod, usage: Usage, words: str) -> None:
    assert over_limit(one, usage) == words
    assert is_limited(one) or not words


def test_what_is_on_the_disk() -> None:
    one = pod(a={}, b={"medium": "Memory", "sizeLimit": "1Mi"})
    assert disk_volumes(one) == ["a"]
    assert not is_limited(pod(a={}))


def test_nearly_full() -> None:
    assert Disk(100 * GI, 2 * GI).missing == 0, "a large disk may be fuller than a tenth"
    assert Disk(100 * GI, GI - 5).missing == 5
    assert Disk(100 * MI, 9 * MI).missing == MI


def test_the_pod_that_uses_most_beyond_its_request_makes_room() -> None:
    small, large = pod(name="small"), pod(asks("40Mi"), name="large")
    disk = Disk(100 * MI, 4 * MI)
    usages = [(small, Usage({}, {"c0": 5 * MI})), (large, Usage({"v": 20 * MI}, {"c0": 41 * MI}))]
    found = for_room(usages, disk)
    assert found is not None
    assert found[0].metadata.name == "large"
    assert found[1] == (
        "The node was low on resource: ephemeral-storage. "
        "Threshold quantity: 10485760, available: 4096Ki. "
        "Container c0 was using 41984Ki, request is 40Mi, has larger consumption of ephemeral-storage. "
    )


def test_nobody_goes_for_what_others_hold() -> None:
    one = (pod(), Usage({}, {"c0": MI}))
    assert for_room([one], Disk(100 * MI, 4 * MI)) is None
    assert for_room([one], Disk(100 * MI, 50 * MI)) is None
    assert for_room([], Disk(100 * MI, 4 * MI)) is None


def test_pressure_does_not_go_to_and_fro() -> None:
    full, room, pressure = Disk(100, 5), Disk(100, 50), Pressure()
    assert not pressure.seen(room, 100.0)
    assert pressure.seen(full, 101.0)
    assert pressure.seen(room, 101.0 + CALM_S - 1)
    assert pressure.seen(full, 150.0)
    assert not pressure.seen(room, 150.0 + CALM_S)
