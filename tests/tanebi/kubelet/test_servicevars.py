"""What a pod is told of the Services beside it."""

from __future__ import annotations

from tanebi.api.core.kinds import SERVICE
from tanebi.kubelet.servicevars import variables


def test_variables() -> None:
    ports = [{"name": "web", "port": 80}, {"name": "dns-udp", "port": 53, "protocol": "UDP"}]
    found = [
        SERVICE.view({"metadata": {"name": name}, "spec": {"clusterIP": ip, "ports": ports}})
        for name, ip in (("my-web", "10.96.0.9"), ("headless", "None"), ("none", ""))
    ]
    assert variables(found) == {
        "MY_WEB_SERVICE_HOST": "10.96.0.9",
        "MY_WEB_SERVICE_PORT": "80",
        "MY_WEB_SERVICE_PORT_WEB": "80",
        "MY_WEB_SERVICE_PORT_DNS_UDP": "53",
        "MY_WEB_PORT": "tcp://10.96.0.9:80",
        "MY_WEB_PORT_80_TCP": "tcp://10.96.0.9:80",
        "MY_WEB_PORT_80_TCP_PROTO": "tcp",
        "MY_WEB_PORT_80_TCP_PORT": "80",
        "MY_WEB_PORT_80_TCP_ADDR": "10.96.0.9",
        "MY_WEB_PORT_53_UDP": "udp://10.96.0.9:53",
        "MY_WEB_PORT_53_UDP_PROTO": "udp",
        "MY_WEB_PORT_53_UDP_PORT": "53",
        "MY_WEB_PORT_53_UDP_ADDR": "10.96.0.9",
    }
