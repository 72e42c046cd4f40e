from __future__ import annotations

import pytest
from pydantic import ValidationError

from autoscaler.api import CONFIG_AUTOSCALER
from tanebi.api.core.kinds import CONFIG_MAP, POD
from tanebi.api.meta import Obj
from tanebi.api.selectors import parse
from tanebi.testing.world import StandingConfigs, World


def pod(name: str, **labels: str) -> Obj:
    return {"metadata": {"namespace": "n", "name": name, "labels": labels}}


def test_objects_are_seen_as_put() -> None:
    world = World()
    world.put(POD, pod("b", app="x"))
    world.put(POD, pod("a", app="y"))
    assert [p.metadata.name for p in world.list(POD, "n")] == ["a", "b"]
    assert [p.metadata.name for p in world.list(POD, None, parse("app=x"))] == ["b"]
    assert world.list(POD, "other") == []
    assert world.get(POD, "n", "a") is world.get(POD, "n", "a")
    raw = world.raw(POD, "n", "a")
    assert raw is not None
    assert raw["kind"] == "Pod"
    assert world.get(POD, "n", "none") is None


def test_subscribers_hear_of_everything() -> None:
    world, heard = World(), []
    world.put(POD, pod("a"))
    world.subscribe(POD, lambda old, new: heard.append((old is None, new is None)))
    world.put(POD, pod("a", app="x"))
    world.put(CONFIG_MAP, {"metadata": {"name": "c"}})
    world.drop(POD, "n", "a")
    assert heard == [(True, False), (False, False), (False, True)]


def test_an_object_must_fit_its_type() -> None:
    with pytest.raises(ValidationError):
        World().put(POD, {"metadata": {"name": 3}})


def test_settings_stand_at_their_defaults() -> None:
    configs = StandingConfigs()
    assert configs.get(CONFIG_AUTOSCALER).stable_window_s == 60
    assert configs.set(CONFIG_AUTOSCALER, stable_window="8s") is configs
    assert configs.get(CONFIG_AUTOSCALER).stable_window_s == 8
    assert configs.get(CONFIG_AUTOSCALER) is configs.get(CONFIG_AUTOSCALER)
