"""Which standby a template asks for."""

from __future__ import annotations

import pytest

from tanebi.api.standby import (
    STANDBY,
    STANDBY_AGE,
    STANDBY_MAX,
    BadStandby,
    Standby,
    parse_standby,
)


@pytest.mark.parametrize(
    ("annotations", "expected"),
    [
        ({}, None),
        ({STANDBY: ""}, None),
        ({STANDBY_MAX: "nonsense"}, None),  # says nothing without the first
        ({STANDBY: "pause"}, Standby(1, 600)),
        ({STANDBY: "pause", STANDBY_MAX: "100", STANDBY_AGE: "24h"}, Standby(100, 86400)),
        ({STANDBY: "pause", STANDBY_AGE: "1m30s"}, Standby(1, 90)),
    ],
)
def test_what_is_asked_for(annotations: dict[str, str], expected: Standby | None) -> None:
    assert parse_standby(annotations) == expected


@pytest.mark.parametrize(
    ("annotations", "named"),
    [
        ({STANDBY: "snapshot"}, STANDBY),
        ({STANDBY: "pause", STANDBY_MAX: "0"}, STANDBY_MAX),
        ({STANDBY: "pause", STANDBY_MAX: "101"}, STANDBY_MAX),
        ({STANDBY: "pause", STANDBY_MAX: "-1"}, STANDBY_MAX),
        ({STANDBY: "pause", STANDBY_AGE: "0s"}, STANDBY_AGE),
        ({STANDBY: "pause", STANDBY_AGE: "soon"}, STANDBY_AGE),
        ({STANDBY: "pause", STANDBY_AGE: "25h"}, STANDBY_AGE),
    ],
)
def test_refusals_name_the_annotation(annotations: dict[str, str], named: str) -> None:
    with pytest.raises(BadStandby, match=f"^{named}=") as refused:
        parse_standby(annotations)
    assert refused.value.key == named
