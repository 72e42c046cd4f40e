"""The hash by which clients of Knative's networking API tell which Ingress a gateway has in effect.

Pure. It is SHA-256 of the spec as Go's encoding/json writes it (fields in the order of the type, empty ones left out, `<`, `>`
and `&` escaped), then the namespace and the name: knative/networking pkg/ingress, ComputeHash. Caller: activator.table.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

from activator.api.ingress import HttpIngressPath, Ingress, IngressBackendSplit

_ESCAPED: Final = {
    ord(c): f"\\u{ord(c):04x}"
    for c in ("<", ">", "&", "\N{LINE SEPARATOR}", "\N{PARAGRAPH SEPARATOR}")
}


def fingerprint(ingress: Ingress) -> bytes:
    """In hexadecimal digits."""
    spec, meta = ingress.spec, ingress.metadata
    tls = [
        _filled(hosts=t.hosts, secretName=t.secret_name, secretNamespace=t.secret_namespace)
        for t in spec.tls
    ]
    rules = [
        _filled(
            hosts=rule.hosts,
            visibility=rule.visibility,
            http={"paths": [_path(path) for path in rule.http.paths]},
        )
        for rule in spec.rules
    ]
    written = _filled(tls=tls, rules=rules, httpOption=spec.http_option)
    text = json.dumps(written, separators=(",", ":"), ensure_ascii=False).translate(_ESCAPED)
    return sha256(f"{text}{meta.namespace}{meta.name}".encode()).hexdigest().encode()


def _path(path: HttpIngressPath) -> Mapping[str, Any]:
    return {
        **_filled(
            path=path.path,
            rewriteHost=path.rewrite_host,
            headers={name: {"exact": m.exact} for name, m in sorted(path.headers.items())},
        ),
        "splits": [_split(split) for split in path.splits],
        **_filled(appendHeaders=dict(sorted(path.append_headers.items()))),
    }


def _split(split: IngressBackendSplit) -> Mapping[str, Any]:
    return {
        "serviceNamespace": split.service_namespace,
        "serviceName": split.service_name,
        "servicePort": split.service_port,
        **_filled(percent=split.percent, appendHeaders=dict(sorted(split.append_headers.items()))),
    }


def _filled(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value}
