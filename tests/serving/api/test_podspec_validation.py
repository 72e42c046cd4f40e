"""The pod as a whole; the tables of fields are with the Service."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from serving.api.config_features import CONFIG_FEATURES
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


@given(
    st.lists(projections, max_size=2),
    st.dictionaries(
        st.sampled_from(("supplementalGroups", "runAsUser", "x")), anything, max_size=3
    ),
)
def test_what_the_types_leave_open_is_judged_and_never_breaks(sources: Any, context: Any) -> None:
    volume = {"name": "v", "projected": {"sources": sources}}
    check(volumes=[volume], securityContext=context)
