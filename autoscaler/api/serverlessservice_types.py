"""ServerlessService: the two Services of a revision, and whether requests pass the activator."""

from __future__ import annotations

from typing import Final

from pydantic import Field

from autoscaler.api.podautoscaler_types import ScaleTargetRef
from tanebi.api.meta import KStatus, Model, Resource

GROUP: Final = "networking.internal.knative.dev"
VERSION: Final = "v1alpha1"
PROXY: Final = "Proxy"
SERVE: Final = "Serve"
LABEL_SKS: Final = f"{GROUP}/serverlessservice"
LABEL_SERVICE_TYPE: Final = f"{GROUP}/serviceType"
PUBLIC: Final = "Public"
PRIVATE: Final = "Private"


class ServerlessServiceSpec(Model):
    mode: str = ""
    object_ref: ScaleTargetRef = Field(default_factory=ScaleTargetRef)
    protocol_type: str = ""
    num_activators: int = 0


class ServerlessServiceStatus(KStatus):
    service_name: str = ""
    private_service_name: str = ""


class ServerlessService(Resource):
    spec: ServerlessServiceSpec = Field(default_factory=ServerlessServiceSpec)
    status: ServerlessServiceStatus = Field(default_factory=ServerlessServiceStatus)
