"""Server-side apply: managers, conflicts, removal, keyed lists and sets, defaulted keys, subresources, migration."""

from __future__ import annotations

from typing import Any, Final

from tests.recorded.books.objects import (
    CONFIG_MAPS,
    CRDS,
    DEPLOYMENTS,
    PODS,
    SERVICES,
    config_map,
    custom,
    definition,
    deployment,
    pod,
    service,
)
from tests.recorded.steps import Step, Stories, apply, delete, get, patch, post, put, wait

_CM = CONFIG_MAPS + "/a"
_D = DEPLOYMENTS + "/d"
_S = SERVICES + "/s"
_G = "apply.example.com"
_SETS = f"/apis/{_G}/v1/namespaces/{{ns}}/lists"


def _d(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": spec}


def _scale(name: str, replicas: int) -> dict[str, Any]:
    meta = {"name": name}
    spec = {"replicas": replicas}
    return {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": meta, "spec": spec}


def _containers(*containers: dict[str, Any]) -> dict[str, Any]:
    return _d(template={"spec": {"containers": list(containers)}})


def _svc(*ports: dict[str, Any], **spec: Any) -> dict[str, Any]:
    meta = {"name": "s"}
    body = {"ports": list(ports), **spec}
    return {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": body}


def _list(**spec: Any) -> dict[str, Any]:
    return custom(_G, "List", "l", spec=spec)


def _last_applied(obj: dict[str, Any], text: str) -> dict[str, Any]:
    meta = {
        **obj["metadata"],
        "annotations": {"kubectl.kubernetes.io/last-applied-configuration": text},
    }
    return {**obj, "metadata": meta}


_TEXT = {"type": "string"}
_ITEM = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": _TEXT,
        "value": _TEXT,
        "protocol": {"type": "string", "default": "TCP"},
        "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
    },
}
_LISTS = definition(
    "lists",
    "List",
    _G,
    {
        "type": "object",
        "properties": {
            "spec": {
                "type": "object",
                "properties": {
                    "plain": {"type": "array", "items": _TEXT},
                    "set": {"type": "array", "items": _TEXT, "x-kubernetes-list-type": "set"},
                    "atomic": {"type": "array", "items": _TEXT, "x-kubernetes-list-type": "atomic"},
                    "keyed": {
                        "type": "array",
                        "items": _ITEM,
                        "x-kubernetes-list-type": "map",
                        "x-kubernetes-list-map-keys": ["name"],
                    },
                    "twice": {
                        "type": "array",
                        "items": _ITEM,
                        "x-kubernetes-list-type": "map",
                        "x-kubernetes-list-map-keys": ["name", "protocol"],
                    },
                    "whole": {
                        "type": "object",
                        "x-kubernetes-map-type": "atomic",
                        "additionalProperties": _TEXT,
                    },
                    "grained": {"type": "object", "additionalProperties": _TEXT},
                    "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                    "defaulted": {"type": "string", "default": "d"},
                },
            },
            "status": {
                "type": "object",
                "properties": {"n": {"type": "integer"}, "replicas": {"type": "integer"}},
            },
        },
    },
    subresources={"status": {}},
)

STORIES: Final[Stories] = {
    "apply by two managers": [
        apply(_CM, config_map("a", x="1", y="2")),
        apply(_CM, config_map("a", x="1", y="2")),
        apply(_CM, config_map("a", z="3"), "two"),
        apply(_CM, config_map("a", x="other"), "two"),
        apply(_CM, config_map("a", x="other", y="other"), "two"),
        apply(_CM, config_map("a", x="1", z="3"), "two"),
        apply(_CM, config_map("a", x="1")),
        apply(_CM, config_map("a", z="4")),
        apply(_CM, config_map("a", z="4"), force="true"),
        apply(_CM, config_map("a", x="1"), "two"),
        apply(_CM, config_map("a"), "two"),
        apply(_CM, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}),
        get(_CM),
    ],
    "apply and update": [
        apply(_CM, config_map("a", x="1", y="2")),
        patch("merge", _CM, {"data": {"x": "5"}}, fieldManager="upd"),
        apply(_CM, config_map("a", x="1", y="2")),
        apply(_CM, config_map("a", x="5", y="2")),
        apply(_CM, config_map("a", x="1", y="2"), force="true"),
        put(_CM, config_map("a", y="2", w="7"), fieldManager="upd"),
        apply(_CM, config_map("a", x="1", y="2")),
        patch("json", _CM, [{"op": "remove", "path": "/data/y"}], fieldManager="upd"),
        apply(_CM, config_map("a", x="1")),
        patch("merge", _CM, {"metadata": {"managedFields": []}}),
        patch("merge", _CM, {"metadata": {"managedFields": [{}]}}),
        apply(_CM, config_map("a", x="1"), "after"),
        apply(_CM, config_map("a", x="2"), "after"),
    ],
    "apply labels and annotations": [
        apply(_CM, config_map("a", {"l": "1", "m": "2"}, x="1")),
        apply(_CM, config_map("a", {"m": "2"}, x="1")),
        apply(_CM, config_map("a", {"m": "3"}), "two"),
        apply(_CM, config_map("a", x="1")),
        apply(_CM, config_map("a", {"m": "3"}), "two"),
    ],
    "apply refused": [
        patch("apply", _CM, config_map("a", x="1")),
        apply(_CM, config_map("b", x="1")),
        apply(_CM, {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}}),
        apply(_CM, {"apiVersion": "v2", "kind": "ConfigMap", "metadata": {"name": "a"}}),
        apply(_CM, {"metadata": {"name": "a"}}),
        apply(_CM, config_map("a", x="1") | {"frob": 1}),
        apply(_CM, {**config_map("a"), "data": {"x": 1}}),
        apply(
            _CM,
            {**config_map("a"), "metadata": {"name": "a", "managedFields": [{"manager": "x"}]}},
        ),
        apply(_CM, {**config_map("a"), "metadata": {"name": "a", "namespace": "other"}}),
        apply(_CM, {**config_map("a"), "metadata": {"name": "a", "resourceVersion": "1"}}),
        apply(_CM, {**config_map("a"), "metadata": {"name": "a", "uid": "u"}}),
        apply(_CM, [1]),
        patch("apply", _CM, b"a: [", fieldManager="one"),
        patch("apply", _CM, b"", fieldManager="one"),
        apply(_CM, config_map("a", x="1"), "m" * 129),
        apply(_CM, config_map("a", x="1"), "bad\x01"),
        apply(_CM, config_map("a", x="1"), dryRun="All"),
        get(_CM),
        apply(_CM, config_map("a", x="1"), fieldValidation="Strict"),
        apply(_CM, {**config_map("a", x="1"), "other": 1}, fieldValidation="Ignore"),
        apply(_CM, {**config_map("a"), "data": {"x": None}}),
        apply(_CM, {**config_map("a"), "data": None}),
        apply(_CM, {**config_map("a"), "data": {}}),
    ],
    "apply keyed lists": [
        post(DEPLOYMENTS, deployment("d"), fieldManager="creator"),
        apply(_D, _containers({"name": "main", "image": "x:2"})),
        apply(_D, _containers({"name": "main", "image": "x:2"}), force="true"),
        apply(_D, _containers({"name": "new", "image": "n:1"}), "two"),
        apply(_D, _containers({"name": "new", "env": [{"name": "E", "value": "1"}]}), "three"),
        apply(_D, _containers({"name": "new", "env": [{"name": "E", "value": "2"}]}), "two"),
        apply(_D, _containers({"name": "other", "image": "o:1"}), "two"),
        apply(_D, _containers(), "three"),
        apply(
            _D,
            _containers(
                {"name": "side", "image": "example.com/side:1"}, {"name": "main", "image": "x:2"}
            ),
        ),
        apply(_D, _containers({"image": "x"})),
        apply(_D, _containers({"name": "a", "image": "x"}, {"name": "a", "image": "y"})),
        apply(_D, _d(replicas=2), "scaler"),
        apply(_D, _d(replicas=5), "scaler"),
        patch("merge", _D + "/scale", {"spec": {"replicas": 7}}, fieldManager="hpa"),
        apply(_D, _d(replicas=5), "scaler", force="true"),
        apply(_D, _d(), "scaler"),
        get(_D),
    ],
    "apply whole": [
        apply(_D, deployment("d")),
        apply(_D, deployment("d", paused=True)),
        apply(_D, deployment("d")),
        apply(_D, deployment("d", strategy={"type": "Recreate"})),
        apply(_D, deployment("d")),
        apply(_D, deployment("d"), "two"),
        apply(_D, deployment("d", replicas=4), "two"),
        apply(_D, deployment("d", replicas=4), "two", force="true"),
        patch(
            "apply",
            _D + "/status",
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": {"name": "d"},
                "status": {
                    "replicas": 2,
                    "conditions": [{"type": "Available", "status": "True", "reason": "R"}],
                },
            },
            fieldManager="ctrl",
        ),
        patch("merge", _D + "/status", {"status": {"readyReplicas": 1}}, fieldManager="ctrl"),
        apply(
            _D,
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": {"name": "d"},
                "status": {"replicas": 9},
            },
            "statusless",
        ),
        apply(_D + "/scale", _scale("d", 6), "scaler"),
        apply(_D + "/scale", _scale("d", 6), "scaler", force="true"),
        apply(_D, deployment("d", replicas=4)),
        get(_D),
    ],
    "apply ports of a service": [
        apply(_S, _svc({"port": 80, "targetPort": 8080, "name": "http"})),
        apply(_S, _svc({"port": 80, "protocol": "TCP", "targetPort": 8080, "name": "http"})),
        apply(_S, _svc({"port": 53, "protocol": "UDP", "name": "dns"}), "two"),
        apply(_S, _svc({"port": 53, "name": "dnstcp"}), "three"),
        apply(_S, _svc({"port": 80, "targetPort": 9090, "name": "http"}), "two"),
        apply(_S, _svc({"port": 80, "targetPort": 9090, "name": "http"}), "two", force="true"),
        apply(_S, _svc({"port": 81, "name": "other"})),
        apply(_S, _svc({"name": "noport"}), "three"),
        apply(_S, _svc({"port": 53, "name": "dnstcp"}, selector={"a": "b"}), "three"),
        apply(_S, _svc({"port": 53, "name": "dnstcp"}, selector={"c": "d"}), "four"),
        get(_S),
        delete(_S),
    ],
    "apply of a custom kind": [
        post(CRDS, _LISTS),
        wait(CRDS + f"/lists.{_G}", "Established"),
        apply(_SETS + "/l", _list(set=["a", "b"], atomic=["a"], plain=["p"])),
        apply(_SETS + "/l", _list(set=["b", "c"]), "two"),
        apply(_SETS + "/l", _list(atomic=["z"]), "two"),
        apply(_SETS + "/l", _list(plain=["z"]), "two"),
        apply(_SETS + "/l", _list(set=["c"], atomic=["a"], plain=["p"])),
        apply(_SETS + "/l", _list(set=["c", "c"])),
        apply(_SETS + "/l", _list(keyed=[{"name": "a", "value": "1"}])),
        apply(_SETS + "/l", _list(keyed=[{"name": "b", "free": {"x": {"y": 1}}}]), "two"),
        apply(_SETS + "/l", _list(keyed=[{"name": "b", "free": {"x": {"y": 2}}}]), "three"),
        apply(_SETS + "/l", _list(keyed=[{"name": "a", "value": "2"}]), "two"),
        apply(_SETS + "/l", _list(keyed=[{"value": "2"}]), "two"),
        apply(_SETS + "/l", _list(keyed=[{"name": "a"}, {"name": "a"}]), "two"),
        apply(_SETS + "/l", _list(twice=[{"name": "a"}, {"name": "a", "protocol": "UDP"}])),
        apply(_SETS + "/l", _list(twice=[{"name": "a", "protocol": "TCP", "value": "v"}]), "two"),
        apply(_SETS + "/l", _list(twice=[{"name": "a"}])),
        apply(_SETS + "/l", _list(whole={"a": "1"}, grained={"a": "1"}), "two"),
        apply(_SETS + "/l", _list(whole={"b": "1"}, grained={"b": "1"}), "three"),
        apply(_SETS + "/l", _list(grained={"b": "1"}), "three"),
        apply(_SETS + "/l", _list(free={"a": {"b": [1, 2]}}), "three"),
        apply(_SETS + "/l", _list(free={"a": {"b": [1, 3]}}), "two"),
        apply(_SETS + "/l", _list(free={"a": {"c": 1}}), "two"),
        apply(_SETS + "/l", _list(defaulted="e"), "two"),
        apply(_SETS + "/l", _list(), "two"),
        apply(_SETS + "/l", _list(frob=1), "two"),
        apply(_SETS + "/l", _list(frob=1), "two", fieldValidation="Strict"),
        apply(_SETS + "/l", _list(plain="x"), "four"),
        apply(_SETS + "/l/status", custom(_G, "List", "l", status={"n": 1}), "ctrl"),
        apply(_SETS + "/l", custom(_G, "List", "l", status={"n": 2}), "ctrl"),
        patch("merge", _SETS + "/l/status", {"status": {"n": 3}}, fieldManager="upd"),
        apply(_SETS + "/l/status", custom(_G, "List", "l", status={"n": 1}), "ctrl"),
        get(_SETS + "/l"),
        delete(CRDS + f"/lists.{_G}"),
    ],
    "from the client to the server": [
        Step(
            "POST",
            CONFIG_MAPS,
            _last_applied(
                config_map("a", x="1", y="2"),
                '{"apiVersion":"v1","data":{"x":"1","y":"2"},"kind":"ConfigMap","metadata":{"annotations":{},"name":"a"}}\n',
            ),
            {"fieldManager": "kubectl-client-side-apply"},
        ),
        apply(_CM, config_map("a", x="1", y="3"), "kubectl"),
        apply(_CM, config_map("a", x="1"), "kubectl"),
        apply(_CM, config_map("a", x="9"), "other"),
        patch("strategic", _CM, {"data": {"x": "8"}}, fieldManager="kubectl-client-side-apply"),
        apply(_CM, config_map("a", x="7"), "kubectl"),
    ],
    "apply of pods": [
        apply(PODS + "/p", pod("p")),
        apply(PODS + "/p", pod("p", {"a": "b"})),
        apply(PODS + "/p", pod("p", terminationGracePeriodSeconds=5), "two"),
        patch(
            "apply",
            PODS + "/p/status",
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": "p"},
                "status": {
                    "phase": "Running",
                    "conditions": [{"type": "Ready", "status": "True"}],
                    "podIPs": [{"ip": "192.0.2.1"}],
                },
            },
            fieldManager="kubelet",
        ),
        patch(
            "strategic",
            PODS + "/p/status",
            {"status": {"conditions": [{"type": "Ready", "status": "False"}]}},
            fieldManager="other",
        ),
        get(PODS + "/p"),
    ],
    "managers of creations": [
        post(CONFIG_MAPS, config_map("a", x="1")),
        post(SERVICES, service("s"), fieldManager="m"),
        put(CONFIG_MAPS + "/a", config_map("a", x="2"), fieldManager="n"),
        put(CONFIG_MAPS + "/a", config_map("a", x="2"), fieldManager="n"),
        put(CONFIG_MAPS + "/a", {**config_map("a"), "data": {}}, fieldManager="n"),
        put(
            CONFIG_MAPS + "/a",
            {**config_map("a", x="3"), "binaryData": {"b": "AA=="}},
            fieldManager="o",
        ),
    ],
}
