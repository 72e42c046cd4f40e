"""Volumes and mounts."""

from __future__ import annotations

from typing import Any

import pytest

from serving.api.config_features import CONFIG_FEATURES
from serving.api.volume_validation import validate_mounts, validate_volumes
from tanebi.api.core.pod import Container, Volume, VolumeMount
from tanebi.api.fielderrors import render

OFF = CONFIG_FEATURES.parse({})
ON = CONFIG_FEATURES.parse(
    {
        "kubernetes.podspec-persistent-volume-claim": "enabled",
        "kubernetes.podspec-persistent-volume-write": "enabled",
        "kubernetes.podspec-volumes-hostpath": "enabled",
        "kubernetes.podspec-volumes-csi": "enabled",
        "kubernetes.podspec-volumes-ephemeral": "enabled",
        "kubernetes.podspec-volumes-image": "enabled",
    }
)
CLAIM = {"persistentVolumeClaim": {"claimName": "c"}}


def volumes(*sources: Any, features: Any = OFF) -> str:
    listed = [Volume.model_validate({"name": "v", **source}) for source in sources]
    mounts = [VolumeMount(name=volume.name) for volume in listed]
    return render(validate_volumes(listed, [Container(volume_mounts=mounts)], features))


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ({"secret": {"secretName": "s"}}, ""),
        ({"configMap": {"name": "s"}}, ""),
        ({"emptyDir": {}}, ""),
        ({"emptyDir": {"medium": "Memory", "sizeLimit": "1Gi"}}, ""),
        ({"emptyDir": {"medium": "Disk"}}, "invalid value: Disk: [0].emptyDir.medium"),
        ({"emptyDir": {"sizeLimit": "-1"}}, "invalid value: -1: [0].emptyDir.sizeLimit"),
        ({"emptyDir": {"sizeLimit": "big"}}, "invalid value: big: [0].emptyDir.sizeLimit"),
        ({"name": "", "secret": {}}, "missing field(s): [0].name"),
        ({"name": "A", "secret": {}}, "invalid value: A: [0].name"),
        (
            {},
            "expected exactly one, got neither: [0].configMap, [0].emptyDir, [0].projected, [0].secret",
        ),
        (
            {"secret": {}, "configMap": {}},
            "expected exactly one, got both: [0].configMap, [0].secret",
        ),
        (
            {"secret": {"items": [{}]}},
            "missing field(s): [0].items[0].key, [0].items[0].path",
        ),
        (
            {"projected": {"sources": [{}]}},
            "expected exactly one, got neither: [0].projected[0].configMap, [0].projected[0].downwardAPI, "
            "[0].projected[0].secret, [0].projected[0].serviceAccountToken",
        ),
        (
            {"projected": {"sources": [{"secret": {}, "serviceAccountToken": {}}]}},
            "expected exactly one, got both: [0].projected[0].secret, [0].projected[0].serviceAccountToken\n"
            "missing field(s): [0].projected[0].secret.name, [0].projected[0].serviceAccountToken.path",
        ),
        (
            {"projected": {"sources": [{"downwardAPI": {"items": [{}]}}]}},
            "expected exactly one, got neither: [0].projected[0].downwardAPI.items[0].fieldRef, "
            "[0].projected[0].downwardAPI.items[0].resourceFieldRef\n"
            "missing field(s): [0].projected[0].downwardAPI.items[0].path",
        ),
        (
            {"hostPath": {"path": "/"}},
            "HostPath volume support is disabled, but found HostPath volume v: [0]",
        ),
        (
            {"nfs": {"server": "x"}},
            "expected exactly one, got neither: [0].configMap, [0].emptyDir, [0].projected, [0].secret\n"
            "must not set the field(s): [0].nfs",
        ),
        (
            CLAIM,
            "Persistent volume claim support is disabled, but found persistent volume claim c: [0]\n"
            "Persistent volume write support is disabled, but found persistent volume claim c that is not read-only: [0]",
        ),
    ],
)
def test_volumes(source: Any, text: str) -> None:
    assert volumes(source) == text


@pytest.mark.parametrize("name", ["hostPath", "csi", "ephemeral", "image", "persistentVolumeClaim"])
def test_features_permit(name: str) -> None:
    assert volumes({name: {}}) != ""
    assert volumes({name: {}}, features=ON) == ""


def test_a_name_is_used_once() -> None:
    assert volumes({"secret": {}}, {"secret": {}}) == 'duplicate volume name "v": [1].name'


def mounts(*listed: Any, volume: Any = None) -> str:
    known = [Volume.model_validate({"name": "v", **(volume or {"secret": {}})})]
    views = [VolumeMount.model_validate({"name": "v", "readOnly": True, **m}) for m in listed]
    return render(validate_mounts(views, known, OFF))


@pytest.mark.parametrize(
    ("mount", "text"),
    [
        ({"mountPath": "/a"}, ""),
        ({}, "missing field(s): [0].mountPath"),
        ({"mountPath": "/"}, 'mountPath "/" is a reserved path: [0].mountPath'),
        ({"mountPath": "/dev/"}, 'mountPath "/dev" is a reserved path: [0].mountPath'),
        ({"mountPath": "//dev//log"}, 'mountPath "/dev/log" is a reserved path: [0].mountPath'),
        ({"mountPath": "a"}, "invalid value: a: [0].mountPath"),
        (
            {"mountPath": "/a", "readOnly": False},
            "volume mount should be readOnly for this type of volume: [0].readOnly",
        ),
        (
            {"mountPath": "/a", "mountPropagation": "Bidirectional"},
            "must not set the field(s): [0].mountPropagation",
        ),
    ],
)
def test_mounts(mount: Any, text: str) -> None:
    assert mounts(mount) == text


def test_a_path_is_used_once() -> None:
    assert mounts({"mountPath": "/a"}, {"mountPath": "/a/"}) == (
        'invalid value: "/a/" must be unique: [1].mountPath'
    )


def test_what_may_be_written() -> None:
    writing = {"mountPath": "/a", "readOnly": False}
    assert mounts(writing, volume={"emptyDir": {}}) == ""
    assert mounts(writing, volume=CLAIM) == ""
    read_only = {"persistentVolumeClaim": {"claimName": "c", "readOnly": True}}
    assert mounts(writing, volume=read_only) == (
        "volume is readOnly but volume mount is not: [0].readOnly"
    )
