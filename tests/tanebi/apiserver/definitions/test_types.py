"""The kind of definitions reads what definitions say."""

from __future__ import annotations

from tanebi.api.meta import unknown_fields
from tanebi.apiserver.definitions.types import CRD
from tests.tanebi.apiserver.definitions.crontabs import crontabs


def test_all_that_a_definition_says_is_known() -> None:
    view = CRD.view(crontabs(conversion={"strategy": "None"}))
    assert unknown_fields(view) == []
    version = view.spec.versions[0]
    assert version.schema_ is not None
    assert version.schema_.open_api_v3_schema["type"] == "object"
    assert version.selectable_fields[0].json_path == ".spec.image"
