"""JSON patch, merge patch and strategic merge patch."""

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
from tests.recorded.steps import Step, Stories, get, patch, post, put, wait

_CM = CONFIG_MAPS + "/a"
_D = DEPLOYMENTS + "/d"
_G = "patch.example.com"
_THINGS = f"/apis/{_G}/v1/namespaces/{{ns}}/things"


def _json(*ops: dict[str, Any], path: str = _CM, **query: str) -> Step:
    return patch("json", path, list(ops), **query)


def _op(op: str, path: str, **more: Any) -> dict[str, Any]:
    return {"op": op, "path": path, **more}


def _spec(**members: Any) -> dict[str, Any]:
    return {"spec": {"template": {"spec": members}}}


def _strategic(body: Any, path: str = _D, **query: str) -> Step:
    return patch("strategic", path, body, **query)


STORIES: Final[Stories] = {
    "json patch": [
        post(CONFIG_MAPS, config_map("a", x="1", y="2")),
        _json(_op("add", "/data/z", value="3")),
        _json(_op("replace", "/data/x", value="11"), _op("remove", "/data/y")),
        _json(_op("test", "/data/x", value="11"), _op("copy", "/data/c", **{"from": "/data/x"})),
        _json(_op("move", "/data/m", **{"from": "/data/c"})),
        _json(_op("test", "/data/x", value="other")),
        _json(_op("remove", "/data/absent")),
        _json(_op("replace", "/data/absent", value="1")),
        _json(_op("add", "/absent/x", value="1")),
        _json(_op("move", "/data/n", **{"from": "/data/absent"})),
        _json(_op("copy", "/data/n", **{"from": "/data/absent"})),
        _json(_op("test", "/data/absent", value="1")),
        _json(_op("test", "/data/absent", value=None)),
        _json(_op("frob", "/data/x", value="1")),
        _json({"path": "/data/x", "value": "1"}),
        _json(_op("add", "/data/a~1b~0c", value="escaped")),
        _json(_op("add", "/metadata/labels", value={"l": "1"})),
        _json(_op("add", "/metadata/labels/l2", value="2")),
        _json(_op("replace", "/metadata/name", value="other")),
        _json(_op("replace", "/kind", value="Secret")),
        _json(_op("replace", "/apiVersion", value="v2")),
        _json(_op("add", "/data/n", value=1)),
        _json(_op("add", "/data/n", value=None)),
        _json(_op("add", "/unknown", value="1"), fieldValidation="Strict"),
        _json(_op("add", "/unknown", value="1"), fieldValidation="Warn"),
        _json(_op("add", "/unknown", value="1"), fieldValidation="Ignore"),
        _json(_op("replace", "/metadata/resourceVersion", value="1")),
        _json(_op("add", "/metadata/finalizers", value=["example.com/f"])),
        _json(_op("remove", "/metadata/finalizers")),
        _json(_op("replace", "", value={"metadata": {}})),
        _json(_op("remove", "")),
        patch("json", _CM, {"op": "add"}),
        patch("json", _CM, b"not json"),
        patch("json", CONFIG_MAPS + "/absent", [_op("add", "/data/z", value="3")]),
        get(_CM),
    ],
    "json patch of lists": [
        post(DEPLOYMENTS, deployment("d")),
        _json(_op("add", "/spec/template/spec/containers/0/args/-", value="c"), path=_D),
        _json(_op("add", "/spec/template/spec/containers/0/args/0", value="z"), path=_D),
        _json(_op("remove", "/spec/template/spec/containers/0/args/1"), path=_D),
        _json(_op("replace", "/spec/template/spec/containers/1/image", value="x:2"), path=_D),
        _json(_op("replace", "/spec/template/spec/containers/7/image", value="x:2"), path=_D),
        _json(_op("add", "/spec/template/spec/containers/7", value={"name": "x"}), path=_D),
        _json(_op("remove", "/spec/template/spec/containers/7"), path=_D),
        _json(_op("remove", "/spec/template/spec/containers/x"), path=_D),
        _json(_op("replace", "/spec/replicas", value="three"), path=_D),
        _json(_op("replace", "/spec/selector/matchLabels/app", value="e"), path=_D),
        _json(_op("remove", "/spec/template/spec/containers"), path=_D),
    ],
    "merge patch": [
        post(CONFIG_MAPS, config_map("a", x="1", y="2")),
        patch("merge", _CM, {"data": {"x": "11", "y": None, "z": "3"}}),
        patch("merge", _CM, {"data": None}),
        patch("merge", _CM, {"data": {"k": "v"}, "metadata": {"labels": {"a": "b"}}}),
        patch("merge", _CM, {"metadata": {"labels": {"a": None}}}),
        patch("merge", _CM, {"metadata": {"labels": {"not a label": "x y"}}}),
        patch("merge", _CM, {"metadata": {"resourceVersion": "1"}}),
        patch("merge", _CM, {"metadata": {"uid": "other"}}),
        patch("merge", _CM, {"metadata": {"name": "other"}}),
        patch("merge", _CM, {"metadata": {"namespace": "other"}}),
        patch("merge", _CM, {"kind": "Secret"}),
        patch("merge", _CM, {"data": {"n": 1}}),
        patch("merge", _CM, {"data": [1]}),
        patch("merge", _CM, {"other": 1}),
        patch("merge", _CM, {"other": 1}, fieldValidation="Strict"),
        patch("merge", _CM, [1]),
        patch("merge", _CM, b"{"),
        patch("merge", _CM, {}, force="true"),
        patch("merge", _CM, {"data": {"dry": "run"}}, dryRun="All"),
        patch("merge", _CM, {"immutable": True}),
        patch("merge", _CM, {"data": {"k": "w"}}),
        patch("merge", _CM, {"immutable": None}),
        Step("PATCH", _CM, {}, type="application/json"),
        Step("PATCH", _CM, {}, type="text/plain"),
        patch("merge", CONFIG_MAPS + "/absent", {}),
        patch("merge", CONFIG_MAPS, {}),
        get(_CM),
    ],
    "merge patch of lists": [
        post(DEPLOYMENTS, deployment("d")),
        patch("merge", _D, _spec(containers=[{"name": "main", "image": "x:2"}])),
        patch("merge", _D, {"spec": {"replicas": None, "strategy": {"type": "Recreate"}}}),
        patch("merge", _D, {"spec": {"strategy": {"type": "Recreate", "rollingUpdate": None}}}),
    ],
    "strategic merge patch": [
        post(DEPLOYMENTS, deployment("d")),
        _strategic(_spec(containers=[{"name": "main", "image": "x:2"}])),
        _strategic(_spec(containers=[{"name": "third", "image": "t:1"}])),
        _strategic(_spec(containers=[{"name": "third", "$patch": "delete"}])),
        _strategic(_spec(containers=[{"name": "main", "env": [{"name": "C", "value": "3"}]}])),
        _strategic(
            _spec(containers=[{"name": "main", "env": [{"name": "A", "$patch": "delete"}]}])
        ),
        _strategic(
            _spec(
                containers=[
                    {"name": "main", "env": [{"$patch": "replace"}, {"name": "Z", "value": "9"}]}
                ]
            )
        ),
        _strategic(
            _spec(
                **{
                    "$setElementOrder/containers": [{"name": "side"}, {"name": "main"}],
                    "containers": [{"name": "side", "image": "s:2"}],
                }
            )
        ),
        _strategic(
            _spec(
                **{
                    "$setElementOrder/containers": [{"name": "side"}],
                    "containers": [{"name": "main", "image": "x:3"}],
                }
            )
        ),
        _strategic(_spec(volumes=[{"name": "tmp", "$retainKeys": ["name", "emptyDir"]}])),
        _strategic(
            _spec(
                volumes=[
                    {
                        "name": "tmp",
                        "configMap": {"name": "c"},
                        "$retainKeys": ["name", "configMap"],
                    }
                ]
            )
        ),
        _strategic(_spec(volumes=[{"name": "tmp", "secret": {"secretName": "s"}}])),
        _strategic(
            {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}},
        ),
        _strategic(
            {"spec": {"strategy": {"$retainKeys": ["type"], "type": "X", "rollingUpdate": {}}}},
        ),
        _strategic(
            _spec(containers=[{"name": "main", "ports": [{"containerPort": 81, "name": "more"}]}])
        ),
        _strategic(
            _spec(
                containers=[
                    {"name": "main", "ports": [{"containerPort": 80, "protocol": "UDP"}]},
                ]
            )
        ),
        _strategic(_spec(containers=[{"image": "x:2"}])),
        _strategic(_spec(containers=[{"name": "main", "$patch": "frob"}])),
        _strategic(_spec(containers=[{"name": "main", "args": ["only"]}])),
        _strategic({"spec": {"template": {"metadata": {"labels": {"extra": "1"}}}}}),
        _strategic(
            {"spec": {"template": {"metadata": {"labels": {"$patch": "replace", "app": "d"}}}}}
        ),
        _strategic({"metadata": {"annotations": {"a": "1"}}}),
        _strategic({"metadata": {"annotations": {"$patch": "delete"}}}),
        _strategic({"spec": {"replicas": None}}),
        _strategic({"spec": {"template": {"spec": {"nodeSelector": {"a": "b"}}}}}),
        _strategic({"spec": {"template": {"spec": {"nodeSelector": {"c": "d"}}}}}),
        _strategic({"spec": {"template": {"spec": {"nodeSelector": None}}}}),
        _strategic(
            _spec(
                tolerations=[{"key": "a", "operator": "Exists"}], imagePullSecrets=[{"name": "p"}]
            )
        ),
        _strategic(
            _spec(
                tolerations=[{"key": "b", "operator": "Exists"}], imagePullSecrets=[{"name": "q"}]
            )
        ),
        _strategic({"spec": {"$patch": "replace", "replicas": 1}}),
        _strategic({"frob": 1}, fieldValidation="Strict"),
        _strategic([1]),
        _strategic({"spec": {"template": {"spec": {"containers": {"name": "main"}}}}}),
        _strategic({"spec": {"template": {"spec": {"containers": "main"}}}}),
    ],
    "strategic merge of metadata": [
        post(
            CONFIG_MAPS,
            config_map("a", x="1")
            | {"metadata": {"name": "a", "finalizers": ["example.com/a", "example.com/b"]}},
        ),
        _strategic({"metadata": {"finalizers": ["example.com/c"]}}, _CM),
        _strategic({"metadata": {"$deleteFromPrimitiveList/finalizers": ["example.com/b"]}}, _CM),
        _strategic(
            {
                "metadata": {
                    "$setElementOrder/finalizers": [
                        "example.com/d",
                        "example.com/c",
                        "example.com/a",
                    ],
                    "finalizers": ["example.com/d"],
                }
            },
            _CM,
        ),
        _strategic({"metadata": {"$setElementOrder/finalizers": ["example.com/a"]}}, _CM),
        _strategic({"metadata": {"finalizers": None}}, _CM),
        _strategic({"data": {"x": None, "y": "2"}}, _CM),
        _strategic({"$patch": "delete"}, _CM),
        _strategic({"data": {"$patch": "frob"}}, _CM),
        _strategic(
            {
                "metadata": {
                    "ownerReferences": [
                        {"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u1"},
                        {"apiVersion": "v1", "kind": "Pod", "name": "q", "uid": "u2"},
                    ]
                }
            },
            _CM,
        ),
    ],
    "strategic merge of services and pods": [
        post(SERVICES, service("s")),
        _strategic(
            {"spec": {"ports": [{"port": 81, "name": "more"}]}},
            SERVICES + "/s",
        ),
        _strategic({"spec": {"ports": [{"port": 80, "targetPort": 9090}]}}, SERVICES + "/s"),
        _strategic({"spec": {"ports": [{"port": 80, "$patch": "delete"}]}}, SERVICES + "/s"),
        _strategic({"spec": {"selector": {"tier": "x"}}}, SERVICES + "/s"),
        _strategic({"spec": {"selector": None}}, SERVICES + "/s"),
        _strategic(
            {
                "status": {
                    "conditions": [
                        {
                            "type": "Ready",
                            "status": "True",
                            "reason": "R",
                            "message": "",
                            "lastTransitionTime": "2020-01-01T00:00:00Z",
                        }
                    ]
                }
            },
            SERVICES + "/s/status",
        ),
        post(PODS, pod("p")),
        _strategic({"spec": {"containers": [{"name": "main", "image": "y:2"}]}}, PODS + "/p"),
        _strategic({"spec": {"containers": [{"name": "new", "image": "y:2"}]}}, PODS + "/p"),
        _strategic({"spec": {"activeDeadlineSeconds": 60}}, PODS + "/p"),
        _strategic({"spec": {"nodeName": "n"}}, PODS + "/p"),
        _strategic(
            {"status": {"conditions": [{"type": "example.com/gate", "status": "True"}]}},
            PODS + "/p/status",
        ),
        _strategic(
            {"status": {"conditions": [{"type": "Other", "status": "False", "reason": "R"}]}},
            PODS + "/p/status",
        ),
        _strategic(
            {"status": {"podIPs": [{"ip": "192.0.2.1"}], "podIP": "192.0.2.1"}}, PODS + "/p/status"
        ),
        _strategic(
            {"status": {"conditions": [{"type": "Other", "$patch": "delete"}]}}, PODS + "/p/status"
        ),
    ],
    "patches of a custom kind": [
        post(
            CRDS,
            definition(
                "things",
                "Thing",
                _G,
                {
                    "type": "object",
                    "properties": {
                        "spec": {
                            "type": "object",
                            "properties": {
                                "size": {"type": "integer", "default": 1, "maximum": 9},
                                "tags": {"type": "array", "items": {"type": "string"}},
                            },
                        },
                        "status": {"type": "object", "properties": {"n": {"type": "integer"}}},
                    },
                },
                subresources={"status": {}},
            ),
        ),
        wait(CRDS + f"/things.{_G}", "Established"),
        post(_THINGS, custom(_G, "Thing", "t", spec={})),
        patch("merge", _THINGS + "/t", {"spec": {"size": 3}}),
        patch("merge", _THINGS + "/t", {"spec": {"size": None}}),
        patch("merge", _THINGS + "/t", {"spec": {"size": 30}}),
        patch("merge", _THINGS + "/t", {"spec": {"x": 30}}),
        patch("merge", _THINGS + "/t", {"spec": {"x": 30}}, fieldValidation="Strict"),
        patch("merge", _THINGS + "/t", {"status": {"n": 30}}),
        patch("merge", _THINGS + "/t/status", {"status": {"n": 30}}),
        patch("merge", _THINGS + "/t/status", {"status": {"n": "x"}}),
        patch("strategic", _THINGS + "/t", {"spec": {"size": 3}}),
        patch(
            "json",
            _THINGS + "/t",
            [_op("add", "/spec/tags", value=["a"]), _op("add", "/spec/tags/-", value="b")],
        ),
        put(_THINGS + "/t", custom(_G, "Thing", "t", spec={})),
    ],
}
