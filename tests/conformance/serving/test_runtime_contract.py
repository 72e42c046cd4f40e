"""Knative's runtime contract (specs/serving/runtime-contract.md): what a container gets, and how requests reach it."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import pytest

from tests.conformance.serving.driving import Client, eventually, service

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]


def from_ref(kind: str, name: str, key: str) -> Any:
    return {"valueFrom": {kind: {"name": name, "key": key}}}


EARLY: Final = (
    service(
        "contract",
        env={
            "OWN": "value",
            "COMPOSED": "$(OWN)-more",
            "OF_SECRET": from_ref("secretKeyRef", "conf-secret", "user"),
            "OF_MAP": from_ref("configMapKeyRef", "conf-map", "color"),
        },
        container={
            "envFrom": [
                {"prefix": "M_", "configMapRef": {"name": "conf-map"}},
                {"prefix": "S_", "secretRef": {"name": "conf-secret"}},
            ],
            "volumeMounts": [
                {"name": "secret", "mountPath": "/etc/secret"},
                {"name": "map", "mountPath": "/etc/map"},
                {"name": "scratch", "mountPath": "/scratch"},
            ],
        },
        spec={
            "volumes": [
                {"name": "secret", "secret": {"secretName": "conf-secret"}},
                {"name": "map", "configMap": {"name": "conf-map"}},
                {"name": "scratch", "emptyDir": {}},
            ],
        },
    ),
    service("args", container={"command": ["python", "app.py"], "args": ["one", "two 2"]}),
    service(
        "probed",
        env={"HEALTHY_AFTER_S": "0.5"},
        container={"readinessProbe": {"httpGet": {"path": "/health"}}},
    ),
    service(
        "execed",
        container={"readinessProbe": {"exec": {"command": ["true"]}, "periodSeconds": 1}},
    ),
    service("timed", spec={"timeoutSeconds": 1, "containerConcurrency": 0}),
    service("first-byte", spec={"timeoutSeconds": 30, "responseStartTimeoutSeconds": 1}),
    service("idle", spec={"timeoutSeconds": 30, "idleTimeoutSeconds": 1}),
    service("single", spec={"containerConcurrency": 1}),
)


@pytest.fixture(scope="module")
def seen(client: Client) -> Any:
    client.ready("contract")
    return client.seen("contract", **{"X-Mine": "1"})


def test_environment(seen: Any) -> None:
    env = seen["env"]
    assert env["PORT"].isdigit()
    assert {key: env[key] for key in ("K_SERVICE", "K_CONFIGURATION", "K_REVISION")} == {
        "K_SERVICE": "contract",
        "K_CONFIGURATION": "contract",
        "K_REVISION": "contract-00001",
    }
    assert (env["OWN"], env["COMPOSED"]) == ("value", "value-more")
    assert not any(key.endswith("_SERVICE_HOST") and key[0] != "K" for key in env), "service links"


def test_values_from_secrets_and_config_maps(seen: Any) -> None:
    env = seen["env"]
    assert (env["OF_SECRET"], env["OF_MAP"]) == ("admin", "blue")
    assert (env["M_color"], env["S_user"]) == ("blue", "admin")


def test_headers(seen: Any) -> None:
    headers = {name.lower(): value for name, value in seen["headers"]}
    assert headers["host"] == "contract.default.localhost"
    assert headers["x-mine"] == "1"
    assert headers["x-forwarded-for"]
    assert headers["x-forwarded-proto"] == "http"
    assert "for=" in headers["forwarded"]
    inside = [name for name in headers if name.startswith("knative-")]
    assert inside == [], "the platform's own headers stay inside"


def test_files_and_folders(seen: Any) -> None:
    # /dev/tty exists as a name everywhere; /dev/console and terminals are not promised.
    assert [name for name, there in seen["files"].items() if not there] == []
    assert seen["tmp"] == "yes"


def test_standard_input_has_ended(seen: Any) -> None:
    assert seen["stdin_ended"] is True


def test_the_name_of_the_host_is_that_of_the_pod(client: Client, seen: Any) -> None:
    selector = "serving.knative.dev/service=contract"
    names = [p["metadata"]["name"] for p in client.list("pods", selector, base="/api/v1")]
    assert seen["env"]["HOSTNAME"] in names


def test_mounted_files(client: Client, seen: Any) -> None:
    """A runtime that cannot mount says where the files are instead."""

    def content(volume: str, key: str, mounted: str) -> str:
        folder = seen["env"].get(f"TANEBI_VOLUME_{volume.upper()}", mounted)
        answer = client.request("contract", f"/file?path={folder}/{key}")
        return str(answer.json()["content"])

    assert content("secret", "user", "/etc/secret") == "admin"
    assert content("map", "color", "/etc/map") == "blue"


def test_command_and_arguments(client: Client) -> None:
    client.ready("args")
    assert client.seen("args")["args"] == ["one", "two 2"]


@pytest.mark.parametrize("name", ["probed", "execed"])
def test_readiness_is_waited_for(client: Client, name: str) -> None:
    client.ready(name)
    assert client.request(name).status_code == 200


def test_output_is_collected(client: Client) -> None:
    client.ready("args")
    client.request("args", "/print?text=said-aloud")
    (pod, *_) = client.list("pods", "serving.knative.dev/service=args", base="/api/v1")
    path = client.path("pods", f"{pod['metadata']['name']}/log", base="/api/v1")
    params = {"container": "user-container"}
    lines = eventually(
        lambda: (
            "said-aloud-err" in (text := client.api.get(path, params=params).text)
            and text.splitlines()
        )
    )
    assert {"said-aloud", "said-aloud-err"} <= set(lines)


# --- time ---
def test_the_whole_request_has_a_limit(client: Client) -> None:
    client.ready("timed")
    answer = client.request("timed", "/sleep?ms=2500")
    assert (answer.status_code, "request timeout" in answer.text) == (504, True)


def test_a_request_within_its_time_is_answered(client: Client) -> None:
    client.ready("timed")
    assert client.request("timed", "/sleep?ms=300").status_code == 200


def test_the_first_byte_has_a_limit_and_the_rest_has_not(client: Client) -> None:
    client.ready("first-byte")
    late = client.request("first-byte", "/sleep?ms=2500")
    assert (late.status_code, "request timeout" in late.text) == (504, True)
    slow = client.request("first-byte", "/sleep?early=1&ms=1500")
    assert (slow.status_code, slow.text) == (200, "firstlast")


def test_silence_has_a_limit(client: Client) -> None:
    client.ready("idle")
    answer = client.request("idle", "/sleep?ms=2500")
    assert answer.status_code == 504


# --- concurrency ---
def test_never_more_at_once_than_the_limit(client: Client) -> None:
    client.ready("single")
    began = time.monotonic()
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: client.request("single", "/sleep?ms=150"), range(4)))
    assert [a.status_code for a in answers] == [200] * 4
    assert {a.json()["peak"] for a in answers} == {1}
    assert time.monotonic() - began >= 0.15
