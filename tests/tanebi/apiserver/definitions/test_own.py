"""Definitions of the server's own kinds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tanebi.api.meta import Key
from tanebi.apiserver.definitions.own import OWN, install
from tanebi.apiserver.definitions.types import CRD
from tests.tanebi.apiserver.calling import WIDGET, Api

pytestmark = pytest.mark.anyio


async def test_they_follow_the_types(api: Api) -> None:
    key, now = Key("", WIDGET.resource), api.clock.wall()
    first = api.store.get(CRD.resource, key)
    assert first is not None
    assert first.obj["metadata"]["annotations"] == {OWN: "true"}
    await install(api.store, [replace(WIDGET, short_names=("w",))], now)
    second = api.store.get(CRD.resource, key)
    assert second is not None
    assert second.obj["metadata"]["generation"] == 2
    assert second.uid == first.uid
    await install(api.store, [], now)
    assert api.store.get(CRD.resource, key) is None
