"""Names made of names."""

from __future__ import annotations

import pytest

from serving.api import names


@pytest.mark.parametrize(
    ("made", "name"),
    [
        (names.deployment_name("r"), "r-deployment"),
        (names.revision_name("c", 7), "c-00007"),
        (names.revision_name("c", 123456), "c-123456"),
        (names.tag_host("t", "r"), "t-r"),
    ],
)
def test_short_names(made: str, name: str) -> None:
    assert made == name


@pytest.mark.parametrize(
    "made",
    [
        names.deployment_name("r" * 63),
        names.revision_name("c" * 63, 1),
        names.tag_host("t" * 63, "r"),
    ],
)
def test_long_names_fit_into_a_label(made: str) -> None:
    assert len(made) <= 63
