"""The files by which a program finds names: resolv.conf, hosts, nsswitch.conf. Pure.

As the kubelet writes them: the pod's namespace is searched first, and names with fewer than five dots are tried inside before
they are asked for as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address
from typing import Final

from tanebi.api.core.pod import Pod

HOST_NAME_MAX: Final = 63


def hostname(pod: Pod) -> str:
    """What the pod calls itself."""
    return pod.spec.hostname or pod.metadata.name[:HOST_NAME_MAX].rstrip("-.")


def search_path(namespace: str, domain: str) -> tuple[str, ...]:
    return (f"{namespace}.svc.{domain}", f"svc.{domain}", domain)


def resolv_conf(server: IPv4Address, search: Sequence[str]) -> str:
    lines = [f"nameserver {server}"]
    if search:
        lines.append(f"search {' '.join(search)}")
    return "\n".join([*lines, "options ndots:5", ""])


def hosts_file(pod: Pod, address: str) -> str:
    lines = ["127.0.0.1\tlocalhost", "::1\tlocalhost ip6-localhost ip6-loopback"]
    lines.append(f"{address}\t{hostname(pod)}")
    for alias in pod.spec.host_aliases or ():
        lines.append(f"{alias['ip']}\t{' '.join(alias.get('hostnames') or ())}")
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
    pairs = (line.split() for line in text.splitlines())
    return [words[1] for words in pairs if len(words) > 1 and words[0] == "nameserver"]
