"""ConfigMap config-features."""

from __future__ import annotations

import pytest
import yaml

from serving.api.config_features import CONFIG_FEATURES, FLAG_TEXT, parse


def test_all_is_off_but_two() -> None:
    found = parse({})
    on = sorted(key for key in FLAG_TEXT if found.enabled(key))
    assert on == ["kubernetes.podspec-volumes-emptydir", "multi-container"]
    assert found.secure_pods == "Disabled"


def test_the_example_says_the_defaults_and_names_every_flag() -> None:
    example = yaml.safe_load(CONFIG_FEATURES.example)
    assert parse(example) == parse({})
    assert sorted(example) == sorted([*FLAG_TEXT, "secure-pod-defaults"])


@pytest.mark.parametrize("key", sorted(FLAG_TEXT))
def test_every_flag_has_three_states(key: str) -> None:
    states = [parse({key: text}) for text in ("Enabled", "allowed", "DISABLED")]
    assert [s.enabled(key) for s in states] == [True, False, False]
    assert [s.permitted(key) for s in states] == [True, True, False]
    with pytest.raises(ValueError, match=f"{key}: 'on' is not one of"):
        parse({key: "on"})


def test_secure_pods() -> None:
    assert parse({"secure-pod-defaults": "allowrootbounded"}).secure_pods == "AllowRootBounded"
    with pytest.raises(ValueError, match="secure-pod-defaults: 'Allowed'"):
        parse({"secure-pod-defaults": "Allowed"})
