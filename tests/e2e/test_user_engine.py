"""Containers of an ordinary user's Podman, through `tanebi up`: reached by the gateway, names inside, and nothing left."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tanebi.kubelet.engine.role import platform_name
from tanebi.kubelet.engine.spec import PLATFORM_LABEL
from tanebi.testing import ordinary
from tanebi.testing.engine import CONTAINERFILE, IMAGE
from tanebi.testing.network import user_namespaces_missing
from tanebi.testing.ordinary import SUPERUSER, OrdinaryPlatform
from tanebi.testing.skipping import skipped_but_in_ci
from tests.e2e.driving import User, eventually, processes_with
from tests.e2e.test_engine import CALLER, GREETING, page

PROGRAMS = ("podman", "newuidmap", "busybox", "useradd")
MISSING = [name for name in PROGRAMS if shutil.which(name) is None]

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.long,
    pytest.mark.timeout(180),
    user_namespaces_missing(),
    skipped_but_in_ci(
        bool(MISSING),
        "an ordinary user's podman needs the packages podman, uidmap and busybox-static",
    ),
]


@contextlib.contextmanager
def somebody() -> Iterator[int]:
    """A user with ids for containers."""
    if os.geteuid() != SUPERUSER:
        yield os.geteuid()
        return
    name = f"tanebi-test-{os.getpid()}"
    subprocess.run(["useradd", "--no-create-home", name], check=True, capture_output=True)
    try:
        assert f"{name}:" in Path("/etc/subuid").read_text(), "useradd gives ids for containers"
        yield pwd.getpwnam(name).pw_uid
    finally:
        subprocess.run(["userdel", name], check=True, capture_output=True)


@pytest.fixture(scope="module")
def user() -> Iterator[User]:
    with somebody() as uid, ordinary.folder() as name:
        folder = Path(name)
        source = folder / "image"
        source.mkdir()
        (source / "Containerfile").write_bytes(CONTAINERFILE)
        shutil.copy(str(shutil.which("busybox")), source / "busybox")
        platform = OrdinaryPlatform(folder, runtime="engine", uid=uid)
        try:
            platform.cli("image", "build", str(source), "--tag", IMAGE)
            with platform:
                person = User(platform)
                yield person
                person.http.close()
            assert containers(person) == set(), "nothing is left"
            assert services(person) == []
        finally:
            if os.geteuid() == SUPERUSER:  # podman keeps a process that holds its namespaces
                for pid in platform.processes():
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                eventually(lambda: platform.processes() == [], 10)


def test_containers_are_reached_and_find_each_other_by_name(user: User) -> None:
    live = page(
        "live", command=["/bin/sh", "-c", "exec busybox httpd -f -p $PORT -h /etc/greeting"]
    )
    caller = page("caller", command=["/bin/sh", "-c", CALLER])
    user.apply(GREETING, live, caller)
    user.wait_ready("ksvc", "live", 60)
    user.wait_ready("ksvc", "caller", 60)
    assert "in a user namespace" in user.platform.log_tail(200)
    assert user.request("live", "/text").text.strip() == "hello from a container"
    for host in ("live.default.svc.cluster.local", "live.default"):
        said = user.request("caller", f"/cgi-bin/get?http://{host}/text").text
        assert said.strip() == "hello from a container", host
    assert "bad address" in user.request("caller", "/cgi-bin/get?http://no.default.svc/").text


def test_a_killed_platform_begins_again(user: User) -> None:
    """Without its keepers, its engine's service and the addresses that its pods had."""
    patient = page("survivor")
    patient["spec"]["template"]["spec"]["timeoutSeconds"] = 60
    user.apply(GREETING, patient)
    user.wait_ready("ksvc", "survivor", 60)
    before = containers(user)
    assert before
    user.platform.kill()
    user.platform.start()
    assert user.request("survivor").text.strip() == "hello from a container"
    eventually(lambda: not before & containers(user), 30, what="the old containers are gone")
    assert len(services(user)) == 1


def containers(user: User) -> set[str]:
    platform = user.platform
    assert isinstance(platform, OrdinaryPlatform)
    label = f"label={PLATFORM_LABEL}={platform_name(platform.data_dir / 'pods')}"
    return set(platform.run("podman", "ps", "-a", "-q", "--filter", label).stdout.split())


def services(user: User) -> list[int]:
    """An ordinary user's podman is two processes: one that waits, and one in the user namespace."""
    marked = processes_with(f"TANEBI_ENGINE={user.platform.data_dir / 'engine'}")  # or engine-build
    found = [
        pid for pid in marked if b"\0system\0service\0" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]
    return [pid for pid in found if parent_of(pid) not in found]


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
