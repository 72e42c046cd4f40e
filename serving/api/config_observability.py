"""ConfigMap config-observability: where logs of a revision are shown, and what Knative's own parts would report.

The platform's metrics are always at its own door; of this map the log URL, the request log and the checks of values take effect.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from serving.api import config_fields as fields
from serving.api.names import SYSTEM_NAMESPACE
from serving.api.request_template import DEFAULT, Template
from tanebi.api.kind import ConfigKind

_ENABLE: Final = "logging.enable-request-log"
_TEMPLATE: Final = "logging.request-log-template"
_REVISION_UID: Final = "${REVISION_UID}"
_METRICS: Final = ("none", "prometheus", "grpc", "http/protobuf")
_TRACING: Final = ("none", "grpc", "http/protobuf", "stdout")
_PROFILING: Final = ("disabled", "enabled")


@dataclass(frozen=True, slots=True)
class Observability:
    """`sampling_rate`: the share of requests that are traced."""

    log_url_template: str
    request_log: bool
    probe_request_log: bool
    request_log_template: str
    metrics_protocol: str
    request_metrics_protocol: str
    tracing_protocol: str
    sampling_rate: float
    profiling: bool

    def log_url(self, revision_uid: str) -> str:
        """Where the output of a revision is shown; empty when nobody says."""
        return self.log_url_template.replace(_REVISION_UID, revision_uid)


def parse(data: fields.Data) -> Observability:
    """Raises ValueError naming the key and the value that cannot stand."""
    request_log = fields.boolean(data, _ENABLE, False)
    return Observability(
        log_url_template=data.get("logging.revision-url-template", ""),
        request_log=request_log,
        probe_request_log=fields.boolean(data, "logging.enable-probe-request-log", False),
        request_log_template=_template(data, wanted=request_log),
        metrics_protocol=_one_of(data, "metrics-protocol", _METRICS),
        request_metrics_protocol=_one_of(data, "request-metrics-protocol", _METRICS),
        tracing_protocol=_one_of(data, "tracing-protocol", _TRACING),
        sampling_rate=fields.read(data, "tracing-sampling-rate", 0.0, _share),
        profiling=_one_of(data, "runtime-profiling", _PROFILING) == "enabled",
    )


def _one_of(data: fields.Data, key: str, allowed: tuple[str, ...]) -> str:
    value = data.get(key) or allowed[0]
    if value.lower() not in allowed:
        raise ValueError(f"{key}: {value!r} is not one of {', '.join(allowed)}")
    return value.lower()


def _template(data: fields.Data, *, wanted: bool) -> str:
    """Checked also while it is not wanted, as by Knative. The texts are Knative's where it has one."""
    text = data.get(_TEMPLATE, DEFAULT)
    if not text and wanted:
        raise ValueError(f'"{_ENABLE}" was set to true, but no "{_TEMPLATE}" was specified')
    try:
        Template(text)
    except ValueError as error:
        raise ValueError(f"{_TEMPLATE}: {error}") from error
    return text


def _share(text: str) -> float:
    share = float(text)
    if not 0 <= share <= 1:
        raise ValueError("must be between 0 and 1")
    return share


EXAMPLE: Final = """\
# Where the output of a revision is shown: the logUrl in its status. ${REVISION_UID} stands for its uid; empty: no URL.
logging.revision-url-template: ""

# Whether each request of a revision is logged, by a line of this Go template, and whether requests of probes are too. Read them
# by `kubectl logs POD -c queue-proxy` or `tanebi logs SERVICE -c queue-proxy`.
logging.enable-request-log: "false"
logging.enable-probe-request-log: "false"
logging.request-log-template: '@TEMPLATE@'

# How metrics of the control plane and of requests leave: none, prometheus, grpc or http/protobuf. Without effect: the platform's
# own metrics are always served at its API's address, for Prometheus.
metrics-protocol: "none"
request-metrics-protocol: "none"

# How traces leave: none, grpc, http/protobuf or stdout; and the share of requests that begin one. Without effect: a request's
# traceparent is passed on, or made, and no span is kept.
tracing-protocol: "none"
tracing-sampling-rate: "0"

# Whether the parts serve profiles: disabled or enabled. Without effect.
runtime-profiling: "disabled"
""".replace("@TEMPLATE@", DEFAULT)

CONFIG_OBSERVABILITY: Final = ConfigKind(
    SYSTEM_NAMESPACE, "config-observability", parse, example=EXAMPLE
)
"""Read by the revision reconciler (logUrl) and tanebi.up.requestlogging."""
