"""What a sink must be, for every source kind."""

from __future__ import annotations

from tanebi.api.addressable import validate_destination
from tanebi.api.fielderrors import FieldError, via
from tanebi.api.meta import Destination


def validate_sink(sink: Destination) -> list[FieldError]:
    return via("sink", validate_destination(sink))
