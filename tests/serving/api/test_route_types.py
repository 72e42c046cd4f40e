"""The view of a Route."""

from __future__ import annotations

from serving.api import ROUTE


def test_traffic_and_address() -> None:
    route = ROUTE.view(
        {
            "spec": {"traffic": [{"configurationName": "c", "percent": 3, "latestRevision": True}]},
            "status": {"address": {"url": "http://a", "CACerts": "pem"}},
        }
    )
    (target,) = route.spec.traffic
    assert (target.configuration_name, target.percent, target.latest_revision) == ("c", 3, True)
    assert route.status.address is not None
    assert route.status.address.ca_certs == "pem"
