"""The files by which a program finds names: resolv.conf, hosts, nsswitch.conf. Pure.

As the kubelet writes them: the pod's namespace is searched first, and names with fewer than five dots are tried inside before
they are asked for as they are.
A pod's dnsPolicy and dnsConfig say it otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Any, Final

from tanebi.api.core.pod import Pod

HOST_NAME_MAX: Final = 63
DOMAIN: Final = "cluster.local"
CLUSTER_OPTIONS: Final = ("ndots:5",)
MANAGED: Final = "# Kubernetes-managed hosts file."
_LOCAL: Final = (
    "127.0.0.1\tlocalhost",
    "::1\tlocalhost ip6-localhost ip6-loopback",
    "fe00::0\tip6-localnet",
    "fe00::0\tip6-mcastprefix",
    "fe00::1\tip6-allnodes",
    "fe00::2\tip6-allrouters",
)


@dataclass(frozen=True, slots=True)
class Resolving:
    """What a resolv.conf says."""

    servers: tuple[str, ...] = ()
    search: tuple[str, ...] = ()
    options: tuple[str, ...] = ()

    def text(self) -> str:
        lines = [f"nameserver {server}" for server in self.servers]
        if self.search:
            lines.append(f"search {' '.join(self.search)}")
        if self.options:
            lines.append(f"options {' '.join(self.options)}")
        return "\n".join([*lines, ""])


def hostname(pod: Pod) -> str:
    """What the pod calls itself."""
    full = full_name(pod) if pod.spec.set_hostname_as_fqdn else ""
    return full or short_name(pod)


def short_name(pod: Pod) -> str:
    return pod.spec.hostname or pod.metadata.name[:HOST_NAME_MAX].rstrip("-.")


def full_name(pod: Pod) -> str:
    """By which others find it; empty without a subdomain."""
    if not pod.spec.subdomain:
        return ""
    return f"{short_name(pod)}.{pod.spec.subdomain}.{pod.metadata.namespace}.svc.{DOMAIN}"


def search_path(namespace: str, domain: str) -> tuple[str, ...]:
    return (f"{namespace}.svc.{domain}", f"svc.{domain}", domain)


def resolving(pod: Pod, server: IPv4Address, domain: str, machine: str) -> Resolving:
    """By the pod's dnsPolicy and dnsConfig. `machine` is the machine's own resolv.conf."""
    policy = pod.spec.dns_policy or "ClusterFirst"
    if policy == "None":
        base = Resolving()
    elif policy == "Default" or (policy == "ClusterFirst" and pod.spec.host_network):
        base = read(machine)
    else:
        search = search_path(pod.metadata.namespace, domain)
        base = Resolving((str(server),), search, CLUSTER_OPTIONS)
    own = pod.spec.dns_config or {}
    given = [_option(one) for one in own.get("options") or ()]
    named = {one.partition(":")[0] for one in given}
    kept = [one for one in base.options if one.partition(":")[0] not in named]
    return Resolving(
        tuple(dict.fromkeys((*base.servers, *(own.get("nameservers") or ())))),
        tuple(dict.fromkeys((*base.search, *(own.get("searches") or ())))),
        (*kept, *given),
    )


def read(text: str) -> Resolving:
    """A resolv.conf. Lines that are not understood are passed over."""
    found: dict[str, list[str]] = {}
    for words in (line.split() for line in text.splitlines()):
        if len(words) > 1:
            found.setdefault(words[0], []).extend(words[1:])
    servers, search = found.get("nameserver", ()), found.get("search", ())
    return Resolving(tuple(servers), tuple(search), tuple(found.get("options", ())))


def _option(one: Mapping[str, Any]) -> str:
    name, value = str(one.get("name", "")), one.get("value")
    return name if value is None else f"{name}:{value}"


def hosts_file(pod: Pod, address: str) -> str:
    full = full_name(pod)
    lines = [MANAGED, *_LOCAL]
    lines.append("\t".join([address, *([full] if full else []), short_name(pod)]))
    for alias in pod.spec.host_aliases or ():
        lines.append("\t".join([alias["ip"], *(alias.get("hostnames") or ())]))
    return "\n".join([*lines, ""])


def switch_file(machine: str) -> str:
    """nsswitch.conf with names asked of resolv.conf's server. Empty: the machine's own already does."""
    lines = machine.splitlines()
    at = next((i for i, line in enumerate(lines) if line.startswith("hosts:")), None)
    if at is None or "resolve" not in lines[at]:
        return ""
    lines[at] = "hosts: files dns"
    return "\n".join([*lines, ""])


def machine_servers(text: str) -> list[str]:
    """The name servers of a resolv.conf."""
    return list(read(text).servers)
