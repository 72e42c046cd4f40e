"""Live settings: the newest good content of each declared ConfigMap.

`ConfigTable` is pure; `LiveConfigs` feeds it from the cache and says in the log when an edit is bad (the embedded API server
refuses such an edit, others do not). A bad edit keeps the last good value; a missing ConfigMap means what is set at installation.
Callers: tanebi.up, the engine (which runs every key again after a change).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeVar, cast

from tanebi.api.core.kinds import CONFIG_MAP
from tanebi.api.kind import ConfigKind
from tanebi.api.meta import Key, Obj, key_of
from tanebi.base.log import get_logger
from tanebi.kube.cache import Cache

S = TypeVar("S")

EXAMPLE_KEY: Final = "_example"  # documentation inside the map, never a setting

log = get_logger("configs")


class ConfigTable:
    """Implements tanebi.api.kind.Configs over what it has been offered."""

    def __init__(self, configs: Iterable[ConfigKind[Any]]) -> None:
        self._kinds = {Key(c.namespace, c.name): c for c in configs}
        self._values = {key: kind.parse(kind.data) for key, kind in self._kinds.items()}

    def get(self, kind: ConfigKind[S]) -> S:
        """Raises LookupError for a ConfigMap that was not declared."""
        try:
            return cast(S, self._values[Key(kind.namespace, kind.name)])
        except KeyError:
            raise LookupError(
                f"ConfigMap {kind.namespace}/{kind.name} is not declared in any CONFIGS"
            ) from None

    def declares(self, key: Key) -> bool:
        return key in self._kinds

    def offer(self, key: Key, data: Mapping[str, str] | None) -> bool:
        """Take new content (None: the ConfigMap is gone). True when the value changed. Raises ValueError, keeping the old."""
        kind = self._kinds.get(key)
        if kind is None:
            return False
        value = kind.parse(kind.data if data is None else _settings(data))
        changed = bool(value != self._values[key])
        self._values[key] = value
        return changed


def _settings(data: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in data.items() if key != EXAMPLE_KEY}


class LiveConfigs:
    """Implements tanebi.api.kind.Configs. Follows the ConfigMaps from construction on, as the cache sees them."""

    def __init__(self, cache: Cache, configs: Iterable[ConfigKind[Any]]) -> None:
        self._table = ConfigTable(configs)
        self._callbacks: list[Callable[[], None]] = []
        cache.subscribe(CONFIG_MAP, self._changed)

    def get(self, kind: ConfigKind[S]) -> S:
        return self._table.get(kind)

    def on_change(self, callback: Callable[[], None]) -> None:
        """Call `callback` after every change of a value."""
        self._callbacks.append(callback)

    def _changed(self, old: Obj | None, new: Obj | None) -> None:
        key = key_of(new or old or {})
        if not self._table.declares(key):
            return
        try:
            changed = self._table.offer(key, None if new is None else new.get("data") or {})
        except ValueError as error:
            log.error(
                "bad configuration, the last good one stays",
                ns=key.namespace,
                name=key.name,
                error=str(error),
            )
            return
        if changed:
            log.info("configuration changed", ns=key.namespace, name=key.name)
            for callback in self._callbacks:
                callback()
