from __future__ import annotations

import pytest

from eventing.api.broker_types import Broker
from eventing.api.names import BROKER_CLASS


@pytest.mark.parametrize(
    ("cls", "ours"), [("MTChannelBasedBroker", True), ("Kafka", False), ("", False)]
)
def test_whose_it_is(cls: str, ours: bool) -> None:
    broker = Broker.model_validate({"metadata": {"annotations": {BROKER_CLASS: cls}}})
    assert (broker.broker_class, broker.ours) == (cls, ours)


def test_status() -> None:
    broker = Broker.model_validate({"status": {"address": {"url": "http://x/", "CACerts": "c"}}})
    assert broker.status.address is not None
    assert (broker.status.address.url, broker.status.address.ca_certs) == ("http://x/", "c")
