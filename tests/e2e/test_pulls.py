"""Images of a registry: pinned, private, missing, refused, and there again, as a person sees it. One platform, all at once."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from tanebi.base.settings import DataDir
from tanebi.cli.client import Api
from tanebi.kubelet.engine import connect
from tanebi.kubelet.pods import ERR_IMAGE, IMAGE_BACKOFF, IMAGE_REASONS, NEVER_PULL
from tanebi.testing.engine import engine_missing, without_docker
from tanebi.testing.platform import Platform
from tanebi.testing.registry import USER, Registry, opened, podman_knows, self_signed
from tests.e2e.driving import User, eventually

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(120), engine_missing()]

NOBODY: Final = "127.0.0.1:9"
SERVE: Final = "mkdir -p /w; echo well >/w/index.html; exec busybox httpd -f -p ${PORT:-8080} -h /w"
CORE: Final = ("pods", "events")
BUSYBOX: Final = ["busybox", "sh", "-c"]


@dataclass(frozen=True)
class Stage:
    user: User
    api: Api
    registry: Registry
    sealed: Registry

    def put(self, repository: str, tag: str = "1", *, of: str = "") -> str:
        """An image that serves; `of` makes it another one. The reference by digest."""
        content = Path(shutil.which("busybox") or "").read_bytes()
        files = {"bin/busybox": content, "of": f"{repository}{of}".encode()}
        digest = self.registry.put(repository, tag, files, Cmd=[*BUSYBOX, SERVE], Env=["PATH=/bin"])
        return f"{self.registry.host}/{repository}@{digest}"

    def service(self, name: str, image: str, *, initial: str = "0", **spec: Any) -> dict[str, Any]:
        """Nothing runs of most: that they can be pinned is enough."""
        meta = {"annotations": {"autoscaling.knative.dev/initial-scale": initial}}
        template = {
            "metadata": meta,
            "spec": {"timeoutSeconds": 1, "containers": [{"image": image}], **spec},
        }
        kind = {"apiVersion": "serving.knative.dev/v1", "kind": "Service"}
        return {**kind, "metadata": {"name": name}, "spec": {"template": template}}

    def pod(self, name: str, image: str, policy: str = "", **spec: Any) -> dict[str, Any]:
        own = {"name": "c", "image": f"{self.registry.host}/{image}"}
        if policy:
            own["imagePullPolicy"] = policy
        whole = {"terminationGracePeriodSeconds": 1, "containers": [own], **spec}
        return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": whole}

    def listed(self, kind: str) -> dict[str, dict[str, Any]]:
        group = "api/v1" if kind in CORE else "apis/serving.knative.dev/v1"
        found = self.api.get(f"/{group}/namespaces/default/{kind}")["items"]
        return {one["metadata"]["name"]: one for one in found}

    def waiting(self, *names: str) -> dict[str, tuple[str, str]]:
        """Why each pod's container waits, once all do: reason and message."""

        def told() -> dict[str, tuple[str, str]]:
            pods = self.listed("pods")
            found = {name: _waiting(pods.get(name, {})) for name in names}
            return found if all(reason in IMAGE_REASONS for reason, _ in found.values()) else {}

        found: dict[str, tuple[str, str]] = eventually(told, 20, what="pods wait")
        return found

    def refused(self, *services: str) -> dict[str, tuple[str, str]]:
        """Why the first revision of each is not ready, once none is: reason and message."""

        def told() -> dict[str, tuple[str, str]]:
            known = self.listed("revisions")
            found = {name: _refused(known.get(f"{name}-00001", {})) for name in services}
            return found if all(reason for reason, _ in found.values()) else {}

        found: dict[str, tuple[str, str]] = eventually(told, 20, what="revisions are refused")
        return found

    def run(self, *pods: str) -> None:
        def running() -> bool:
            found = self.listed("pods")
            return all(found[name]["status"]["phase"] == "Running" for name in pods)

        eventually(running, 30, what=f"{pods} run")

    def events(self, pod: str = "") -> list[str]:
        return [
            f"{one['reason']}: {one['message']}"
            for one in self.listed("events").values()
            if not pod or one["involvedObject"].get("name") == pod
        ]

    def said(self, pattern: str, pod: str = "") -> None:
        """An Event comes a little after what it tells of."""
        eventually(
            lambda: any(re.fullmatch(pattern, one) for one in self.events(pod)), what=pattern
        )

    def digest(self, revision: str) -> str:
        status = self.listed("revisions")[revision]["status"]
        return str(status["containerStatuses"][0]["imageDigest"])

    def asked(self, repository: str) -> set[str]:
        """Who asked for it."""
        return {who for _, path, who in self.registry.asked if f"/{repository}/" in path}


