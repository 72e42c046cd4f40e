from __future__ import annotations

from ipaddress import IPv4Address
from typing import Any

import pytest

from tanebi.api.core.kinds import POD
from tanebi.api.core.pod import Pod
from tanebi.kubelet import resolvconf


def pod(name: str = "p", **spec: Any) -> Pod:
    return POD.view({"metadata": {"name": name, "namespace": "ns"}, "spec": spec})


MACHINE = "nameserver 9.9.9.9\nsearch lan\noptions edns0\n"
INSIDE = "search ns.svc.cluster.local svc.cluster.local cluster.local"


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ({}, f"nameserver 10.0.0.1\n{INSIDE}\noptions ndots:5\n"),
        ({"dnsPolicy": "Default"}, MACHINE),
        ({"hostNetwork": True}, MACHINE),
        (
            {"hostNetwork": True, "dnsPolicy": "ClusterFirstWithHostNet"},
            f"nameserver 10.0.0.1\n{INSIDE}\noptions ndots:5\n",
        ),
        (
            {"dnsPolicy": "None", "dnsConfig": {"nameservers": ["1.1.1.1"], "searches": ["a.b"]}},
            "nameserver 1.1.1.1\nsearch a.b\n",
        ),
        (
            {"dnsConfig": {"options": [{"name": "ndots", "value": "2"}, {"name": "rotate"}]}},
            f"nameserver 10.0.0.1\n{INSIDE}\noptions ndots:2 rotate\n",
        ),
    ],
)
def test_resolv_conf(spec: dict[str, Any], text: str) -> None:
    found = resolvconf.resolving(pod(**spec), IPv4Address("10.0.0.1"), "cluster.local", MACHINE)
    assert found.text() == text


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        (pod("hello-1"), "hello-1"),
        (pod("p", hostname="own"), "own"),
        (pod("a" * 62 + ".b"), "a" * 62),
        (pod("p", subdomain="sub"), "p"),
        (pod("p", subdomain="sub", setHostnameAsFQDN=True), "p.sub.ns.svc.cluster.local"),
    ],
)
def test_a_pods_host_name(found: Pod, wanted: str) -> None:
    assert resolvconf.hostname(found) == wanted


def test_hosts() -> None:
    found = pod(hostAliases=[{"ip": "10.1.1.1", "hostnames": ["a", "b"]}], subdomain="sub")
    lines = resolvconf.hosts_file(found, "10.0.0.2").splitlines()
    assert lines[:2] == ["# Kubernetes-managed hosts file.", "127.0.0.1\tlocalhost"]
    assert lines[-2:] == ["10.0.0.2\tp.sub.ns.svc.cluster.local\tp", "10.1.1.1\ta\tb"]


@pytest.mark.parametrize(
    ("machine", "own"),
    [
        ("hosts: files dns\n", ""),
        ("passwd: files\n", ""),
        (
            "passwd: files\nhosts: files resolve [!UNAVAIL=return] dns\n",
            "passwd: files\nhosts: files dns\n",
        ),
    ],
)
def test_names_are_asked_of_the_server_and_not_of_the_machines_resolver(
    machine: str, own: str
) -> None:
    assert resolvconf.switch_file(machine) == own


def test_the_machines_servers() -> None:
    text = "# a comment\nsearch x\nnameserver 127.0.0.53\nnameserver\nnameserver fe80::1%eth0\n"
    assert resolvconf.machine_servers(text) == ["127.0.0.53", "fe80::1%eth0"]
