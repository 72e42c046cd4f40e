"""What this server has: /version, /api, /apis and their lists, plain and aggregated. Pure.

Built once from the kinds. Caller: tanebi.apiserver.server.
"""

from __future__ import annotations

import platform
from collections.abc import Iterable
from typing import Final

import tanebi
from tanebi.api.kind import AnyKind
from tanebi.api.meta import Obj

KUBERNETES_VERSION: Final = "v1.32.0"
AGGREGATED: Final = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"

_READ: Final = ["get", "list", "watch"]
_WRITE: Final = ["create", "delete", "deletecollection", "patch", "update"]


def version() -> Obj:
    """`GET /version`. A Kubernetes version comes first because clients compare it; ours is the build suffix."""
    return {
        "major": "1",
        "minor": "32",
        "gitVersion": f"{KUBERNETES_VERSION}+tanebi-{tanebi.__version__}",
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "",
        "compiler": platform.python_implementation(),
        "platform": f"linux/{_architecture()}",
    }


def _architecture() -> str:
    machine = platform.machine()
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)


class Discovery:
    """The documents, ready to be sent. `read_only` kinds can be listed but not written."""

    def __init__(self, kinds: Iterable[AnyKind], *, read_only: Iterable[AnyKind] = ()) -> None:
        self._read_only = frozenset(read_only)
        self._versions: dict[tuple[str, str], list[AnyKind]] = {}
        for kind in [*kinds, *self._read_only]:
            self._versions.setdefault((kind.group, kind.version), []).append(kind)

    def document(self, path: str, accept: str) -> Obj | None:
        """The discovery document at `path`, or None when there is none."""
        aggregated = "apidiscovery.k8s.io" in accept and "v=v2" in accept
        match [part for part in path.split("/") if part]:
            case ["version"]:
                return version()
            case ["api"]:
                return self._aggregated(core=True) if aggregated else _core_versions()
            case ["apis"]:
                return self._aggregated(core=False) if aggregated else self._groups()
            case ["api", "v1"]:
                return self._resources("", "v1")
            case ["apis", group]:
                return next((g for g in self._groups()["groups"] if g["name"] == group), None)
            case ["apis", group, version_]:
                return self._resources(group, version_)
        return None

    def _groups(self) -> Obj:
        names = dict.fromkeys(group for group, _ in self._versions if group)
        return {
            "kind": "APIGroupList",
            "apiVersion": "v1",
            "groups": [self._group(name) for name in names],
        }

    def _group(self, name: str) -> Obj:
        versions = [
            {"groupVersion": f"{name}/{version_}", "version": version_}
            for group, version_ in self._versions
            if group == name
        ]
        return {
            "kind": "APIGroup",
            "apiVersion": "v1",
            "name": name,
            "versions": versions,
            "preferredVersion": versions[0],
        }

    def _resources(self, group: str, version_: str) -> Obj | None:
        kinds = self._versions.get((group, version_))
        if kinds is None:
            return None
        return {
            "kind": "APIResourceList",
            "apiVersion": "v1",
            "groupVersion": f"{group}/{version_}" if group else version_,
            "resources": [entry for kind in kinds for entry in self._plain(kind)],
        }

    def _plain(self, kind: AnyKind) -> list[Obj]:
        main: Obj = {
            "name": kind.plural,
            "singularName": kind.singular,
            "namespaced": kind.namespaced,
            "kind": kind.kind,
            "verbs": self._verbs(kind),
        }
        if kind.short_names:
            main["shortNames"] = list(kind.short_names)
        if kind.categories:
            main["categories"] = list(kind.categories)
        return [main, *({**sub, "namespaced": kind.namespaced} for sub in _plain_subs(kind))]

    def _verbs(self, kind: AnyKind) -> list[str]:
        return ["get", "list"] if kind in self._read_only else sorted([*_READ, *_WRITE])

    def _aggregated(self, *, core: bool) -> Obj:
        groups: dict[str, list[Obj]] = {}
        for (group, version_), kinds in self._versions.items():
            if (group == "") == core:
                groups.setdefault(group, []).append(
                    {
                        "version": version_,
                        "freshness": "Current",
                        "resources": [self._discovered(kind) for kind in kinds],
                    }
                )
        return {
            "kind": "APIGroupDiscoveryList",
            "apiVersion": "apidiscovery.k8s.io/v2",
            "metadata": {},
            "items": [
                {"metadata": {"name": name} if name else {}, "versions": versions}
                for name, versions in groups.items()
            ],
        }

    def _discovered(self, kind: AnyKind) -> Obj:
        entry: Obj = {
            "resource": kind.plural,
            "responseKind": _gvk(kind),
            "scope": "Namespaced" if kind.namespaced else "Cluster",
            "singularResource": kind.singular,
            "verbs": self._verbs(kind),
        }
        if kind.short_names:
            entry["shortNames"] = list(kind.short_names)
        if kind.categories:
            entry["categories"] = list(kind.categories)
        if subs := _plain_subs(kind):
            entry["subresources"] = [
                {
                    "subresource": sub["name"].partition("/")[2],
                    "responseKind": {
                        "group": sub.get("group", kind.group),
                        "version": sub.get("version", kind.version),
                        "kind": sub["kind"],
                    },
                    "verbs": sub["verbs"],
                }
                for sub in subs
            ]
        return entry


def _gvk(kind: AnyKind) -> Obj:
    return {"group": kind.group, "version": kind.version, "kind": kind.kind}


def _plain_subs(kind: AnyKind) -> list[Obj]:
    found: list[Obj] = []
    verbs = ["get", "patch", "update"]
    if kind.kind == "Pod" and kind.builtin:
        found.append(_sub(kind, "log", kind.kind, ["get"]))
    if kind.scale is not None:
        scale = _sub(kind, "scale", "Scale", verbs)
        found.append(scale | {"group": "autoscaling", "version": "v1"})
    if kind.status:
        found.append(_sub(kind, "status", kind.kind, verbs))
    return found


def _sub(kind: AnyKind, name: str, answers: str, verbs: list[str]) -> Obj:
    return {
        "name": f"{kind.plural}/{name}",
        "singularName": "",
        "kind": answers,
        "verbs": verbs,
    }


def _core_versions() -> Obj:
    return {
        "kind": "APIVersions",
        "apiVersion": "v1",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [],
    }