def _waiting(pod: dict[str, Any]) -> tuple[str, str]:
    statuses = pod.get("status", {}).get("containerStatuses") or [{}]
    found = statuses[0].get("state", {}).get("waiting") or {}
    return found.get("reason", ""), found.get("message", "")


def _refused(revision: dict[str, Any]) -> tuple[str, str]:
    conditions = revision.get("status", {}).get("conditions", [])
    found = [c for c in conditions if c["type"] == "Ready" and c["status"] == "False"]
    return (found[0]["reason"], found[0]["message"]) if found else ("", "")


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("pulls")
    environ = without_docker(os.environ)
    found = connect.find(environ)
    if found is None or found.socket is not None:
        pytest.skip("the engine is not started by us: it does not know the tests' registry")
    with opened() as registry, opened(self_signed(folder)) as sealed:
        known = podman_knows(folder, registry.host, NOBODY)
        platform = Platform(folder / "data", runtime="engine", environ={**environ, **known})
        with platform:
            person = User(platform)
            api = Api.of(DataDir(platform.data_dir))
            yield Stage(person, api, registry, sealed)
            api.close()
            person.http.close()
        remove_images(registry.host, sealed.host)


def remove_images(*hosts: str) -> None:
    listed = subprocess.run(
        ["podman", "images", "--format", "{{.Repository}} {{.ID}}"],
        capture_output=True,
        text=True,
        check=True,
    )
    rows = [line.split() for line in listed.stdout.splitlines()]
    ids = {id for name, id in rows if name.startswith(hosts)}
    if ids:
        subprocess.run(["podman", "rmi", "-f", *ids], capture_output=True, check=True)


PRIVATE: Final = ("own", "theirs", "pod-own", "pod-theirs", "nobodys")
LOGIN: Final = {"imagePullSecrets": [{"name": "login"}]}
ACCOUNT: Final = {"serviceAccountName": "puller"}
WORDS: Final = {
    "missing": ("ContainerMissing", "manifest unknown", "no image of this name and tag"),
    "refused": ("ContainerMissing", "unauthorized", "imagePullSecrets"),
    "garbage": ("ContainerMissing", "invalid character", "no registry"),
    "sealed": ("ContainerMissing", "x509", "does not trust this registry"),
    "unreachable": ("ContainerMissing", "connection refused", "does not answer"),
    "wrong": ("ErrImagePull", "manifest unknown", "no image of this name and tag"),
}


def given(stage: Stage) -> None:
    """A login, what the registries have, and what asks for it."""
    login = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "login"}}
    config = {".dockerconfigjson": stage.registry.docker_config().decode()}
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "puller"}}
    for name in PRIVATE:
        stage.put(f"private/{name}")
        stage.registry.private.add(f"private/{name}")
    stage.registry.trouble |= {"private/own": "busy", "open/garbage": "garbage"}
    stage.registry.lasts["private/own"] = 1  # the engine waits as long as it is told to
    stage.sealed.put("open/app", "1", {"x": b"x"})
    host, secret_type = stage.registry.host, "kubernetes.io/dockerconfigjson"
    stage.user.apply({**login, "type": secret_type, "stringData": config}, {**account, **LOGIN})
    stage.user.apply(
        stage.pod("late", "open/late:1"),
        stage.pod("never", "open/late:1", "Never"),
        stage.pod("pod-own", "private/pod-own:1", **LOGIN),
        stage.pod("pod-theirs", "private/pod-theirs:1", **ACCOUNT),
        stage.pod("secretless", "private/nobodys:1", imagePullSecrets=[{"name": "lost"}]),
        stage.service("moves", f"{host}/open/moves"),
        stage.service("own", f"{host}/private/own:1", initial="1", **LOGIN),
        stage.service("theirs", f"{host}/private/theirs:1", **ACCOUNT),
        stage.service("refused", f"{host}/private/nobodys:1"),
        stage.service("missing", f"{host}/open/missing:1"),
        stage.service("garbage", f"{host}/open/garbage:1"),
        stage.service("sealed", f"{stage.sealed.host}/open/app:1"),
        stage.service("unreachable", f"{NOBODY}/app:1"),
        stage.service("wrong", f"{host}/open/moves@sha256:{'0' * 64}", initial="1"),
    )


