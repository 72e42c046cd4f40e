"""The declarations of the serving kinds (names and columns: reference/knative-serving.md §1.1)."""

from __future__ import annotations

from typing import Final

from serving.api.caching import IMAGE
from serving.api.certificate import CERTIFICATE
from serving.api.configuration_defaults import set_configuration_defaults
from serving.api.configuration_types import Configuration
from serving.api.configuration_validation import validate_configuration
from serving.api.domainclaim import DOMAIN_CLAIM
from serving.api.domainmapping_defaults import set_domainmapping_defaults
from serving.api.domainmapping_types import DomainMapping
from serving.api.domainmapping_validation import validate_domainmapping
from serving.api.names import GROUP, LABEL_CONFIGURATION, LABEL_CONFIGURATION_GENERATION, VERSION
from serving.api.names import VALIDATION_WEBHOOK as WEBHOOK
from serving.api.revision_defaults import set_revision_defaults
from serving.api.revision_types import Revision
from serving.api.revision_validation import validate_revision
from serving.api.route_defaults import set_route_defaults
from serving.api.route_types import Route
from serving.api.route_validation import validate_route
from serving.api.service_defaults import set_service_defaults
from serving.api.service_types import Service
from serving.api.service_validation import validate_service
from tanebi.api.kind import AnyKind, Column, Kind

_CATEGORIES: Final = ("all", "knative", "serving")
_READY: Final = Column("Ready", ".status.conditions[?(@.type=='Ready')].status")
_REASON: Final = Column("Reason", ".status.conditions[?(@.type=='Ready')].reason")
_URL: Final = Column("URL", ".status.url")
_LATEST_CREATED: Final = Column("LatestCreated", ".status.latestCreatedRevisionName")
_LATEST_READY: Final = Column("LatestReady", ".status.latestReadyRevisionName")


# What `kubectl` plug-ins, sources and triggers discover kinds by: duck types that an object of the kind can stand for.
_INSTALLED: Final = {"knative.dev/crd-install": "true"}
_ADDRESSABLE: Final = {"duck.knative.dev/addressable": "true"}
_PODSPECABLE: Final = {"duck.knative.dev/podspecable": "true"}


def _label_path(label: str) -> str:
    return ".metadata.labels['{}']".format(label.replace(".", "\\."))


SERVICE: Final = Kind(
    GROUP,
    VERSION,
    "Service",
    "services",
    Service,
    short_names=("kservice", "ksvc"),
    categories=_CATEGORIES,
    columns=(_URL, _LATEST_CREATED, _LATEST_READY, _READY, _REASON),
    labels=_INSTALLED | _ADDRESSABLE | _PODSPECABLE,
    webhook=WEBHOOK,
    defaults=set_service_defaults,
    validate=validate_service,
)
CONFIGURATION: Final = Kind(
    GROUP,
    VERSION,
    "Configuration",
    "configurations",
    Configuration,
    short_names=("config", "cfg"),
    categories=_CATEGORIES,
    columns=(_LATEST_CREATED, _LATEST_READY, _READY, _REASON),
    labels=_INSTALLED | _PODSPECABLE,
    webhook=WEBHOOK,
    defaults=set_configuration_defaults,
    validate=validate_configuration,
)
REVISION: Final = Kind(
    GROUP,
    VERSION,
    "Revision",
    "revisions",
    Revision,
    short_names=("rev",),
    categories=_CATEGORIES,
    columns=(
        Column("Config Name", _label_path(LABEL_CONFIGURATION)),
        Column("Generation", _label_path(LABEL_CONFIGURATION_GENERATION)),
        _READY,
        _REASON,
        Column("Actual Replicas", ".status.actualReplicas", type="integer"),
        Column("Desired Replicas", ".status.desiredReplicas", type="integer"),
    ),
    labels=_INSTALLED,
    webhook=WEBHOOK,
    defaults=set_revision_defaults,
    validate=validate_revision,
)
ROUTE: Final = Kind(
    GROUP,
    VERSION,
    "Route",
    "routes",
    Route,
    short_names=("rt",),
    categories=_CATEGORIES,
    columns=(_URL, _READY, _REASON),
    labels=_INSTALLED | _ADDRESSABLE,
    webhook=WEBHOOK,
    defaults=set_route_defaults,
    validate=validate_route,
)

DOMAIN_MAPPING: Final = Kind(
    GROUP,
    "v1beta1",
    "DomainMapping",
    "domainmappings",
    DomainMapping,
    short_names=("dm",),
    categories=_CATEGORIES,
    columns=(_URL, _READY, _REASON),
    labels=_INSTALLED | _ADDRESSABLE,
    webhook=WEBHOOK,
    defaults=set_domainmapping_defaults,
    validate=validate_domainmapping,
)

KINDS: Final[tuple[AnyKind, ...]] = (
    SERVICE,
    CONFIGURATION,
    REVISION,
    ROUTE,
    DOMAIN_MAPPING,
    DOMAIN_CLAIM,
    CERTIFICATE,
    IMAGE,
)
