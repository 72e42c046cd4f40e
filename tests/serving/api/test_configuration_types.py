"""The view of a Configuration."""

from __future__ import annotations

from serving.api import CONFIGURATION


def test_an_empty_one_reads_as_empty() -> None:
    configuration = CONFIGURATION.view({})
    assert configuration.spec.template.spec.containers == []
    assert configuration.status.latest_created_revision_name == ""
