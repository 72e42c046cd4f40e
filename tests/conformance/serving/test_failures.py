"""What a client reads when a container cannot run: condition, reason and text at each level."""

from __future__ import annotations

from typing import Any, Final

import pytest

from tests.conformance.serving.driving import IMAGE, Client, service

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

EARLY: Final = (
    service("ends", env={"EXIT": "5"}),
    service("ends-well", env={"EXIT": "0"}),
    service("no-image", container={"image": "dev.local/no-such-image"}),
    service(
        "never",
        container={"readinessProbe": {"httpGet": {"path": "/health"}}},
        env={"HEALTHY_AFTER_S": "1000"},
        annotations={"serving.knative.dev/progress-deadline": "2s"},
    ),
    service("mended", env={"EXIT": "5"}),
)


def revision_and_service(client: Client, name: str, type_: str) -> tuple[Any, Any]:
    failed = client.failed(f"{name}-00001", "revisions", type_)
    return failed, client.failed(name, type_="ConfigurationsReady")


def test_an_exit_code(client: Client) -> None:
    revision, of_service = revision_and_service(client, "ends", "ContainerHealthy")
    assert revision["reason"] == "ExitCode5"
    assert revision["message"].startswith("Container failed with: ")
    assert "conformance: told to end" in revision["message"]
    assert of_service["reason"] == "RevisionFailed"
    assert of_service["message"].startswith('Revision "ends-00001" failed with message: ')
    route = client.failed("ends", type_="RoutesReady")
    assert route["reason"] == "RevisionMissing"
    assert route["message"] == 'Configuration "ends" does not have any ready Revision.'


def test_an_exit_without_an_error(client: Client) -> None:
    revision, _ = revision_and_service(client, "ends-well", "ContainerHealthy")
    assert revision["reason"] == "ExitCode0"


def test_a_missing_image(client: Client) -> None:
    revision, of_service = revision_and_service(client, "no-image", "ContainerHealthy")
    assert revision["reason"] == "ContainerMissing"
    assert revision["message"].startswith('Unable to fetch image "dev.local/no-such-image": ')
    assert "Unable to fetch image" in of_service["message"]


def test_a_container_that_never_becomes_ready(client: Client) -> None:
    revision = client.failed("never-00001", "revisions")
    assert revision["reason"] == "ProgressDeadlineExceeded"


def test_a_failing_revision_is_mended_by_the_next(client: Client) -> None:
    client.failed("mended")
    client.patch("mended", {"spec": service("mended")["spec"]})
    client.ready("mended")
    assert client.request("mended").status_code == 200
    status = client.get("mended")["status"]
    assert status["latestReadyRevisionName"] == "mended-00002"


def test_bad_manifests(client: Client) -> None:
    webhook = 'admission webhook "validation.webhook.serving.knative.dev" denied the request: '
    empty = service("bad")
    empty["spec"]["template"]["spec"]["containers"] = [{"image": ""}]
    text = client.refused(empty)
    assert (
        text
        == f"{webhook}validation failed: missing field(s): spec.template.spec.containers[0].image"
    )
    hooked = service("bad", container={"lifecycle": {"preStop": {"exec": {"command": ["x"]}}}})
    assert client.refused(hooked) == (
        f"{webhook}validation failed: must not set the field(s): "
        "spec.template.spec.containers[0].lifecycle"
    )
    misplaced = service("bad", metadata={"annotations": {"autoscaling.knative.dev/min-scale": "1"}})
    assert client.refused(misplaced).startswith(
        f'{webhook}validation failed: invalid key name "autoscaling.knative.dev/min-scale": '
        "metadata.annotations"
    )


def test_what_is_not_decodable(client: Client) -> None:
    wrong = service("bad", container={"image": IMAGE, "env": "none"})
    text = client.refused(wrong)
    assert 'admission webhook "webhook.serving.knative.dev" denied the request: ' in text
    assert "cannot decode incoming new object: json: " in text


def test_a_try_asks_what_the_pods_would_be_told(client: Client) -> None:
    tried = service("tried", container={"name": "Bad_Name"})
    text = client.refused(tried, dryRun="All")
    assert text.startswith(
        'admission webhook "validation.webhook.serving.knative.dev" denied the request: '
        'validation callback failed: dry run failed with Pod "dry-run-validation" is invalid: '
        'spec.containers[0].name: Invalid value: "Bad_Name": '
    )
    assert text.endswith(": spec.template")
    good = client.api.post(client.path("services"), json=service("tried"), params={"dryRun": "All"})
    assert good.status_code == 201
    assert "insecure" in good.headers["warning"]
    assert client.gone("tried", "services")


def test_a_pod_that_fits_nowhere(client: Client) -> None:
    features = "/api/v1/namespaces/knative-serving/configmaps/config-features"
    merge = {"Content-Type": "application/merge-patch+json"}
    key = "kubernetes.podspec-nodeselector"
    on = client.api.patch(features, json={"data": {key: "enabled"}}, headers=merge)
    assert on.is_success
    try:
        client.create(service("nowhere", spec={"nodeSelector": {"planet": "mars"}}))
        said = client.failed("nowhere-00001", "revisions", "ResourcesAvailable")
        assert said["reason"] == "Unschedulable"
        of_service = client.failed("nowhere", type_="ConfigurationsReady")
        assert said["message"] in of_service["message"]
    finally:
        client.api.patch(features, json={"data": {key: None}}, headers=merge)
