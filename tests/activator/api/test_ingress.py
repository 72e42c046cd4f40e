"""The Ingress kind reads what Knative's route reconciler writes."""

from __future__ import annotations

from activator.api import CONFIGS, KINDS
from activator.api.ingress import INGRESS, Ingress
from tanebi.api.meta import unknown_fields

WRITTEN_BY_A_ROUTE = {
    "apiVersion": "networking.internal.knative.dev/v1alpha1",
    "kind": "Ingress",
    "metadata": {"name": "hello", "namespace": "default", "generation": 2},
    "spec": {
        "httpOption": "Enabled",
        "rules": [
            {
                "hosts": ["hello.default.localhost"],
                "visibility": "ExternalIP",
                "http": {
                    "paths": [
                        {
                            "splits": [
                                {
                                    "serviceName": "hello-00001",
                                    "serviceNamespace": "default",
                                    "servicePort": 80,
                                    "percent": 100,
                                    "appendHeaders": {"Knative-Serving-Revision": "hello-00001"},
                                }
                            ],
                            "headers": {"Knative-Serving-Tag": {"exact": "blue"}},
                            "rewriteHost": "",
                            "appendHeaders": {},
                        }
                    ]
                },
            }
        ],
    },
    "status": {"publicLoadBalancer": {"ingress": [{"domainInternal": "gateway"}]}},
}


def test_the_view_knows_every_field() -> None:
    view = INGRESS.view(WRITTEN_BY_A_ROUTE)
    assert isinstance(view, Ingress)
    assert unknown_fields(view) == []
    split = view.spec.rules[0].http.paths[0].splits[0]
    assert (split.service_name, split.percent, split.service_port) == ("hello-00001", 100, 80)


def test_names_and_columns_are_knatives() -> None:
    assert INGRESS.resource == "ingresses.networking.internal.knative.dev"
    assert INGRESS.short_names == ("kingress", "king")
    assert [column.name for column in INGRESS.columns] == ["Ready", "Reason"]


def test_the_package_exports_its_kinds() -> None:
    assert KINDS == (INGRESS,)
    assert CONFIGS == ()
