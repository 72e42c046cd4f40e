"""The pod as a whole; the tables of fields are with the Service."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from serving.api.config_features import CONFIG_FEATURES, FLAG_TEXT
from serving.api.podspec_validation import serving_port, validate_pod
from serving.api.revision_types import RevisionSpec
from tanebi.api.core.pod import Container
from tanebi.api.fielderrors import render

OFF = CONFIG_FEATURES.parse({})


def check(features: Any = OFF, **fields: Any) -> str:
    spec = RevisionSpec.model_validate({"containers": [{"image": "dev.local/zed"}], **fields})
    return render(each for each in validate_pod(spec, features) if each.level == "error")


def test_the_port_that_is_served() -> None:
    assert serving_port([Container()]).container_port == 8080
    assert serving_port([Container()]).name == "http"
    given = Container.model_validate({"ports": [{"name": "h2c", "containerPort": 9}]})
    assert (serving_port([Container(), given]).name, serving_port([given]).container_port) == (
        "h2c",
        9,
    )


def test_a_service_account_has_a_name() -> None:
    assert check(serviceAccountName="robot") == ""
    assert check(serviceAccountName="Robot!").startswith(
        "invalid value: Robot!: serviceAccountName\na lowercase RFC 1123 subdomain must consist of"
    )


def test_what_is_always_allowed() -> None:
    allowed = {
        "enableServiceLinks": True,
        "automountServiceAccountToken": False,
        "imagePullSecrets": [{"name": "s"}],
    }
    assert check(**allowed) == ""


def test_identities_of_a_pod() -> None:
    on = CONFIG_FEATURES.parse({"kubernetes.podspec-securitycontext": "enabled"})
    context = {"runAsUser": -1, "fsGroup": "x", "supplementalGroups": [-2], "sysctls": []}
    assert check(on, securityContext=context) == (
        "expected 0 <= -1 <= 2147483647: securityContext.runAsUser\n"
        "expected 0 <= -2 <= 2147483647: securityContext.supplementalGroups[0]\n"
        "invalid value: x: securityContext.fsGroup\n"
        "must not set the field(s): securityContext.sysctls"
    )


def test_secure_defaults_may_be_opted_out_of() -> None:
    secure = CONFIG_FEATURES.parse({"secure-pod-defaults": "enabled"})
    assert check(secure, securityContext={"runAsNonRoot": False}) == ""
    assert check(secure, securityContext={"runAsUser": 1}) != ""


def test_names_of_init_containers_are_their_own() -> None:
    on = CONFIG_FEATURES.parse({"kubernetes.podspec-init-containers": "enabled"})
    containers = [{"name": "a", "image": "dev.local/zed"}]
    assert check(on, containers=containers, initContainers=containers) == (
        'duplicate container name "a": initContainers[0].name'
    )


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(("name", "items", "path", "secret")), inner, max_size=2)
    ),
    max_leaves=6,
)
projections = st.dictionaries(
    st.sampled_from(("secret", "configMap", "serviceAccountToken", "downwardAPI", "odd")),
    anything,
    max_size=2,
)


@settings(suppress_health_check=[HealthCheck.too_slow])  # the first example builds the types
@given(
    st.lists(projections, max_size=2),
    st.dictionaries(
        st.sampled_from(("supplementalGroups", "runAsUser", "x")), anything, max_size=3
    ),
)
def test_what_the_types_leave_open_is_judged_and_never_breaks(sources: Any, context: Any) -> None:
    volume = {"name": "v", "projected": {"sources": sources}}
    check(volumes=[volume], securityContext=context)


@pytest.mark.parametrize(
    ("flag", "fields", "said"),
    [
        (
            "multi-container",
            {
                "containers": [
                    {"name": "a", "image": "dev.local/zed", "ports": [{}]},
                    {"name": "b", "image": "dev.local/zed"},
                ]
            },
            "multi-container is off, but found 2 containers",
        ),
        (
            "kubernetes.podspec-init-containers",
            {"initContainers": [{"name": "i", "image": "dev.local/zed"}]},
            "pod spec support for init-containers is off, but found 1 init containers",
        ),
        (
            "kubernetes.podspec-volumes-emptydir",
            {"volumes": [{"name": "v", "emptyDir": {}}]},
            "EmptyDir volume support is disabled, but found EmptyDir volume v",
        ),
        (
            "kubernetes.podspec-volumes-hostpath",
            {"volumes": [{"name": "v", "hostPath": {"path": "/x"}}]},
            "HostPath volume support is disabled, but found HostPath volume v",
        ),
    ],
)
def test_some_features_are_on_or_off_and_nothing_between(flag: str, fields: Any, said: str) -> None:
    assert said in check(CONFIG_FEATURES.parse({flag: "Allowed"}), **fields)
    assert said not in check(CONFIG_FEATURES.parse({flag: "Enabled"}), **fields)


@pytest.mark.parametrize(
    ("field", "value", "flag"),
    [
        ("affinity", {"nodeAffinity": {}}, "kubernetes.podspec-affinity"),
        ("topologySpreadConstraints", [{}], "kubernetes.podspec-topologyspreadconstraints"),
        ("hostAliases", [{"ip": "1.1.1.1"}], "kubernetes.podspec-hostaliases"),
        ("nodeSelector", {"a": "b"}, "kubernetes.podspec-nodeselector"),
        ("runtimeClassName", "kata", "kubernetes.podspec-runtimeclassname"),
        ("tolerations", [{"key": "a"}], "kubernetes.podspec-tolerations"),
        ("shareProcessNamespace", True, "kubernetes.podspec-shareprocessnamespace"),
        ("hostIPC", True, "kubernetes.podspec-hostipc"),
        ("hostPID", True, "kubernetes.podspec-hostpid"),
        ("hostNetwork", True, "kubernetes.podspec-hostnetwork"),
        ("priorityClassName", "high", "kubernetes.podspec-priorityclassname"),
        ("schedulerName", "own", "kubernetes.podspec-schedulername"),
        ("dnsPolicy", "Default", "kubernetes.podspec-dnspolicy"),
        ("dnsConfig", {"nameservers": []}, "kubernetes.podspec-dnsconfig"),
        ("securityContext", {"runAsUser": 1}, "kubernetes.podspec-securitycontext"),
    ],
)
def test_each_gated_field_of_a_pod(field: str, value: Any, flag: str) -> None:
    refusal = f"must not set the field(s): {field}"
    assert refusal in check(**{field: value})
    for state in ("Allowed", "Enabled"):
        assert check(CONFIG_FEATURES.parse({flag: state}), **{field: value}) == ""


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("restartPolicy", "Never"),
        ("terminationGracePeriodSeconds", 3),
        ("activeDeadlineSeconds", 3),
        ("nodeName", "n"),
        ("hostname", "h"),
        ("subdomain", "s"),
        ("priority", 1),
        ("readinessGates", [{"conditionType": "x"}]),
        ("overhead", {"cpu": "1"}),
        ("automountServiceAccountToken", True),
        ("preemptionPolicy", "Never"),
        ("ephemeralContainers", [{"name": "x"}]),
        ("setHostnameAsFQDN", True),
        ("os", {"name": "linux"}),
        ("schedulingGates", [{"name": "x"}]),
    ],
)
def test_what_is_never_allowed(field: str, value: Any) -> None:
    on = CONFIG_FEATURES.parse(dict.fromkeys(FLAG_TEXT, "Enabled"))
    assert check(on, **{field: value}) == f"must not set the field(s): {field}"
