"""The annotation for upgraded connections: exempt, a duration, or nothing."""

from __future__ import annotations

import pytest

from serving.api.metadata_validation import validate_template_annotations
from serving.api.upgrade_timeout import UPGRADE_TIMEOUT, parse_upgrade_timeout
from tanebi.api.fielderrors import render


@pytest.mark.parametrize(
    ("text", "seconds"), [("", None), ("exempt", 0.0), ("2h", 7200.0), ("1m30s", 90.0)]
)
def test_what_it_means(text: str, seconds: float | None) -> None:
    assert parse_upgrade_timeout(text) == seconds
    assert validate_template_annotations({UPGRADE_TIMEOUT: text}) == []


@pytest.mark.parametrize("text", ["0", "0s", "-1s", "30", "Exempt", "never", "1s "])
def test_what_is_neither_is_refused_at_admission(text: str) -> None:
    with pytest.raises(ValueError, match=r"duration|positive"):
        parse_upgrade_timeout(text)
    (error,) = validate_template_annotations({UPGRADE_TIMEOUT: text})
    assert render([error]) == (
        f"invalid value: {text}: {UPGRADE_TIMEOUT}\neither exempt or a positive duration"
    )
