from __future__ import annotations

import subprocess
import sys
import threading
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tanebi.api.core.pod import Pod
from tanebi.base.clock import SystemClock
from tanebi.base.settings import DataDir
from tanebi.kubelet.logfile import encode, stamp_of
from tanebi.kubelet.logs import LogStore
from tests.tanebi.cli.driving import Shell

START = datetime(2026, 1, 1, tzinfo=UTC)


class Writer:
    """Output as the kubelet keeps it."""

    def __init__(self, home: DataDir, ns: str, name: str, service: str, *containers: str) -> None:
        self.store = LogStore(home.logs, clock=SystemClock())
        self.ns, self.name = ns, name
        labels = {
            "serving.knative.dev/service": service,
            "serving.knative.dev/revision": f"{service}-00001",
        }
        manifest = {
            "metadata": {"name": name, "namespace": ns, "uid": str(uuid.uuid4()), "labels": labels},
            "spec": {"containers": [{"name": c} for c in containers or ("user-container",)]},
        }
        self.store.opened(Pod.model_validate(manifest))

    def write(
        self, text: str, second: float, *, attempt: int = 0, container: str = "user-container"
    ) -> None:
        path: Path = self.store.path(self.ns, self.name, container, attempt)
        path.parent.mkdir(parents=True, exist_ok=True)
        stamp = stamp_of(START + timedelta(seconds=second))
        with path.open("ab") as file:
            file.write(encode(stamp, "stdout", text.encode(), partial=False))

    def gone(self) -> Writer:
        self.store.closed(self.ns, self.name)
        return self


def test_the_pods_of_a_service_in_the_order_of_time(nowhere: Shell) -> None:
    one, two = (Writer(nowhere.home, "default", n, "hello") for n in ("hello-a", "hello-b"))
    one.write("first", 1)
    two.write("second", 2)
    one.write("third", 3)
    one.gone()
    want = "hello-a | first\nhello-b | second\nhello-a | third\n"
    for name in ("hello", "ksvc/hello", "service/hello", "hello-00001", "rev/hello-00001"):
        assert nowhere.good("logs", name) == want


def test_a_pod_by_its_name_has_no_prefix(nowhere: Shell) -> None:
    Writer(nowhere.home, "default", "hello-a", "hello").write("first", 1)
    assert nowhere.good("logs", "hello-a") == "first\n"
    assert nowhere.good("logs", "pod/hello-a", "--prefix") == "hello-a | first\n"
    assert nowhere.good("logs", "hello", "--no-prefix") == "first\n"


def test_restarts_are_told_for_a_service(nowhere: Shell) -> None:
    pod = Writer(nowhere.home, "default", "p", "hello")
    pod.write("before the crash", 1)
    pod.write("after the crash", 2, attempt=1)
    assert nowhere.good("logs", "hello", "--no-prefix") == "before the crash\nafter the crash\n"
    assert nowhere.good("logs", "p") == "after the crash\n"
    assert nowhere.good("logs", "p", "--previous") == "before the crash\n"


def test_tail_stamps_and_containers(nowhere: Shell) -> None:
    pod = Writer(nowhere.home, "default", "p", "hello", "app", "side")
    for number in range(5):
        pod.write(f"line {number}", number, container="app")
    pod.write("beside", 9, container="side")
    assert nowhere.good("logs", "hello", "--tail", "1") == "p/app | line 4\np/side | beside\n"
    assert nowhere.good("logs", "p", "-c", "side") == "beside\n"
    assert nowhere.good("logs", "p", "-c", "side", "--timestamps").startswith("2026-01-01T00:00:09")
    assert nowhere.good("logs", "p", "--since", "1h") == ""


def test_only_this_namespace(nowhere: Shell) -> None:
    Writer(nowhere.home, "a", "p", "hello").write("in a", 1)
    Writer(nowhere.home, "b", "p", "hello").write("in b", 1)
    assert nowhere.good("logs", "p", "-n", "b") == "in b\n"


def test_nothing_kept(nowhere: Shell) -> None:
    called = nowhere("logs", "hello")
    assert called.code == 1
    assert "no output of hello is kept in namespace default" in called.err
    assert nowhere("logs", "broker/x").code == 1
    assert nowhere("logs").code == 2
    assert "tanebi up" in nowhere("logs", "-f", "hello").err


@pytest.mark.timeout(30)
def test_following_shows_what_is_there_and_pods_that_join(shell: Shell, ns: str) -> None:
    first = Writer(shell.home, ns, "hello-a", "hello")
    first.write("gone by now", 1)
    first.gone()
    second = Writer(shell.home, ns, "hello-b", "hello")
    second.write("one", 2)
    child = subprocess.Popen(
        [sys.executable, "-m", "tanebi", "logs", "-f", "hello", "-n", ns, "--data-dir", str(shell.home.root)],
        stdout=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    guard = threading.Timer(20, child.kill)
    guard.start()
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == "hello-a | gone by now\n"
        assert child.stdout.readline() == "hello-b | one\n"
        Writer(shell.home, ns, "hello-c", "hello").write("late", 3)
        assert child.stdout.readline() == "hello-c | late\n"
    finally:
        guard.cancel()
        child.kill()
        child.communicate()
