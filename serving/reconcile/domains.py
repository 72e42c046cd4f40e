"""The hosts of a route: from the templates of config-network and the domains of config-domain. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from serving.api.config_domain import CLUSTER_LOCAL_DOMAIN, CONFIG_DOMAIN, Domains
from serving.api.config_network import CONFIG_NETWORK, Network
from serving.api.names import (
    CLUSTER_LOCAL,
    HTTP_PROTOCOL,
    HTTP_PROTOCOL_OLD,
    LABEL_VISIBILITY,
    tag_host,
)
from serving.api.route_types import Route
from tanebi.api.core.kinds import SERVICE
from tanebi.api.kind import Configs
from tanebi.kube.plan import Seen

HTTP_PORT: Final = 80
HTTPS_PORT: Final = 443


@dataclass(frozen=True, slots=True)
class Hosts:
    """What names a route has, for its default targets (tag "") and for each tag."""

    route: Route
    network: Network
    domains: Domains
    local: Mapping[str, bool]
    """Tags that the owner keeps inside, by a label on the placeholder Service."""
    external_port: int = HTTP_PORT
    tls_port: int = HTTPS_PORT
    """Where the gateway answers https, like `external_port` for plain HTTP."""
    secure: frozenset[str] = frozenset()
    """Tags whose host outside has a certificate."""

    def service(self, tag: str) -> str:
        """The name of the placeholder Service."""
        name = self.route.metadata.name
        return tag_host(tag, name) if tag else name

    def is_local(self, tag: str) -> bool:
        labels = self.route.metadata.labels
        if labels.get(LABEL_VISIBILITY) == CLUSTER_LOCAL or self.local.get(tag, False):
            return True
        return self.domains.of(labels) == CLUSTER_LOCAL_DOMAIN

    def internal(self, tag: str) -> str:
        return f"{self.service(tag)}.{self.route.metadata.namespace}.{CLUSTER_LOCAL_DOMAIN}"

    def internal_forms(self, tag: str) -> list[str]:
        """The short forms that resolve inside a cluster, and the whole name."""
        short = f"{self.service(tag)}.{self.route.metadata.namespace}"
        return [short, f"{short}.svc", self.internal(tag)]

    def external(self, tag: str) -> str:
        meta = self.route.metadata
        name = (
            self.network.tag_template.render({"Name": meta.name, "Tag": tag}) if tag else meta.name
        )
        return self.network.domain_template.render(
            {
                "Name": name,
                "Namespace": meta.namespace,
                "Domain": self.domains.of(meta.labels),
                "Labels": meta.labels,
                "Annotations": meta.annotations,
            }
        )

    def url(self, tag: str) -> str:
        """The address that people use."""
        if self.is_local(tag):
            return f"http://{self.internal(tag)}"
        host = self.external(tag)
        if tag in self.secure:
            return f"https://{host}{_shown(self.tls_port, HTTPS_PORT)}"
        if self.network.default_external_scheme == "http":
            return f"http://{host}{_shown(self.external_port, HTTP_PORT)}"
        # Served by somebody before the gateway, at a port of its own.
        return f"https://{host}"


def _shown(port: int, default: int) -> str:
    return "" if port == default else f":{port}"


def hosts_of(
    route: Route,
    seen: Seen,
    configs: Configs,
    *,
    external_port: int = HTTP_PORT,
    tls_port: int = HTTPS_PORT,
) -> Hosts:
    """Reads which placeholder Services are labelled cluster-local."""
    network, domains = configs.get(CONFIG_NETWORK), configs.get(CONFIG_DOMAIN)
    hosts = Hosts(route, network, domains, {}, external_port, tls_port)
    tags = {"", *(target.tag for target in route.spec.traffic)}
    local = {
        tag: service.metadata.labels.get(LABEL_VISIBILITY) == CLUSTER_LOCAL
        for tag in tags
        if (service := seen.get(SERVICE, route.metadata.namespace, hosts.service(tag))) is not None
    }
    return replace(hosts, local=local)


def http_option(annotations: Mapping[str, str], network: Network, *, tls: bool) -> str:
    """What plain HTTP does; a redirect to HTTPS only where HTTPS is served. A word of the author's goes first."""
    given = annotations.get(HTTP_PROTOCOL) or annotations.get(HTTP_PROTOCOL_OLD) or ""
    redirected = given.lower() == "redirected" if given else network.http_redirected
    return "Redirected" if redirected and tls else "Enabled"
