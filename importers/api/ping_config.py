"""ConfigMap config-ping-defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tanebi.api.kind import ConfigKind

DATA_MAX_SIZE: Final = "data-max-size"

EXAMPLE: Final = """\
# The most bytes that spec.data or spec.dataBase64 of a PingSource may have; -1 means no limit.
data-max-size: "-1"
"""


@dataclass(frozen=True, slots=True)
class PingDefaults:
    """`data_max_bytes=-1`: no limit."""

    data_max_bytes: int = -1


def parse(data: Mapping[str, str]) -> PingDefaults:
    """Raises ValueError naming key and value."""
    text = data.get(DATA_MAX_SIZE)
    if text is None:
        return PingDefaults()
    try:
        return PingDefaults(data_max_bytes=int(text))
    except ValueError as error:
        raise ValueError(f"{DATA_MAX_SIZE}: {text!r} is not a whole number") from error


PING_DEFAULTS: Final[ConfigKind[PingDefaults]] = ConfigKind(
    namespace="knative-eventing", name="config-ping-defaults", parse=parse, example=EXAMPLE
)
