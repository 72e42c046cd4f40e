"""Image facts are values."""

from __future__ import annotations

from serving.api.images import Missing, Resolved


def test_equal_facts_are_equal() -> None:
    assert Resolved("a@sha256:1") == Resolved("a@sha256:1")
    assert Missing("x") != Resolved("x")
