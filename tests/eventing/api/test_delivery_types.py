from __future__ import annotations

from eventing.api.delivery_types import DeliverySpec, DeliveryStatus


def test_json_names() -> None:
    spec = DeliverySpec.model_validate(
        {"deadLetterSink": {"uri": "http://x/"}, "retry": 0, "backoffDelay": "PT1S"}
    )
    assert spec.dead_letter_sink is not None
    assert (spec.retry, spec.backoff_delay, spec.timeout) == (0, "PT1S", None)
    assert DeliveryStatus.model_validate({"deadLetterSinkUri": "u"}).dead_letter_sink_uri == "u"
