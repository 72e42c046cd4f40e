"""Which view follows from what a pod asks for."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tanebi.api.core.kinds import POD
from tanebi.api.core.pod import Container, Pod
from tanebi.api.meta import Obj
from tanebi.kubelet.cgroups import Groups
from tanebi.kubelet.environment import ConfigError, Sources
from tanebi.kubelet.images import Image
from tanebi.kubelet.processview import NOBODY_SPECIAL, Made, Views
from tanebi.kubelet.view import Ids
from tanebi.testing.network import network_missing

pytestmark = network_missing()


def pod(spec: Obj | None = None, **container: Any) -> tuple[Pod, Container]:
    meta = {"name": "p", "namespace": "ns", "uid": "u"}
    found = POD.view(
        {"metadata": meta, "spec": {"containers": [{"name": "c", **container}], **(spec or {})}}
    )
    return found, found.spec.containers[0]


def views(folder: Path) -> Views:
    for name in ("memory", "cpu"):
        (folder / "groups" / name).mkdir(parents=True, exist_ok=True)
    return Views(folder / "pods", Groups("x", folder / "groups"))


def made(folder: Path, one: tuple[Pod, Container]) -> Made:
    nothing: Any = lambda *names: None  # noqa: E731
    sources = Sources(config_map=nothing, secret=nothing, local_url=str, machine={}, claim=nothing)
    image = Image("i", "sha256:1", ("run",), folder, None, 1, "")
    return views(folder).make(*one, 0, image, sources, {})


def test_where_views_are_refused_limits_hold_all_the_same(tmp_path: Path) -> None:
    for name in ("memory", "cpu"):
        (tmp_path / "groups" / name).mkdir(parents=True, exist_ok=True)
    closed = Views(tmp_path / "pods", Groups("x", tmp_path / "groups"), refused="because")
    nothing: Any = lambda *names: None  # noqa: E731
    sources = Sources(config_map=nothing, secret=nothing, local_url=str, machine={}, claim=nothing)
    image = Image("i", "sha256:1", ("run",), tmp_path, None, 1, "")
    wanted = pod(securityContext={"runAsUser": 5}, resources={"limits": {"memory": "1Mi"}})
    found = closed.make(*wanted, 0, image, sources, {})
    assert found.view is not None
    assert (found.view.own_root, found.view.ids, bool(found.view.groups)) == (False, None, True)
    assert [note.reason for note in closed.notes(wanted[1])] == ["SecurityContextIgnored"]
    assert "because" in closed.notes(wanted[1])[0].message


def test_who_asks_for_nothing_gets_none(tmp_path: Path) -> None:
    assert made(tmp_path, pod()) == Made(None, None)


@pytest.mark.parametrize(
    ("security", "ids"),
    [
        ({"runAsUser": 5}, Ids(5, 0)),
        ({"runAsUser": 5, "runAsGroup": 6}, Ids(5, 6)),
        ({"runAsGroup": 6}, Ids(0, 6)),
        ({"runAsNonRoot": True}, Ids(NOBODY_SPECIAL, NOBODY_SPECIAL)),
    ],
)
def test_users(tmp_path: Path, security: Obj, ids: Ids) -> None:
    found = made(tmp_path, pod(securityContext=security)).view
    assert found is not None
    assert found.ids == ids


def test_root_that_must_not_be(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="image will run as root"):
        made(tmp_path, pod(securityContext={"runAsNonRoot": True, "runAsUser": 0}))


def test_volumes_rights_and_limits(tmp_path: Path) -> None:
    found = made(
        tmp_path,
        pod(
            {"volumes": [{"name": "v", "emptyDir": {}}]},
            volumeMounts=[{"name": "v", "mountPath": "/v", "readOnly": True}],
            securityContext={"allowPrivilegeEscalation": False, "capabilities": {"drop": ["KILL"]}},
            resources={"limits": {"memory": "1Mi"}},
        ),
    )
    assert found.view is not None
    assert [(one.target, one.read_only) for one in found.view.mounts] == [("/v", True)]
    assert found.view.mounts[0].source == tmp_path / "pods/u/volumes/v"
    assert (found.view.dropped, found.view.no_new_privileges) == (frozenset({5}), True)
    assert found.group is not None
    assert found.view.groups == found.group.threads


def test_limits_alone_take_no_root_of_ones_own(tmp_path: Path) -> None:
    found = made(tmp_path, pod(resources={"limits": {"cpu": "1"}})).view
    assert found is not None
    assert not found.own_root


def test_what_cannot_be_had_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    asked = pod(
        {"volumes": [{"name": "v-1", "emptyDir": {}}]},
        volumeMounts=[{"name": "v-1", "mountPath": "/v"}],
        securityContext={"runAsUser": 5},
        resources={"limits": {"memory": "1Mi"}},
    )
    assert made(tmp_path, asked) == Made(None, None)
    notes = views(tmp_path).notes(asked[1])
    assert [note.reason for note in notes] == [
        "FailedMount",
        "SecurityContextIgnored",
        "LimitsIgnored",
    ]
    assert "TANEBI_VOLUME_V_1" in notes[0].message
    assert all("does not run as root" in note.message for note in notes)
    drawn = [{"name": "kube-api-access-x7k2p", "mountPath": "/elsewhere"}]
    (said,) = views(tmp_path).notes(pod(volumeMounts=drawn)[1])
    assert "TANEBI_VOLUME_KUBE_API_ACCESS names" in said.message, "the variable that is set"
