from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tanebi.cli.diagnosis import Facts, Port, findings, is_broken

GIB = 2**30
GOOD = Facts(
    root=True,
    data_dir="/data",
    disk_free_bytes=10 * GIB,
    fsync_ms=0.7,
    open_files=65536,
    ports=(Port("gateway", 8080, free=True), Port("api", 6443, free=True)),
    engine="podman version 4.3.1",
    oci_runtime="runc",
    cgroups="2",
    user_namespaces=True,
    bubblewrap="bubblewrap 0.8.0",
    kubectl="Client Version: v1.32",
)


def test_a_good_machine_lacks_nothing() -> None:
    found = findings(GOOD)
    assert {one.state for one in found} == {"ok"}
    assert not is_broken(found)
    assert not any(one.cost or one.remedy for one in found)


@pytest.mark.parametrize(
    ("change", "name", "state", "words"),
    [
        ({"data_error": "/data: Read-only file system"}, "data directory", "broken", "Read-only"),
        ({"disk_free_bytes": GIB}, "disk space", "missing", "1024 MiB free"),
        ({"disk_free_bytes": 1}, "disk space", "broken", "0 MiB free"),
        ({"fsync_ms": 25.0}, "fsync", "missing", "25.0 ms"),
        ({"open_files": 1024}, "open files", "missing", "1024 at most"),
        ({"open_files": 64}, "open files", "broken", "64 at most"),
        (
            {"ports": (Port("gateway", 8080, free=False),)},
            "port 8080",
            "missing",
            "taken by another program",
        ),
        ({"engine": ""}, "container engine", "missing", "none"),
        ({"engine_error": "does not run"}, "container engine", "missing", "does not run"),
        ({"half_removed": ("a", "b")}, "half-removed", "missing", "2 containers: a, b"),
        ({"cgroups": ""}, "control groups", "missing", "not mounted"),
        ({"network_error": "not permitted"}, "pod networks", "missing", "not permitted"),
        ({"network_error": "no", "root": False}, "pod networks", "missing", "no"),
        ({"view_error": "no mounts"}, "pod views", "missing", "no mounts"),
        ({"accounts_shown": False}, "service accounts", "missing", "by a variable only"),
        ({"forwarding_dropped": True}, "packet forwarding", "missing", "dropped by the firewall"),
        ({"user_namespaces": False, "root": False}, "user namespaces", "missing", "forbidden"),
        ({"bubblewrap": ""}, "bubblewrap", "missing", "none"),
        ({"kubectl": ""}, "kubectl", "missing", "none"),
        ({"localhost_error": "no name"}, "names of localhost", "missing", "no name"),
    ],
)
def test_what_is_missing_costs_something_and_can_be_had(
    change: dict[str, Any], name: str, state: str, words: str
) -> None:
    found = findings(replace(GOOD, **change))
    (one,) = [one for one in found if one.name == name]
    assert one.state == state
    assert words in one.detail
    assert one.cost
    assert one.remedy
    assert is_broken(found) is (state == "broken")


def test_a_port_of_our_own_platform_is_no_fault() -> None:
    port = Port("gateway", 8080, free=False, by_us=True)
    found = findings(replace(GOOD, ports=(port,)))
    assert any(one.detail == "in use by the platform that runs here" for one in found)
    assert {one.state for one in found} == {"ok"}


@pytest.mark.parametrize(("version", "words"), [("hybrid", "runc works"), ("1", "version 1")])
def test_versions_of_control_groups(version: str, words: str) -> None:
    found = findings(replace(GOOD, cgroups=version))
    (one,) = [one for one in found if one.name == "control groups"]
    assert words in one.detail
