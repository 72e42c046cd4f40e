from __future__ import annotations

from typing import Any

import pytest

from tanebi.api.core.pod import Container, PodSpec, Probe
from tanebi.api.core.pod_details import container_errors, probe_errors, spec_errors


@pytest.mark.parametrize(
    ("spec", "path", "text"),
    [
        (
            {"volumes": [{"name": "a", "emptyDir": {}, "secret": {"secretName": "s"}}]},
            "volumes[0].emptyDir",
            "1 volume",
        ),
        ({"volumes": [{"name": "a", "configMap": {}}]}, "volumes[0].configMap.name", "Required"),
        ({"volumes": [{"name": "a", "secret": {}}]}, "volumes[0].secret.secretName", "Required"),
        ({"dnsPolicy": "X"}, "dnsPolicy", "Unsupported"),
        ({"activeDeadlineSeconds": 0}, "activeDeadlineSeconds", "between 1 and 2147483647"),
        ({"nodeSelector": {"a b": "c"}}, "nodeSelector", "name part"),
        ({"nodeSelector": {"a": "b c"}}, "nodeSelector", "valid label"),
        ({"tolerations": [{"operator": "X"}]}, "tolerations[0].operator", "Unsupported"),
        ({"hostname": "A_b"}, "hostname", "RFC 1123 label"),
        ({"serviceAccountName": "A_b"}, "serviceAccountName", "RFC 1123 subdomain"),
    ],
)
def test_of_the_spec(spec: dict[str, Any], path: str, text: str) -> None:
    found = list(spec_errors(PodSpec.model_validate(spec)))
    assert [e for e in found if e.paths == (path,) and text in e.message], found


@pytest.mark.parametrize(
    ("container", "path", "text"),
    [
        (
            {"ports": [{"containerPort": 1, "name": "UPPER"}]},
            "ports[0].name",
            "at least one letter",
        ),
        ({"ports": [{"containerPort": 1, "name": "a" * 16}]}, "ports[0].name", "15 characters"),
        ({"ports": [{"containerPort": 1, "name": "a--b"}]}, "ports[0].name", "consecutive"),
        ({"ports": [{"containerPort": 1, "name": "-a"}]}, "ports[0].name", "begin or end"),
        (
            {"resources": {"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}},
            "resources.requests",
            "cpu limit of 1",
        ),
        ({"resources": {"limits": {"frob": "1"}}}, "resources.limits[frob]", "fully qualified"),
        (
            {"terminationMessagePolicy": "X"},
            "terminationMessagePolicy",
            '"File", "FallbackToLogsOnError"',
        ),
        ({"securityContext": {"runAsUser": -1}}, "securityContext.runAsUser", "between 0"),
    ],
)
def test_of_a_container(container: dict[str, Any], path: str, text: str) -> None:
    found = list(container_errors(Container.model_validate(container)))
    assert [e for e in found if e.paths == (path,) and text in e.message], found


def test_what_is_fine_is_fine() -> None:
    spec = {
        "dnsPolicy": "None",
        "hostname": "a",
        "nodeSelector": {"a/b": ""},
        "activeDeadlineSeconds": 1,
    }
    assert not list(spec_errors(PodSpec.model_validate(spec)))
    resources = {"requests": {"cpu": "100m", "example.com/x": "1"}, "limits": {"cpu": "0.1"}}
    assert not list(container_errors(Container.model_validate({"resources": resources})))
    assert list(probe_errors(Probe.model_validate({"exec": {}})))
