"""Revision: one immutable snapshot of code and configuration."""

from __future__ import annotations

from pydantic import Field

from tanebi.api.core.pod import Container, PodSpec
from tanebi.api.meta import KStatus, Model, ObjectMeta, Resource


class RevisionSpec(PodSpec):
    """A pod's spec plus what the data plane needs. Times are seconds; None of 0 means no timer."""

    container_concurrency: int | None = None
    timeout_seconds: int | None = None
    response_start_timeout_seconds: int | None = None
    idle_timeout_seconds: int | None = None

    @property
    def serving_container(self) -> Container | None:
        """The container that takes requests: the only one, or the one that declares ports."""
        if len(self.containers) == 1:
            return self.containers[0]
        return next((c for c in self.containers if c.ports), None)


class RevisionTemplate(Model):
    metadata: ObjectMeta = Field(default_factory=ObjectMeta)
    spec: RevisionSpec = Field(default_factory=RevisionSpec)


class ContainerDigest(Model):
    name: str = ""
    image_digest: str = ""


class RevisionStatus(KStatus):
    log_url: str = ""
    container_statuses: list[ContainerDigest] = Field(default_factory=list)
    init_container_statuses: list[ContainerDigest] = Field(default_factory=list)
    actual_replicas: int | None = None
    desired_replicas: int | None = None


class Revision(Resource):
    spec: RevisionSpec = Field(default_factory=RevisionSpec)
    status: RevisionStatus = Field(default_factory=RevisionStatus)
