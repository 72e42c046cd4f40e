"""ConfigMap config-gc."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from serving.api.config_gc import CONFIG_GC, GarbageCollection, parse


def test_knatives_defaults() -> None:
    assert parse({}) == GarbageCollection(48 * 3600.0, 15 * 3600.0, 20, 1000)
    assert parse(yaml.safe_load(CONFIG_GC.example)) == parse({})


def test_bounds_may_be_switched_off() -> None:
    keys = ("retain-since-create-time", "retain-since-last-active-time", "max-non-active-revisions")
    assert parse(dict.fromkeys(keys, "Disabled")) == GarbageCollection(None, None, 20, None)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"retain-since-create-time": "-1h"}, "retain-since-create-time"),
        ({"retain-since-last-active-time": "x"}, "retain-since-last-active-time"),
        ({"min-non-active-revisions": "-1"}, "min-non-active-revisions"),
        ({"max-non-active-revisions": "-1"}, "max-non-active-revisions"),
        ({"max-non-active-revisions": "5"}, r"min-non-active-revisions\(20\) must be <="),
    ],
)
def test_bad_values(data: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        parse(data)
