from __future__ import annotations

from importers.api.ping import PING_SOURCE


def test_the_kind_is_knatives() -> None:
    assert PING_SOURCE.resource == "pingsources.sources.knative.dev"
    assert PING_SOURCE.api_version == "sources.knative.dev/v1"
    assert [c.name for c in PING_SOURCE.columns] == ["Sink", "Schedule", "Age", "Ready", "Reason"]
    assert PING_SOURCE.categories == ("all", "knative", "sources")
    assert PING_SOURCE.labels["duck.knative.dev/source"] == "true"
