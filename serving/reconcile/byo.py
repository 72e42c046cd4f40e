"""Revision names that the author chose: when may an existing revision stand for a template? Pure."""

from __future__ import annotations

from serving.api.configuration_types import Configuration
from serving.api.names import LABEL_CONFIGURATION_GENERATION
from serving.api.revision_types import Revision
from serving.reconcile.statuses import as_json, is_controlled_by


def name_is_taken(configuration: Configuration, revision: Revision) -> bool:
    """True unless the revision is this configuration's and is of this generation or says the same."""
    if not is_controlled_by(revision, configuration):
        return True
    generation = revision.metadata.labels.get(LABEL_CONFIGURATION_GENERATION)
    if generation == str(configuration.metadata.generation):
        return False
    return as_json(configuration.spec.template.spec) != as_json(revision.spec)
