"""What is in volumes that are made of files."""

from __future__ import annotations

from typing import Any

import pytest

from tanebi.api.core.kinds import CONFIG_MAP, POD, SECRET
from tanebi.api.core.pod import Pod
from tanebi.api.meta import Obj
from tanebi.kubelet.environment import ConfigError, Sources
from tanebi.kubelet.volumefiles import content

SOURCES = Sources(
    config_map=lambda ns, name: CONFIG_MAP.view({"data": {"a": "A"}}) if name == "c" else None,
    secret=lambda ns, name: SECRET.view({"stringData": {"b": "B"}}) if name == "s" else None,
    local_url=str,
    tokens={("vault", 700): b"secret"},
    machine={"cpu": "7"},
)
TOKEN: Obj = {"path": "t", "audience": "vault", "expirationSeconds": 700}
NAMESPACE: Obj = {"path": "ns", "fieldRef": {"fieldPath": "metadata.namespace"}}


def of(**volume: Any) -> dict[str, bytes] | None:
    own: Pod = POD.view(
        {
            "metadata": {"name": "p", "namespace": "space", "labels": {"b": "2", "a": "1"}},
            "spec": {"containers": [{"name": "c"}], "volumes": [{"name": "v", **volume}]},
        }
    )
    return content(own, own.spec.volumes[0], SOURCES)


def test_several_sources_in_one() -> None:
    sources = [
        {"configMap": {"name": "c"}},
        {"secret": {"name": "s"}},
        {"serviceAccountToken": TOKEN},
        {"downwardAPI": {"items": [NAMESPACE]}},
    ]
    found = of(projected={"sources": sources})
    assert found == {"a": b"A", "b": b"B", "t": b"secret", "ns": b"space"}


def test_what_the_pod_says_of_itself() -> None:
    labels = {"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}
    amount = {"containerName": "c", "resource": "limits.cpu"}
    found = of(downwardAPI={"items": [labels, {"path": "cpu", "resourceFieldRef": amount}]})
    assert found == {"labels": b'a="1"\nb="2"', "cpu": b"7"}


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ({"serviceAccountToken": {"path": "t"}}, "no token"),
        ({"configMap": {"name": "none"}}, 'configmap "none" not found'),
        ({"clusterTrustBundle": {}}, "clusterTrustBundle is not supported"),
    ],
)
def test_what_is_not_to_be_had(source: Obj, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        of(projected={"sources": [source]})


def test_what_is_not_made_of_files() -> None:
    assert of(hostPath={"path": "/"}) is None
    assert of(emptyDir={}) == {}
