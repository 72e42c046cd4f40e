"""Which pods the kubelet refuses."""

from __future__ import annotations

from typing import Any

import pytest

from tanebi.api.core.kinds import POD
from tanebi.kubelet.admitting import Refusal, refusal


def asks(name: str, **spec: Any) -> Refusal | None:
    security = {"sysctls": [{"name": name, "value": "1"}]}
    return refusal(POD.view({"spec": {"securityContext": security, **spec}}))


@pytest.mark.parametrize("name", ["kernel.shm_rmid_forced", "net/ipv4/tcp_syncookies"])
def test_what_is_the_pods_own(name: str) -> None:
    assert asks(name) is None


def test_what_is_not() -> None:
    assert asks("kernel.msgmax") == Refusal(
        "SysctlForbidden", 'forbidden sysctl: "kernel.msgmax" not allowlisted'
    )
    found = asks("net.ipv4.tcp_syncookies", hostNetwork=True)
    assert found is not None
    assert found.message.endswith("not allowed with host net enabled")


def test_a_port_of_the_machine_is_one_pods() -> None:
    def holding(**port: Any) -> Any:
        ports = [{"containerPort": 80, **port}]
        return POD.view({"spec": {"containers": [{"name": "c", "image": "i", "ports": ports}]}})

    mine = holding(hostPort=80, hostIP="10.0.0.1")
    assert refusal(mine, [holding(hostPort=80)]) == Refusal(
        "NodePorts", "Predicate NodePorts failed"
    )
    for other in (
        holding(),
        holding(hostPort=81),
        holding(hostPort=80, protocol="UDP"),
        holding(hostPort=80, hostIP="10.0.0.2"),
    ):
        assert refusal(mine, [other]) is None
