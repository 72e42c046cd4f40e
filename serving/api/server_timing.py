"""`tanebi.dev/server-timing`: whether the answers of a revision tell everybody where their time went. Pure.

Callers: serving.api.metadata_validation, activator.facts.
"""

from __future__ import annotations

from typing import Final

SERVER_TIMING: Final = "tanebi.dev/server-timing"


def parse_server_timing(text: str) -> bool:
    """Raises ValueError for what is neither `true` nor `false`; nothing means false."""
    if text not in ("", "true", "false"):
        raise ValueError(f"{SERVER_TIMING}={text} must be true or false")
    return text == "true"
