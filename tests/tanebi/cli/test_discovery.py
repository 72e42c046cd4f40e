from __future__ import annotations

from typing import Any, cast

import pytest

from tanebi.base.errors import UserError
from tanebi.cli.client import Api
from tanebi.cli.discovery import Catalog, ResourceType
from tests.tanebi.cli.driving import Shell


class Classic:
    """A server that knows no aggregated discovery."""

    answers: dict[str, Any] = {  # noqa: RUF012
        "/api": {"kind": "APIVersions", "versions": ["v1"]},
        "/apis": {
            "kind": "APIGroupList",
            "groups": [{"name": "apps", "versions": [{"version": "v1"}]}],
        },
        "/api/v1": {
            "resources": [
                {"name": "pods", "kind": "Pod", "namespaced": True, "shortNames": ["po"]},
                {"name": "pods/log", "kind": "Pod", "namespaced": True},
            ]
        },
        "/apis/apps/v1": {
            "resources": [
                {
                    "name": "deployments",
                    "singularName": "deployment",
                    "kind": "Deployment",
                    "namespaced": True,
                }
            ]
        },
    }

    def get(self, path: str, query: object = None, *, accept: str = "") -> Any:
        return self.answers[path]


def test_classic_discovery() -> None:
    catalog = Catalog.of(cast(Api, Classic()))
    assert [t.qualified for t in catalog.types] == ["pod", "deployment.apps"]
    assert catalog.find("po").path("ns", "x", "log") == "/api/v1/namespaces/ns/pods/x/log"


def test_our_server_answers_in_one_go(shell: Shell) -> None:
    api = shell.api
    catalog = Catalog.of(api)
    assert catalog.find("ksvc").resource == "services.serving.knative.dev"
    assert catalog.find("svc").resource == "services"
    assert catalog.find("services.v1.").resource == "services"
    assert catalog.find("ns").namespaced is False
    assert catalog.find("pingsource").qualified == "pingsource.sources.knative.dev"
    assert {t.kind for t in catalog.category("eventing")} == {"Broker", "Trigger"}
    assert catalog.of_object("v1", "Pod") is catalog.find("pods")
    assert catalog.of_object("v2", "Pod") is None
    api.close()


TYPES = Catalog(
    [
        ResourceType("", "v1", "services", "service", "Service", True, ("svc",)),
        ResourceType(
            "serving.knative.dev", "v1", "services", "service", "Service", True, ("ksvc",), ("all",)
        ),
        ResourceType("example.dev", "v1", "nodes", "node", "Node", False, (), ("all",)),
    ]
)


def test_a_name_in_two_groups_means_knatives() -> None:
    assert TYPES.find("service").group == "serving.knative.dev"
    assert TYPES.find("Services").group == "serving.knative.dev"
    assert TYPES.find("svc").group == ""


def test_several_names_and_categories() -> None:
    assert [t.resource for t in TYPES.several("all,svc,node")] == [
        "services.serving.knative.dev", "nodes.example.dev", "services",
    ]  # fmt: skip


def test_paths() -> None:
    ksvc, node = TYPES.find("ksvc"), TYPES.find("node")
    assert ksvc.path(None) == "/apis/serving.knative.dev/v1/services"
    assert ksvc.path("n", "x") == "/apis/serving.knative.dev/v1/namespaces/n/services/x"
    assert node.path("n", "x") == "/apis/example.dev/v1/nodes/x"


def test_an_unknown_name_lists_the_known() -> None:
    with pytest.raises(UserError, match="resource type 'dragon'") as raised:
        TYPES.find("dragon")
    assert raised.value.hint == "known: nodes, services"
