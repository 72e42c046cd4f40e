"""Configuration: the template that revisions are made from."""

from __future__ import annotations

from pydantic import Field

from serving.api.revision_types import RevisionTemplate
from tanebi.api.meta import KStatus, Model, Resource


class ConfigurationSpec(Model):
    template: RevisionTemplate = Field(default_factory=RevisionTemplate)


class ConfigurationStatus(KStatus):
    latest_ready_revision_name: str = ""
    latest_created_revision_name: str = ""


class Configuration(Resource):
    spec: ConfigurationSpec = Field(default_factory=ConfigurationSpec)
    status: ConfigurationStatus = Field(default_factory=ConfigurationStatus)
