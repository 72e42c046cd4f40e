from __future__ import annotations

from importers.api.ping_types import PingSource, event_source
from tanebi.api.meta import unknown_fields


def test_the_view_knows_knatives_fields() -> None:
    spec = {
        "schedule": "* * * * *",
        "timezone": "UTC",
        "contentType": "text/plain",
        "data": "a",
        "dataBase64": "",
        "sink": {"uri": "http://a", "CACerts": "", "audience": ""},
        "ceOverrides": {"extensions": {"a": "b"}},
    }
    view = PingSource.model_validate({"spec": spec})
    assert unknown_fields(view) == []
    assert view.spec.ce_overrides.extensions == {"a": "b"}


def test_the_source_attribute_is_knatives() -> None:
    assert event_source("ns", "p") == "/apis/v1/namespaces/ns/pingsources/p"
