"""ConfigMaps as settings, for admission: live, and refused when they cannot be read.

Callers: tanebi.apiserver.admission. Controllers have their own reader (tanebi.kube.configs).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeVar

from tanebi.api.core.kinds import CONFIG_MAP
from tanebi.api.kind import ConfigKind
from tanebi.api.meta import Key, Obj, annotations_of
from tanebi.apiserver.history import Entry
from tanebi.apiserver.store import Store

S = TypeVar("S")

EXAMPLE_KEY: Final = "_example"
CHECKSUM_ANNOTATION: Final = "knative.dev/example-checksum"


def checksum(example: str) -> str:
    """Eight hex digits over an `_example` text (knative.dev/pkg configmap/example.go: CRC-32 IEEE of what is left
    without leading and trailing white space)."""
    return f"{zlib.crc32(example.strip().encode()):08x}"


def settings_of(data: Mapping[str, str]) -> dict[str, str]:
    """The keys that mean something."""
    return {key: value for key, value in data.items() if key != EXAMPLE_KEY}


class StoreConfigs:
    """Implements tanebi.api.kind.Configs on the store. A ConfigMap that cannot be read counts as its last good content."""

    def __init__(self, store: Store, configs: Iterable[ConfigKind[Any]]) -> None:
        self._store = store
        self._kinds = {Key(c.namespace, c.name): c for c in configs}
        self._parsed: dict[Key, tuple[Entry | None, Any]] = {}

    def get(self, kind: ConfigKind[S]) -> S:
        key = Key(kind.namespace, kind.name)
        entry = self._store.get(CONFIG_MAP.resource, key)
        known = self._parsed.get(key)
        if known is not None and known[0] is entry:
            value: S = known[1]
            return value
        data = settings_of(entry.obj.get("data") or {}) if entry else {}
        try:
            value = kind.parse(data)
        except ValueError:
            # Admission refuses such a map; it can only come from an older store. What was valid stays in force.
            value = known[1] if known else kind.parse({})
        self._parsed[key] = (entry, value)
        return value

    def refusal(self, config_map: Obj) -> str:
        """Why this ConfigMap cannot be a setting of the platform; empty when it can or is none."""
        meta = config_map["metadata"]
        kind = self._kinds.get(Key(meta.get("namespace", ""), meta["name"]))
        if kind is None:
            return ""
        data: Mapping[str, str] = config_map.get("data") or {}
        try:
            kind.parse(settings_of(data))
        except ValueError as error:
            return str(error)
        expected = annotations_of(config_map).get(CHECKSUM_ANNOTATION)
        if expected and EXAMPLE_KEY in data and checksum(data[EXAMPLE_KEY]) != expected:
            return (
                f'the update modifies a key in "{EXAMPLE_KEY}" which is probably not what you want. '
                "Instead, copy the respective setting to the top-level of the ConfigMap, directly below "
                '"data"'
            )
        return ""
