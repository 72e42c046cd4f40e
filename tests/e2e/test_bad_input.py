"""Wrong manifests and wrong containers: a clear error, nothing half done, nothing broken."""

from __future__ import annotations

import pytest

from tests.e2e.driving import User, eventually, service

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]


def refused(user: User, text: str) -> str:
    done = user.platform.cli("apply", "-f", "-", stdin=text, check=False)
    assert done.returncode == 1, done.stdout
    assert "Traceback" not in done.stderr
    return str(done.stderr)


def test_malformed_yaml_names_the_line(user: User) -> None:
    assert "line 3" in refused(user, "apiVersion: v1\nkind: ConfigMap\n  metadata: {\n")


def test_malformed_json_is_refused(user: User) -> None:
    assert refused(user, '{"apiVersion": "v1", ')


def test_no_document_is_applied_when_one_is_wrong(user: User) -> None:
    good = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: half}\ndata: {a: b}\n"
    bad = "apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: Half}\nspec: {}\n"
    refused(user, f"{good}---\n{bad}")
    assert user.platform.cli("get", "cm", "half", check=False).returncode == 1


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"metadata": {"name": "Bad_Name"}}, "Bad_Name"),
        ({"spec": {"template": {"spec": {"containers": []}}}}, "spec.template.spec.containers"),
        (
            {
                "spec": {
                    "template": {
                        "spec": {"containers": [{"image": "dev.local/probe", "imag": "x"}]}
                    }
                }
            },
            "imag",
        ),
        (
            {
                "spec": {
                    "template": {
                        "spec": {
                            "timeoutSeconds": 601,
                            "containers": [{"image": "dev.local/probe"}],
                        }
                    }
                }
            },
            "expected 0 <= 601 <= 600: spec.template.spec.timeoutSeconds",
        ),
        ({"kind": "Servicee"}, "Servicee"),
        ({"spec": {"template": {"spec": {"containers": "one"}}}}, "containers"),
    ],
)
def test_wrong_services_are_refused_with_the_place(user: User, change: dict, says: str) -> None:  # type: ignore[type-arg]
    manifest = {**service("wrong"), **change}
    done = user.apply(manifest, check=False)
    assert done.returncode == 1, done.stdout
    assert says in done.stderr


def test_an_unknown_image_says_what_to_do(user: User) -> None:
    user.apply(service("nowhere", "dev.local/nowhere"))
    ready = eventually(
        lambda: (c := user.condition("revision", "nowhere-00001")) and c["status"] == "False" and c
    )
    assert ready["reason"] == "ContainerMissing"
    assert "tanebi image build" in ready["message"]


def test_a_container_that_exits_at_once(user: User) -> None:
    user.apply(service("dies", env={"MODE": "exit", "CODE": "3"}))
    ready = eventually(
        lambda: (c := user.condition("revision", "dies-00001")) and c["status"] == "False" and c, 30
    )
    assert ready["reason"] == "ExitCode3"
    assert "cannot start: no settings" in ready["message"]
    assert user.condition("ksvc", "dies")["status"] == "False"


def test_a_container_that_never_listens(user: User) -> None:
    annotations = {"serving.knative.dev/progress-deadline": "3s"}
    user.apply(service("deaf", annotations=annotations, env={"MODE": "deaf"}))
    ready = eventually(
        lambda: (c := user.condition("revision", "deaf-00001")) and c["status"] == "False" and c, 40
    )
    assert ready["reason"] == "ProgressDeadlineExceeded"


def test_a_container_that_listens_late_is_waited_for(user: User) -> None:
    user.apply(service("late", env={"BOOT_S": "2"}))
    user.wait_ready("ksvc", "late")
    assert user.request("late").status_code == 200


def test_an_app_that_dies_in_a_request_gives_502_and_comes_back(user: User) -> None:
    user.apply(service("fragile"))
    user.wait_ready("ksvc", "fragile")
    assert user.request("fragile", "/exit?code=1").status_code == 502
    assert user.request("fragile").status_code == 200


def test_a_request_that_takes_too_long_gives_504(user: User) -> None:
    user.apply(service("slow", timeoutSeconds=1))
    user.wait_ready("ksvc", "slow")
    answer = user.request("slow", "/sleep?ms=5000")
    assert answer.status_code == 504
    assert "request timeout" in answer.text


def test_an_unknown_host_is_told_so(user: User) -> None:
    answer = user.request("nobody")
    assert answer.status_code == 404
    assert "nobody.default.localhost" in answer.text
