"""ConfigMaps config-logging and config-leader-election."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from serving.api.config_operations import (
    CONFIG_LEADER_ELECTION,
    CONFIG_LOGGING,
    parse_leader_election,
    parse_logging,
)


def test_defaults() -> None:
    found = parse_leader_election({})
    assert (found.lease_s, found.renew_deadline_s, found.retry_s, found.buckets) == (60, 40, 10, 1)
    assert parse_leader_election(yaml.safe_load(CONFIG_LEADER_ELECTION.example)) == found
    assert parse_logging({}).levels == {}
    assert yaml.safe_load(CONFIG_LOGGING.example) is None


def test_levels_of_parts() -> None:
    found = parse_logging({"loglevel.activator": "debug", "zap-logger-config": '{"level": "info"}'})
    assert found.levels == {"activator": "debug"}


@pytest.mark.parametrize(
    ("parse", "data", "text"),
    [
        (parse_logging, {"loglevel.controller": "loud"}, "loglevel.controller: unrecognized level"),
        (parse_logging, {"zap-logger-config": "{"}, "zap-logger-config is not JSON"),
        (parse_leader_election, {"buckets": "11"}, r"buckets = 11 is outside \[1, 10\]"),
        (parse_leader_election, {"lease-duration": "long"}, "lease-duration"),
    ],
)
def test_bad_values(parse: Any, data: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        parse(data)
