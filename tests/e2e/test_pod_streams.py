"""Exec, attach, cp and port-forward: with an unmodified kubectl over both protocols, the Python client, and `tanebi`."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tanebi.testing.skipping import kubectl_missing
from tests.e2e.driving import User, service

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.kubectl,
    pytest.mark.timeout(120),
    kubectl_missing(),
]
DATA = os.urandom(3_000_000)


class Shell:
    """A command with bytes in and out: `tanebi`, or kubectl speaking one of the two protocols."""

    def __init__(self, user: User, who: str) -> None:
        config = str(user.platform.data_dir / "kubeconfig")
        kubectl = ["kubectl", "--kubeconfig", config]
        self.base = user.platform.command if who == "tanebi" else kubectl
        value = str(who == "websocket").lower()
        self.env = {
            **user.platform.environment,
            "KUBECTL_REMOTE_COMMAND_WEBSOCKETS": value,
            "KUBECTL_PORT_FORWARD_WEBSOCKETS": value,
        }

    def run(self, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [*self.base, *arguments],
            input=stdin,
            capture_output=True,
            env=self.env,
            timeout=60,
            check=False,
        )


@pytest.fixture(params=["websocket", "spdy", "tanebi"])
def shell(pods: User, request: pytest.FixtureRequest) -> Shell:
    return Shell(pods, request.param)


@pytest.fixture(params=["websocket", "spdy"])
def kubectl(pods: User, request: pytest.FixtureRequest) -> Shell:
    return Shell(pods, request.param)


def pod(name: str, **container: object) -> dict[str, object]:
    own = {
        "name": "main",
        "image": "dev.local/probe",
        "ports": [{"containerPort": 8080}],
        **container,
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"containers": [own], "terminationGracePeriodSeconds": 0},
    }


@pytest.fixture(scope="module")
def pods(user: User) -> Iterator[User]:
    reading = ["sh", "-c", "while read line; do echo got $line; done"]
    user.apply(
        pod("web"),
        pod("reader", command=reading, stdin=True),
        pod("quiet", command=["sleep", "600"]),
    )
    for name in ("web", "reader", "quiet"):
        user.platform.kubectl("wait", f"pod/{name}", "--for=condition=Ready", "--timeout=30s")
    yield user
    user.platform.kubectl("delete", "pod", "web", "reader", "quiet", "--wait=false")


def test_output_codes_and_refusals(shell: Shell) -> None:
    done = shell.run("exec", "quiet", "--", "sh", "-c", "echo out; echo err >&2; exit 3")
    assert (done.returncode, done.stdout) == (3, b"out\n")
    assert done.stderr == b"err\ncommand terminated with exit code 3\n"
    assert (
        b"container no is not valid for pod quiet"
        in shell.run("exec", "quiet", "-c", "no", "--", "ls").stderr
    )
    assert b'pods "nobody" not found' in shell.run("exec", "nobody", "--", "ls").stderr
    unknown = shell.run("exec", "quiet", "--", "no-such-command")
    assert b'exec: "no-such-command": executable file not found in $PATH' in unknown.stderr


def test_bytes_through_a_command(shell: Shell) -> None:
    assert shell.run("exec", "-i", "quiet", "--", "cat", stdin=DATA).stdout == DATA


def test_files_both_ways(kubectl: Shell, tmp_path: Path) -> None:
    there = f"quiet:{tmp_path}/there"
    (tmp_path / "here").write_bytes(DATA)
    assert kubectl.run("cp", str(tmp_path / "here"), there).returncode == 0
    assert kubectl.run("cp", there, str(tmp_path / "back")).returncode == 0
    assert (tmp_path / "back").read_bytes() == DATA


def test_a_terminal(shell: Shell) -> None:
    ours, theirs = pty.openpty()
    command = "tty && stty size && read word && echo got $word && exit 7"
    child = subprocess.Popen(
        [*shell.base, "exec", "-it", "quiet", "--", "sh", "-c", command],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=shell.env,
        start_new_session=True,
    )
    os.close(theirs)
    said, typed, deadline = b"", False, time.monotonic() + 20
    while child.poll() is None and time.monotonic() < deadline:
        if select.select([ours], [], [], 0.1)[0]:
            try:
                said += os.read(ours, 4096)
            except OSError:
                break
        if b"/dev/pts/" in said and not typed:
            typed = True
            os.write(ours, b"word\r")
    assert child.wait(20) == 7, said
    os.close(ours)
    assert b"got word" in said


def test_attach(shell: Shell) -> None:
    child = subprocess.Popen(
        [*shell.base, "attach", "-i", "reader"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=shell.env,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(b"hello\n")
    child.stdin.flush()
    line = child.stdout.readline()
    while b"got" not in line:  # kubectl's hint comes first
        line = child.stdout.readline()
    assert line == b"got hello\n"
    child.terminate()
    child.communicate(timeout=20)


def test_forwarded_ports(shell: Shell) -> None:
    child = subprocess.Popen(
        [*shell.base, "port-forward", "web", ":8080"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=shell.env,
    )
    assert child.stdout is not None
    line = child.stdout.readline().decode()
    found = re.search(r"127\.0\.0\.1:(\d+) -> 8080", line)
    assert found, line
    url = f"http://127.0.0.1:{found[1]}/print?text=hello"
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: httpx.get(url, timeout=30).status_code, range(16)))
    assert answers == [200] * 16
    child.terminate()
    child.communicate(timeout=20)


def test_a_service_stands_for_its_ready_pod(pods: User) -> None:
    pods.apply(service("entered", env={"SAID": "hello"}))
    pods.wait_ready("ksvc", "entered")
    assert pods.platform.cli("exec", "ksvc/entered", "--", "printenv", "SAID").stdout == "hello\n"
    pods.platform.cli("delete", "ksvc", "entered")
    asleep = pods.platform.cli("exec", "entered", "--", "printenv", check=False)
    assert 'pods "entered" not found' in asleep.stderr


# In a process of its own: the client leaves sockets to the collector.
PYTHON_CLIENT = """
import sys
from kubernetes import client, config
from kubernetes.stream import portforward, stream

api = client.CoreV1Api(config.new_client_from_config(sys.argv[1]))
talk = stream(
    api.connect_get_namespaced_pod_exec, "quiet", "default", command=["sh", "-c", "read x; echo got $x; exit 5"],
    stdin=True, stdout=True, stderr=True, tty=False, _preload_content=False,
)
talk.write_stdin("word\\n")
talk.run_forever(timeout=20)
print(talk.read_stdout().strip(), talk.returncode)
socket = portforward(api.connect_get_namespaced_pod_portforward, "web", "default", ports="8080").socket(8080)
socket.setblocking(True)
socket.sendall(b"GET /print?text=hello HTTP/1.0\\r\\nHost: x\\r\\n\\r\\n")
answer = b""
while b"\\r\\n" not in answer:
    answer += socket.recv(4096)
print(answer.split()[1].decode())
socket.close()
"""


def test_the_python_client(pods: User) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PYTHON_CLIENT, str(pods.platform.data_dir / "kubeconfig")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.split() == ["got", "word", "5", "200"], done.stderr
