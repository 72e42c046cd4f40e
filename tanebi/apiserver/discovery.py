"""What this server has: /version, /api, /apis and their lists, plain and aggregated. Pure.

Built from the kinds of the moment. Caller: tanebi.apiserver.server.
"""

from __future__ import annotations

import hashlib
import platform
from typing import Final

import orjson

import tanebi
from tanebi.api.kind import AnyKind, Kinds
from tanebi.api.meta import Obj
from tanebi.apiserver import codec

KUBERNETES_VERSION: Final = "v1.32.0"
AGGREGATED: Final = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
AGGREGATED_BETA: Final = "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList"

_VERBS: Final = [
    "create",
    "delete",
    "deletecollection",
    "get",
    "list",
    "patch",
    "update",
    "watch",
]
POD_STREAMS: Final = (
    ("attach", "PodAttachOptions"),
    ("exec", "PodExecOptions"),
    ("portforward", "PodPortForwardOptions"),
)


PROXIED: Final = (("", "Pod"), ("", "Service"), ("", "Node"))


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
    """The documents. Aggregated ones are kept until the kinds change: clients ask for them at every start."""

    def __init__(self, kinds: Kinds) -> None:
        self._kinds = kinds
        self._generation = -1
        self._by_version: dict[tuple[str, str], list[AnyKind]] = {}
        self._encoded: dict[tuple[str, bool], tuple[bytes, str]] = {}

    @property
    def _versions(self) -> dict[tuple[str, str], list[AnyKind]]:
        if self._generation != self._kinds.generation:
            self._by_version = {}
            self._encoded.clear()
            for kind in self._kinds:
                self._by_version.setdefault((kind.group, kind.version), []).append(kind)
            self._generation = self._kinds.generation
        return self._by_version

    def answer(self, path: str, accept: str) -> tuple[str, bytes, str] | None:
        """Content type, body and ETag ("" for none) of the document at `path`; None when there is none."""
        for wanted, content_type in (("v=v2;", AGGREGATED), ("v=v2beta1;", AGGREGATED_BETA)):
            if path in ("/api", "/apis") and _asks(accept, wanted):
                body, tag = self._aggregate(path, beta=content_type is AGGREGATED_BETA)
                return content_type, body, tag
        found = self.document(path)
        return None if found is None else (codec.JSON, orjson.dumps(found), "")

    def _aggregate(self, path: str, *, beta: bool) -> tuple[bytes, str]:
        groups = self._versions  # forgets what is no more true
        key = (path, beta)
        if key not in self._encoded:
            body = orjson.dumps(self._aggregated(groups, core=path == "/api", beta=beta))
            tag = hashlib.sha512(body).hexdigest()[:32].upper()
            self._encoded[key] = (body, f'"{tag}"')
        return self._encoded[key]

    def document(self, path: str) -> Obj | None:
        """The plain discovery document at `path`, or None when there is none."""
        match [part for part in path.split("/") if part]:
            case ["version"]:
                return version()
            case ["api"]:
                return _core_versions()
            case ["apis"]:
                return self._groups()
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
            "resources": [entry for kind in kinds for entry in _plain(kind)],
        }

    def _aggregated(
        self, found: dict[tuple[str, str], list[AnyKind]], *, core: bool, beta: bool
    ) -> Obj:
        groups: dict[str, list[Obj]] = {}
        for (group, version_), kinds in found.items():
            if (group == "") == core:
                groups.setdefault(group, []).append(
                    {
                        "version": version_,
                        "freshness": "Current",
                        "resources": [_discovered(kind) for kind in kinds],
                    }
                )
        return {
            "kind": "APIGroupDiscoveryList",
            "apiVersion": f"apidiscovery.k8s.io/{'v2beta1' if beta else 'v2'}",
            "metadata": {},
            "items": [
                {"metadata": {"name": name} if name else {}, "versions": versions}
                for name, versions in groups.items()
            ],
        }


def _asks(accept: str, wanted: str) -> bool:
    """Does `accept` want the aggregated form in this version, and before any plain one?"""
    for part in accept.replace(" ", "").split(","):
        if "as=APIGroupDiscoveryList" in part:
            if wanted in f"{part};":
                return True
        elif codec.media_type(part) == codec.JSON:
            return False
    return False


def _plain(kind: AnyKind) -> list[Obj]:
    main: Obj = {
        "name": kind.plural,
        "singularName": kind.singular,
        "namespaced": kind.namespaced,
        "kind": kind.kind,
        "verbs": ["create"] if kind.virtual else _verbs(kind),
    }
    if kind.short_names:
        main["shortNames"] = list(kind.short_names)
    if kind.categories:
        main["categories"] = list(kind.categories)
    return [main, *({**sub, "namespaced": kind.namespaced} for sub in _plain_subs(kind))]


def _verbs(kind: AnyKind) -> list[str]:
    """Of kinds that a user defined in the order in which Kubernetes serves those."""
    if kind.structure is None:
        return list(_VERBS)
    return sorted(_VERBS, key=lambda verb: (verb in ("create", "update", "watch"), verb))


def _discovered(kind: AnyKind) -> Obj:
    entry: Obj = {
        "resource": kind.plural,
        "responseKind": _gvk(kind),
        "scope": "Namespaced" if kind.namespaced else "Cluster",
        "singularResource": kind.singular,
        "verbs": ["create"] if kind.virtual else _verbs(kind),
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
        for name, answers in POD_STREAMS:
            found.append(_sub(kind, name, answers, ["create", "get"]))
        found.append(_sub(kind, "log", kind.kind, ["get"]))
        eviction = _sub(kind, "eviction", "Eviction", ["create"])
        found.append(eviction | {"group": "policy", "version": "v1"})
        found.append(_sub(kind, "ephemeralcontainers", kind.kind, verbs))
    if kind.builtin and (kind.group, kind.kind) in PROXIED:
        methods = ["create", "delete", "get", "patch", "update"]
        found.append(_sub(kind, "proxy", f"{kind.kind}ProxyOptions", methods))
    if kind.kind == "ServiceAccount" and kind.builtin:
        token = _sub(kind, "token", "TokenRequest", ["create"])
        found.append(token | {"group": "authentication.k8s.io", "version": "v1"})
    if kind.kind == "CertificateSigningRequest" and kind.builtin:
        found.append(_sub(kind, "approval", kind.kind, verbs))
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
