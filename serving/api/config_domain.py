"""ConfigMap config-domain: under which domain a route is reachable from outside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import yaml

from serving.api import config_fields as fields
from serving.api.names import CLUSTER_DOMAIN, CLUSTER_LOCAL, LABEL_VISIBILITY, SYSTEM_NAMESPACE
from tanebi.api.kind import ConfigKind
from tanebi.api.names import dns1123_subdomain

CLUSTER_LOCAL_DOMAIN: Final = f"svc.{CLUSTER_DOMAIN}"


@dataclass(frozen=True, slots=True)
class Domain:
    """One entry. An empty `selector` matches every route."""

    name: str
    selector: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Domains:
    """All entries, in order of name."""

    entries: tuple[Domain, ...]

    def of(self, labels: Mapping[str, str]) -> str:
        """The domain of a route with these labels: the most specific selector that matches, else the cluster's own."""
        if labels.get(LABEL_VISIBILITY) == CLUSTER_LOCAL:
            return CLUSTER_LOCAL_DOMAIN
        matching = [d for d in self.entries if d.selector.items() <= labels.items()]
        if not matching:
            return CLUSTER_LOCAL_DOMAIN
        return max(matching, key=lambda d: len(d.selector)).name


def parse(data: fields.Data) -> Domains:
    """Raises ValueError naming the domain and what is wrong with its value."""
    return Domains(
        tuple(
            Domain(key, _selector(key, value))
            for key, value in sorted(data.items())
            if not key.startswith("_")
        )
    )


def _selector(key: str, value: str) -> Mapping[str, str]:
    if problems := dns1123_subdomain(key):
        raise ValueError(f"invalid domain {key!r}: {problems[0]}")
    try:
        content = yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise ValueError(f"the selector of domain {key!r} is not YAML: {value!r}") from error
    if content is None:
        return {}
    selector = content.get("selector") if isinstance(content, dict) else None
    if not isinstance(selector, dict) or not all(isinstance(v, str) for v in selector.values()):
        raise ValueError(f"domain {key!r} needs a selector of labels, or nothing: {value!r}")
    return {str(k): str(v) for k, v in selector.items()}


EXAMPLE: Final = """\
# One key for each domain. An empty value: for every route that no more specific entry takes.
# A value with a selector: for routes whose labels match it.
#
#   example.org: |
#     selector:
#       app: shop
#
# Without any entry, routes are reachable from inside only (svc.cluster.local).
"""

CONFIG_DOMAIN: Final = ConfigKind(
    SYSTEM_NAMESPACE, "config-domain", parse, example=EXAMPLE, data={"localhost": ""}
)
