from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tanebi.api.core.kinds import CONFIG_MAP
from tanebi.api.kind import ConfigKind
from tanebi.api.meta import Key
from tanebi.kube.cache import Cache
from tanebi.kube.configs import ConfigTable, LiveConfigs
from tanebi.testing.control import NS, control_plane
from tanebi.testing.waiting import wait_until


def parse(data: Mapping[str, str]) -> int:
    text = data.get("size", "1")
    if not text.isdigit():
        raise ValueError(f"size: {text!r} is no number")
    return int(text) + len(data) - ("size" in data)  # every other key shows


SIZE = ConfigKind(NS, "sizes", parse, data={"size": "5"})
OTHER = ConfigKind(NS, "other", parse)
KEY = Key(NS, "sizes")


def test_a_map_that_is_not_there_means_what_is_installed() -> None:
    table = ConfigTable([SIZE])
    assert table.get(SIZE) == 5
    assert table.offer(KEY, {"size": "7"})
    assert table.get(SIZE) == 7
    assert table.offer(KEY, None)
    assert table.get(SIZE) == 5


def test_a_map_without_a_key_means_the_default() -> None:
    table = ConfigTable([SIZE])
    assert table.offer(KEY, {})
    assert table.get(SIZE) == 1


def test_the_same_value_is_no_change() -> None:
    assert not ConfigTable([SIZE]).offer(KEY, {"size": "5"})


def test_a_bad_value_is_named_and_changes_nothing() -> None:
    table = ConfigTable([SIZE])
    with pytest.raises(ValueError, match="size: 'x' is no number"):
        table.offer(KEY, {"size": "x"})
    assert table.get(SIZE) == 5


def test_the_example_is_no_setting() -> None:
    table = ConfigTable([SIZE])
    assert not table.offer(KEY, {"size": "5", "_example": "size: 9"})


def test_what_was_not_declared() -> None:
    table = ConfigTable([SIZE])
    assert not table.declares(Key(NS, "other"))
    assert not table.offer(Key(NS, "other"), {"size": "x"})
    with pytest.raises(LookupError, match="ConfigMap default/other is not declared"):
        table.get(OTHER)


@pytest.mark.anyio
async def test_it_follows_the_config_maps(tmp_path: Path) -> None:
    changes = []

    def config_map(name: str, size: str) -> dict[str, object]:
        meta = {"name": name, "namespace": NS}
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"size": size}}

    async with control_plane(tmp_path) as control:
        cache = Cache(control.kube, control.clock)
        live = LiveConfigs(cache, [SIZE])
        live.on_change(lambda: changes.append(live.get(SIZE)))
        await control.tasks.start(cache.run)
        await cache.wait_synced()
        await control.kube.create(CONFIG_MAP, config_map("sizes", "7"))
        await wait_until(lambda: changes == [7])
        await control.kube.create(CONFIG_MAP, config_map("unrelated", "x"))
        await control.kube.patch(CONFIG_MAP, NS, "sizes", {"data": {"size": "bad"}})
        await control.kube.patch(CONFIG_MAP, NS, "sizes", {"data": {"size": "8"}})
        await wait_until(lambda: changes == [7, 8])
        await control.kube.delete(CONFIG_MAP, NS, "sizes")
        await wait_until(lambda: changes == [7, 8, 5])
