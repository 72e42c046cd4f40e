"""The request log as config-observability wants it, told to whoever serves requests. Caller: tanebi.up.platform."""

from __future__ import annotations

from typing import Protocol

from serving.api.config_observability import CONFIG_OBSERVABILITY
from tanebi.api.kind import Configs


class Plane(Protocol):
    """What of tanebi.up.plane.PlanePart is needed here."""

    request_log: tuple[str, bool]

    def log_requests(self, template: str, *, probes: bool) -> None: ...


def apply_request_log(configs: Configs, plane: Plane) -> None:
    """Call it after every change of a setting: what is in force already is not told again."""
    wanted = configs.get(CONFIG_OBSERVABILITY)
    template = wanted.request_log_template if wanted.request_log else ""
    if plane.request_log != (template, wanted.probe_request_log):
        plane.log_requests(template, probes=wanted.probe_request_log)
