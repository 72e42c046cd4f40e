from __future__ import annotations

from importers.api.source_types import Source


def test_the_status_reads_knatives_spelling() -> None:
    status = {
        "sinkUri": "http://a",
        "sinkCACerts": "pem",
        "sinkAudience": "me",
        "ceAttributes": [{"type": "t", "source": "s"}],
        "observedGeneration": 2,
    }
    view = Source.model_validate({"status": status}).status
    assert (view.sink_uri, view.sink_ca_certs, view.sink_audience) == ("http://a", "pem", "me")
    assert [(a.type, a.source) for a in view.ce_attributes] == [("t", "s")]
