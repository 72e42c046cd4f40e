"""Who made an object and who changed it."""

from __future__ import annotations

from typing import Any

from serving.api.names import CREATOR, LAST_MODIFIER
from serving.api.user_info import set_user_info, validate_user_info
from tanebi.api.fielderrors import render


def test_a_forged_maker_is_overwritten_at_creation(admission: Any) -> None:
    obj = {"metadata": {"annotations": {CREATOR: "forged"}}, "spec": {}}
    set_user_info(obj, None, admission(user="me"))
    assert obj["metadata"]["annotations"] == {CREATOR: "me", LAST_MODIFIER: "me"}


def test_nobody_is_not_written(admission: Any) -> None:
    obj: dict[str, Any] = {}
    set_user_info(obj, None, admission(user=""))
    assert obj == {}


def test_rules() -> None:
    before = {CREATOR: "a", LAST_MODIFIER: "a"}
    assert validate_user_info(1, 2, before=before, after={CREATOR: "a", LAST_MODIFIER: "b"}) == []
    found = validate_user_info(1, 1, before=before, after={})
    assert render(found) == (
        f"annotation value is immutable: {CREATOR}\ninvalid value: : {LAST_MODIFIER}"
    )
