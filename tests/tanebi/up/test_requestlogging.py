from __future__ import annotations

from serving.api.config_observability import CONFIG_OBSERVABILITY
from serving.api.request_template import DEFAULT
from tanebi.testing.world import StandingConfigs
from tanebi.up.requestlogging import apply_request_log


class Plane:
    def __init__(self) -> None:
        self.request_log = ("", False)
        self.told: list[tuple[str, bool]] = []

    def log_requests(self, template: str, *, probes: bool) -> None:
        self.request_log = template, probes
        self.told.append((template, probes))


def test_changes_are_told_once() -> None:
    configs, plane = StandingConfigs(), Plane()
    apply_request_log(configs, plane)
    assert plane.told == []
    wanted = {"logging.enable-request-log": "true", "logging.enable-probe-request-log": "true"}
    for data in (wanted, wanted, {**wanted, "logging.request-log-template": "x"}, {}):
        configs.set(CONFIG_OBSERVABILITY, **data)
        apply_request_log(configs, plane)
    assert plane.told == [(DEFAULT, True), ("x", True), ("", False)]
