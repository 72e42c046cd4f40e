"""The views keep what they do not know, and refuse what is of the wrong type."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from serving.api import SERVICE


def test_unknown_members_are_kept() -> None:
    service = SERVICE.view({"spec": {"template": {"spec": {"odd": 1}}, "new": True}})
    assert service.spec.model_extra == {"new": True}
    assert service.spec.template.spec.model_extra == {"odd": 1}


def test_a_wrong_type_is_refused() -> None:
    with pytest.raises(ValidationError):
        SERVICE.view({"spec": {"traffic": [{"percent": "100"}]}})


def test_the_status_is_the_union() -> None:
    service = SERVICE.view({"status": {"latestReadyRevisionName": "r", "url": "http://x"}})
    assert (service.status.latest_ready_revision_name, service.status.url) == ("r", "http://x")
