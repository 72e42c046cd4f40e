from __future__ import annotations

import pytest
import yaml

from importers.api.ping_config import PING_DEFAULTS, PingDefaults


def test_the_example_is_the_defaults() -> None:
    assert PING_DEFAULTS.parse(yaml.safe_load(PING_DEFAULTS.example)) == PingDefaults()


def test_a_limit() -> None:
    assert PING_DEFAULTS.parse({"data-max-size": "4096"}) == PingDefaults(data_max_bytes=4096)


def test_a_bad_value_is_named() -> None:
    with pytest.raises(ValueError, match="data-max-size: 'big'"):
        PING_DEFAULTS.parse({"data-max-size": "big"})
