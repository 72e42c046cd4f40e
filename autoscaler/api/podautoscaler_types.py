"""PodAutoscaler: what to scale, for whom, and how far the scaling is."""

from __future__ import annotations

from typing import Final, Literal

from pydantic import Field

from tanebi.api.meta import KStatus, Model, Resource

GROUP: Final = "autoscaling.internal.knative.dev"
VERSION: Final = "v1alpha1"
REACHABLE: Final = "Reachable"
UNREACHABLE: Final = "Unreachable"
REACHABILITY_UNKNOWN: Final = ""

Phase = Literal["activating", "active", "inactive"]
"""How the condition Active reads: Unknown, True, False."""


class ScaleTargetRef(Model):
    api_version: str = ""
    kind: str = ""
    name: str = ""
    namespace: str = ""
    uid: str = ""


class PodAutoscalerSpec(Model):
    """`reachability`: Reachable, Unreachable, or empty while nobody knows. `protocol_type`: http1 or h2c."""

    container_concurrency: int | None = None
    scale_target_ref: ScaleTargetRef = Field(default_factory=ScaleTargetRef)
    reachability: str = ""
    protocol_type: str = ""

    @property
    def concurrency_limit(self) -> int:
        """Requests at once that one pod takes; 0 means any number."""
        return self.container_concurrency or 0

    @property
    def reachable(self) -> bool:
        """False only when it is known that no route leads here."""
        return self.reachability != UNREACHABLE


class PodAutoscalerStatus(KStatus):
    """`desired_scale` is None until the first decision is known."""

    service_name: str = ""
    metrics_service_name: str = ""
    desired_scale: int | None = None
    actual_scale: int | None = None

    @property
    def phase(self) -> Phase:
        active = self.condition("Active")
        if active is None or active.status == "Unknown":
            return "activating"
        return "active" if active.status == "True" else "inactive"

    @property
    def initialized(self) -> bool:
        """The initial scale was reached once."""
        return self.is_true("ScaleTargetInitialized")


class PodAutoscaler(Resource):
    spec: PodAutoscalerSpec = Field(default_factory=PodAutoscalerSpec)
    status: PodAutoscalerStatus = Field(default_factory=PodAutoscalerStatus)
