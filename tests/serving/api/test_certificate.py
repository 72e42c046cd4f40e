"""The view knows every field of Knative's Certificate."""

from __future__ import annotations

from serving.api.certificate import CERTIFICATE
from tanebi.api.meta import unknown_fields


def test_every_field() -> None:
    challenge = {
        "url": "http://a.b/.well-known/x",
        "serviceName": "s",
        "serviceNamespace": "n",
        "servicePort": 8089,
    }
    view = CERTIFICATE.view(
        {
            "metadata": {"name": "route-u", "namespace": "n"},
            "spec": {"dnsNames": ["a.b"], "domain": "b", "secretName": "route-u"},
            "status": {"notAfter": "2027-01-01T00:00:00Z", "http01Challenges": [challenge]},
        }
    )
    assert unknown_fields(view) == []
    assert view.status.http01_challenges[0].service_port == 8089
    assert CERTIFICATE.short_names == ("kcert",)
