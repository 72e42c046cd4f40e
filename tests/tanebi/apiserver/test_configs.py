"""Settings out of ConfigMaps."""

from __future__ import annotations

import pytest

from tanebi.api.meta import Key
from tanebi.apiserver.configs import StoreConfigs, checksum, settings_of
from tests.tanebi.apiserver.calling import SHOP, Api

pytestmark = pytest.mark.anyio

KEY = Key("knative-serving", "config-shop")


def test_the_checksum_is_knatives() -> None:
    assert checksum("") == "00000000"
    assert checksum("\n a \n") == checksum("a") == "e8b7be43"


def test_the_example_is_no_setting() -> None:
    assert settings_of({"_example": "x", "a": "b"}) == {"a": "b"}


async def test_defaults_then_what_is_stored_then_the_last_good(api: Api) -> None:
    configs = StoreConfigs(api.store, (SHOP,))
    assert configs.get(SHOP) == "red"
    entry = api.store.get("configmaps", KEY)
    assert entry is not None
    blue = {**entry.obj, "metadata": dict(entry.obj["metadata"]), "data": {"colour": "blue"}}
    entry = await api.store.put("configmaps", KEY, blue, over=entry)
    assert configs.get(SHOP) == "blue"
    bad = {**blue, "metadata": dict(blue["metadata"]), "data": {"colour": "none"}}
    entry = await api.store.put("configmaps", KEY, bad, over=entry)
    assert configs.get(SHOP) == "blue"
    assert configs.refusal(bad) == "failed to parse 'colour': 'none' is no colour"
    assert configs.refusal({"metadata": {"name": "other", "namespace": "x"}}) == ""
    await api.store.remove("configmaps", KEY, over=entry)
    assert configs.get(SHOP) == "red"