def test_what_a_registry_has_and_has_not(stage: Stage) -> None:
    first = stage.put("open/moves", "latest")
    stage.user.configure({"allow-zero-initial-scale": "true"})
    given(stage)
    pods_are_told(stage)
    for name, (reason, message) in stage.refused(*WORDS).items():
        assert reason in (WORDS[name][0], IMAGE_BACKOFF), name
        assert all(word in message for word in WORDS[name][1:]), message
    stage.put("open/late")
    stage.put("open/missing")
    for name in ("moves", "own", "theirs"):
        stage.user.wait_ready("ksvc", name)
    for name in ("own", "theirs", "pod-own", "pod-theirs"):
        assert stage.asked(f"private/{name}") == {USER}, name
    a_tag_is_pinned(stage, first)
    a_person_pulls(stage)
    stage.user.wait_ready("ksvc", "missing")  # by itself, as the pod
    stage.run("late")
    pinned = re.escape(f'"{stage.digest("own-00001")}"')
    stage.said(f"Pulled: Container image {pinned} already present on machine")


def pods_are_told(stage: Stage) -> None:
    image = f"{stage.registry.host}/open/late:1"
    told = stage.waiting("late", "never", "secretless")
    absent = f'Container image "{image}" is not present with pull policy of Never'
    assert told["never"] == (NEVER_PULL, absent)
    for name, why in (("late", "manifest unknown"), ("secretless", "unauthorized")):
        assert told[name][0] in (ERR_IMAGE, IMAGE_BACKOFF)
        assert f"{why} (" in told[name][1]
    stage.said(rf'Failed: Failed to pull image "{image}": .*manifest unknown \(.*\)', "late")
    stage.said("Failed: Error: ErrImagePull", "late")
    stage.said(r"FailedToRetrieveImagePullSecret: .* \(lost\); .*", "secretless")
    stage.run("pod-own", "pod-theirs")
    image, span = f"{stage.registry.host}/private/pod-own:1", r"[\d.]+m?s"
    stage.said(f'Pulling: Pulling image "{image}"', "pod-own")
    stage.said(
        rf'Pulled: Successfully pulled image "{image}" in {span} \({span} including waiting\)\. Image size: \d+ bytes\.',
        "pod-own",
    )


def a_tag_is_pinned(stage: Stage, first: str) -> None:
    """A revision keeps what its tag meant; the next one has what it means then."""
    second = stage.put("open/moves", "latest", of="anew")
    anew = stage.service("moves", f"{stage.registry.host}/open/moves")
    anew["spec"]["template"]["metadata"]["annotations"]["example.com/anew"] = "true"
    stage.user.apply(anew)
    pinned = eventually(
        lambda: (
            stage.listed("revisions")
            .get("moves-00002", {})
            .get("status", {})
            .get("containerStatuses")
        ),
        what="the second revision is pinned",
    )
    assert pinned[0]["imageDigest"] == second != first
    assert stage.digest("moves-00001") == first


def a_person_pulls(stage: Stage) -> None:
    digest = stage.put("open/slow")
    stage.registry.slow.add("open/slow")
    image = f"{stage.registry.host}/open/slow:1"
    said = stage.user.platform.cli("image", "pull", image)
    assert f"Pulling {image}: 0 of 1 layers\n" in said.stderr
    assert f"Pulling {image}: 2 of 2 layers\n" in said.stderr
    assert said.stdout.startswith(f"{digest} pulled in ")
    refused = stage.user.platform.cli(
        "image", "pull", f"{stage.registry.host}/open/no", check=False
    )
    assert refused.returncode == 1
    assert "manifest unknown (the registry has no image" in refused.stderr
