"""DeliverySpec and DeliveryStatus, the ducks of everything that sends events on (reference/knative-eventing.md §1.1)."""

from __future__ import annotations

from tanebi.api.meta import Destination, KStatus, Model


class DeliverySpec(Model):
    """How hard to try. None means "not said": there is no default at this level.

    Spans are ISO 8601. `retry` counts attempts after the first one.
    """

    dead_letter_sink: Destination | None = None
    retry: int | None = None
    timeout: str | None = None
    backoff_policy: str | None = None
    backoff_delay: str | None = None
    retry_after_max: str | None = None
    format: str | None = None


class DeliveryStatus(KStatus):
    """The part of a status that says where dead letters go; empty when nowhere."""

    dead_letter_sink_uri: str = ""
    dead_letter_sink_ca_certs: str = ""
    dead_letter_sink_audience: str = ""
