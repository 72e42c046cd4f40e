from __future__ import annotations

from importers.api.source_validation import validate_sink
from tanebi.api.fielderrors import render
from tanebi.api.meta import Destination


def test_errors_stand_below_sink() -> None:
    assert render(validate_sink(Destination())) == (
        "expected at least one, got none: sink.ref, sink.uri"
    )
    assert validate_sink(Destination(uri="http://a.example/")) == []
    assert "sink.uri" in render(validate_sink(Destination(uri="/relative")))
