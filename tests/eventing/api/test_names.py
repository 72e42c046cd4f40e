from __future__ import annotations

from eventing.api.names import broker_url


def test_the_address_is_knatives() -> None:
    assert broker_url("ns", "default") == (
        "http://broker-ingress.knative-eventing.svc.cluster.local/ns/default"
    )
