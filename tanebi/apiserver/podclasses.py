"""PriorityClass and RuntimeClass at admission: what a new pod gets of the classes that it names.

Source: k8s.io/kubernetes plugin/pkg/admission/{priority,runtimeclass}. Caller: tanebi.apiserver.objects.
"""

from __future__ import annotations

from typing import Final, NoReturn

from tanebi.api.core.kinds import POD
from tanebi.api.core.kinds_cluster import PRIORITY_CLASS
from tanebi.api.core.kinds_hosting import RUNTIME_CLASS
from tanebi.api.kind import AnyKind
from tanebi.api.meta import Key, Obj
from tanebi.apiserver import status
from tanebi.apiserver.store import Store
from tanebi.kube.errors import Forbidden

PREEMPT: Final = "PreemptLowerPriority"


class PodClasses:
    def __init__(self, store: Store) -> None:
        self._store = store

    def apply(self, kind: AnyKind, key: Key, obj: Obj) -> None:
        """Complete a new pod in place. Raises Forbidden when a class is not there or says something else than the pod."""
        if kind is POD:
            self._prioritise(key, obj["spec"])
            self._run_by(key, obj["spec"])
        elif kind is PRIORITY_CLASS and obj.get("globalDefault"):
            other = self._default_priority()
            if other is not None:
                _forbid(
                    kind,
                    key,
                    f"PriorityClass {other['metadata']['name']} is already marked as default. "
                    "Only one default can exist",
                )

    def _prioritise(self, key: Key, spec: Obj) -> None:
        name = spec.get("priorityClassName")
        if name:
            entry = self._store.newest(PRIORITY_CLASS.resource, Key("", str(name)))
            if entry is None:
                _forbid(POD, key, f"no PriorityClass with name {name} was found")
            found = entry.obj
        else:
            found = self._default_priority() or {}
            if found:
                spec["priorityClassName"] = found["metadata"]["name"]
        value, policy = found.get("value") or 0, found.get("preemptionPolicy") or PREEMPT
        if spec.get("priority") not in (None, value):
            _forbid(
                POD,
                key,
                f"the integer value of priority ({spec['priority']}) must not be provided in pod spec; "
                f"priority admission controller computed {value} from the given PriorityClass name",
            )
        if spec.get("preemptionPolicy") not in (None, policy):
            _forbid(
                POD,
                key,
                f"the string value of PreemptionPolicy ({spec['preemptionPolicy']}) must not be provided in pod "
                f"spec; priority admission controller computed {policy} from the given PriorityClass name",
            )
        spec["priority"], spec["preemptionPolicy"] = value, policy

    def _default_priority(self) -> Obj | None:
        """The lowest of those that are marked: there is one, but for what was stored before that was a rule."""
        marked = [
            entry.obj
            for entry in self._store.list(PRIORITY_CLASS.resource, None)
            if entry.obj.get("globalDefault")
        ]
        return min(marked, key=lambda obj: int(obj.get("value") or 0), default=None)

    def _run_by(self, key: Key, spec: Obj) -> None:
        name = spec.get("runtimeClassName")
        entry = self._store.newest(RUNTIME_CLASS.resource, Key("", str(name))) if name else None
        if name and entry is None:
            _forbid(POD, key, f'pod rejected: RuntimeClass "{name}" not found')
        found = entry.obj if entry else {}
        overhead = (found.get("overhead") or {}).get("podFixed")
        if spec.get("overhead") and not overhead:
            _forbid(
                POD,
                key,
                "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead",
            )
        if overhead:
            if spec.get("overhead") not in (None, {}, overhead):
                _forbid(
                    POD,
                    key,
                    "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead",
                )
            spec["overhead"] = dict(overhead)
        _schedule(key, spec, found.get("scheduling") or {})


def _schedule(key: Key, spec: Obj, scheduling: Obj) -> None:
    own = dict(spec.get("nodeSelector") or {})
    for label, value in (scheduling.get("nodeSelector") or {}).items():
        if own.get(label, value) != value:
            _forbid(
                POD,
                key,
                f"conflict: runtimeClass.scheduling.nodeSelector[{label}] = {value}; "
                f"pod.spec.nodeSelector[{label}] = {own[label]}",
            )
        own[label] = value
    if own:
        spec["nodeSelector"] = own
    have = list(spec.get("tolerations") or ())
    more = [one for one in scheduling.get("tolerations") or () if one not in have]
    if more:
        spec["tolerations"] = [*have, *more]


def _forbid(kind: AnyKind, key: Key, why: str) -> NoReturn:
    raise Forbidden(
        f'{kind.resource} "{key.name}" is forbidden: {why}', details=status.of_kind(kind, key.name)
    )
