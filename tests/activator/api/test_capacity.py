"""The protocols are what the activator's own classes offer."""

from __future__ import annotations

import inspect

from activator.api.capacity import Capacity, Slot
from activator.capacity import GatewayCapacity, HeldSlot


def test_the_gateways_classes_fit() -> None:
    capacity: type[Capacity] = GatewayCapacity
    slot: type[Slot] = HeldSlot
    assert inspect.signature(capacity.acquire).parameters.keys() == (
        inspect.signature(Capacity.acquire).parameters.keys()
    )
    assert {"address", "revision", "release"} <= set(dir(slot))
