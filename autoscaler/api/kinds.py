"""The declarations of PodAutoscaler, Metric and ServerlessService (names and columns: reference/knative-serving.md §1.1)."""

from __future__ import annotations

from typing import Final

from autoscaler.api import podautoscaler_types, serverlessservice_types
from autoscaler.api.metric import METRIC
from autoscaler.api.podautoscaler_defaults import default_podautoscaler
from autoscaler.api.podautoscaler_validation import validate_podautoscaler
from autoscaler.api.serverlessservice_validation import validate_serverlessservice
from tanebi.api.kind import AnyKind, Column, Kind

_WEBHOOK: Final = "validation.webhook.serving.knative.dev"
_READY: Final = Column("Ready", ".status.conditions[?(@.type=='Ready')].status")
_REASON: Final = Column("Reason", ".status.conditions[?(@.type=='Ready')].reason")

POD_AUTOSCALER: Final = Kind(
    podautoscaler_types.GROUP,
    podautoscaler_types.VERSION,
    "PodAutoscaler",
    "podautoscalers",
    podautoscaler_types.PodAutoscaler,
    short_names=("kpa", "pa"),
    categories=("knative-internal", "autoscaling"),
    columns=(
        Column("DesiredScale", ".status.desiredScale", type="integer"),
        Column("ActualScale", ".status.actualScale", type="integer"),
        _READY,
        _REASON,
    ),
    webhook=_WEBHOOK,
    defaults=default_podautoscaler,
    validate=validate_podautoscaler,
)
SERVERLESS_SERVICE: Final = Kind(
    serverlessservice_types.GROUP,
    serverlessservice_types.VERSION,
    "ServerlessService",
    "serverlessservices",
    serverlessservice_types.ServerlessService,
    short_names=("sks",),
    categories=("knative-internal", "networking"),
    columns=(
        Column("Mode", ".spec.mode"),
        Column("Activators", ".spec.numActivators", type="integer"),
        Column("ServiceName", ".status.serviceName"),
        Column("PrivateServiceName", ".status.privateServiceName"),
        _READY,
        _REASON,
    ),
    webhook=_WEBHOOK,
    validate=validate_serverlessservice,
)

KINDS: Final[tuple[AnyKind, ...]] = (POD_AUTOSCALER, METRIC, SERVERLESS_SERVICE)
