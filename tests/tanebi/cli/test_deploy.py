from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from tanebi.base.errors import UserError
from tanebi.cli.deploy import service_manifest, service_name
from tests.tanebi.cli.driving import Shell


def template(**given: Any) -> dict[str, Any]:
    found: dict[str, Any] = service_manifest("s", "n", "i", given)["spec"]["template"]
    return found


def test_the_least() -> None:
    assert template() == {"spec": {"containers": [{"image": "i"}]}}


def test_options_become_fields_and_annotations() -> None:
    found = template(
        env=("A=1", "B=x=y"),
        port="h2c:8081",
        concurrency_limit=5,
        scale="1..4",
        scale_max=9,
        scale_init=0,
        scale_target=2.5,
        scale_metric="rps",
        scale_window="6s",
        annotation=("x.dev/a=b",),
    )
    assert found["spec"] == {
        "containers": [
            {
                "image": "i",
                "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "x=y"}],
                "ports": [{"name": "h2c", "containerPort": 8081}],
            }
        ],
        "containerConcurrency": 5,
    }
    assert found["metadata"]["annotations"] == {
        "autoscaling.knative.dev/min-scale": "1",
        "autoscaling.knative.dev/max-scale": "9",
        "autoscaling.knative.dev/initial-scale": "0",
        "autoscaling.knative.dev/target": "2.5",
        "autoscaling.knative.dev/metric": "rps",
        "autoscaling.knative.dev/window": "6s",
        "x.dev/a": "b",
    }


@pytest.mark.parametrize(
    ("scale", "low", "high"), [("3", "3", "3"), ("..5", None, "5"), ("2..", "2", None)]
)
def test_scale(scale: str, low: str | None, high: str | None) -> None:
    notes = template(scale=scale)["metadata"]["annotations"]
    assert notes.get("autoscaling.knative.dev/min-scale") == low
    assert notes.get("autoscaling.knative.dev/max-scale") == high


@pytest.mark.parametrize(
    "given", [{"scale": "a..b"}, {"env": ("X",)}, {"port": "http"}, {"annotation": ("=b",)}]
)
def test_bad_options_are_named(given: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="write"):
        template(**given)


@pytest.mark.parametrize(
    ("folder", "want"), [("hello", "hello"), ("My_App", "my-app"), ("a" * 80, "a" * 63)]
)
def test_a_name_of_the_folder(tmp_path: Path, folder: str, want: str) -> None:
    assert service_name(tmp_path / folder) == want


@pytest.mark.parametrize("folder", ["9lives", "___"])
def test_no_name_of_the_folder(tmp_path: Path, folder: str) -> None:
    with pytest.raises(UserError, match="no service name"):
        service_name(tmp_path / folder)


@pytest.fixture
def app(tmp_path: Path) -> Path:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "Procfile").write_text("web: ./run\n")
    return tmp_path / "app"


def controller(shell: Shell, ns: str, *, ready: str, message: str) -> threading.Thread:
    """Says how the service fares, as soon as it is there."""
    path = f"/apis/serving.knative.dev/v1/namespaces/{ns}/services"

    def work() -> None:
        api = shell.api
        for event, obj in api.watch(path, {}, timeout_s=10):
            generation = obj["metadata"]["generation"]
            if event == "DELETED" or obj.get("status", {}).get("observedGeneration") == generation:
                continue
            told = {"type": "Ready", "status": ready, "reason": "Said", "message": message}
            status = {
                "observedGeneration": generation,
                "url": "http://app.example.localhost",
                "latestReadyRevisionName": f"app-0000{generation}",
                "conditions": [told],
            }
            shell.set_status(f"{path}/{obj['metadata']['name']}", status)
            break
        api.close()

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_progress_and_the_url_alone_at_the_end(shell: Shell, ns: str, app: Path) -> None:
    at_work = controller(shell, ns, ready="True", message="")
    lines = shell.good("deploy", str(app), "-n", ns, "--wait-timeout", "10s").splitlines()
    at_work.join()
    assert f"Creating service 'app' in namespace '{ns}':" in lines
    assert any(line.endswith("s Ready to serve.") for line in lines)
    assert lines[-2] == "Service 'app' created to latest revision 'app-00001' is available at URL:"
    assert lines[-1] == "http://app.example.localhost"
    again = shell.good("deploy", str(app), "-n", ns).splitlines()
    assert "No changes to apply to service 'app'." in again
    assert again[-1] == "http://app.example.localhost"


def test_a_service_that_cannot_run(shell: Shell, ns: str, app: Path) -> None:
    at_work = controller(shell, ns, ready="False", message="it exits at once")
    called = shell("deploy", str(app), "-n", ns, "--wait-timeout", "10s")
    at_work.join()
    assert called.code == 1
    assert "service 'app' cannot run: Said: it exits at once" in called.err
    assert "tanebi logs app" in called.err


def test_a_deadline(shell: Shell, ns: str, app: Path) -> None:
    called = shell("deploy", str(app), "-n", ns, "--wait-timeout", "0.2s")
    assert called.code == 1
    assert "timed out waiting for Ready" in called.err
    assert "(--no-wait)" in shell.good("deploy", str(app), "-n", ns, "--no-wait", "--env", "A=b")


def test_what_cannot_be_deployed(shell: Shell, nowhere: Shell, ns: str, tmp_path: Path) -> None:
    (tmp_path / "bare").mkdir()
    called = shell("deploy", str(tmp_path / "bare"), "-n", ns)
    assert (called.code, "Procfile" in called.err) == (1, True)
    assert shell("get", "ksvc", "bare", "-n", ns).code == 1
    assert shell("deploy", str(tmp_path / "gone")).code == 2
    called = nowhere("deploy", str(tmp_path / "bare"))
    assert (called.code, "tanebi up" in called.err) == (1, True)
    assert not nowhere.home.images.exists()
