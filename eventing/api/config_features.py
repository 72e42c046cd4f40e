"""ConfigMap config-features in knative-eventing: flags of features that are not everybody's yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from eventing.api.names import SYSTEM_NAMESPACE
from tanebi.api.kind import ConfigKind

DEFAULTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "kreference-group": "disabled",
        "delivery-retryafter": "disabled",
        "delivery-timeout": "enabled",
        "kreference-mapping": "disabled",
        "transport-encryption": "disabled",
        "eventtype-auto-create": "disabled",
        "authentication-oidc": "disabled",
        "default-authorization-mode": "allow-same-namespace",
        "cross-namespace-event-links": "disabled",
        "new-apiserversource-filters": "disabled",
        "requestreply-default-timeout": "PT30S",
        "oidc-discovery-base-url": "https://kubernetes.default.svc",
    }
)
_SWITCH: Final = ("enabled", "disabled", "allowed")
_CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "transport-encryption": ("disabled", "permissive", "strict"),
    "default-authorization-mode": ("allow-all", "deny-all", "allow-same-namespace"),
}
_FREE: Final = ("requestreply-default-timeout", "oidc-discovery-base-url")
_NODE_SELECTOR: Final = "apiserversources-nodeselector-"

EXAMPLE: Final = "".join(f'{key}: "{value}"\n' for key, value in DEFAULTS.items())


@dataclass(frozen=True, slots=True)
class Features:
    """What each flag says. Flags nobody set have their defaults."""

    flags: Mapping[str, str]

    def enabled(self, name: str) -> bool:
        return self.flags.get(name, "disabled") == "enabled"


def parse(data: Mapping[str, str]) -> Features:
    """Raises ValueError naming the flag and its value."""
    flags = dict(DEFAULTS)
    for key, value in data.items():
        if key.startswith("_"):
            continue
        flags[key] = value if _is_free(key) else _flag(key, value)
    return Features(MappingProxyType(flags))


def _is_free(key: str) -> bool:
    return key in _FREE or key.startswith(_NODE_SELECTOR)


def _flag(key: str, value: str) -> str:
    said = value.strip().lower()
    choices = _CHOICES.get(key, _SWITCH)
    if said not in choices:
        raise ValueError(f"cannot parse the feature flag '{key}' = '{value}': not one of {choices}")
    return said


FEATURES: Final = ConfigKind(SYSTEM_NAMESPACE, "config-features", parse, EXAMPLE)
