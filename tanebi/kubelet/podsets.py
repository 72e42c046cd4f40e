"""What every maker of pods shares: hashes of templates, names, pods from a template, which pods count and which go first.

Pure. A new pod's name follows from its owner's uid, generation and a number, so that a pass over a stale cache meets
AlreadyExists instead of making one pod too many. Callers: the reconcilers beside this module.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import orjson

from tanebi.api.core.kinds import POD
from tanebi.api.core.pod import Pod
from tanebi.api.meta import (
    Key,
    Obj,
    Resource,
    controller_of,
    owner_reference,
    parse_time,
    rfc3339,
)
from tanebi.kube.plan import Drop, Seen

TEMPLATE_HASH: Final = "pod-template-hash"
HASH_CHARS: Final = 10
SUFFIX_CHARS: Final = 5
NAME_BASE_MAX: Final = 58  # a generated name is at most 63 characters, suffix included
UNREPORTED_S: Final = 2.0
LETTERS: Final = (
    "bcdfghjklmnpqrstvwxz2456789"  # those of tanebi.base.rng, without its source of chance
)


def owned_pods(uids: Iterable[str], pods: Iterable[Pod]) -> list[Pod]:
    """The pods whose controller is one of `uids`."""
    wanted = set(uids)
    return [
        pod for pod in pods if (ref := pod.metadata.controller) is not None and ref.uid in wanted
    ]


def is_living(pod: Pod) -> bool:
    return not pod.deleting and not is_done(pod)


def is_done(pod: Pod) -> bool:
    return pod.status.phase in ("Succeeded", "Failed")


def hash_of(template: Obj) -> str:
    """Ten characters that change whenever the template does."""
    return letters(orjson.dumps(template, option=orjson.OPT_SORT_KEYS), HASH_CHARS)


def new_names(
    owner: Resource,
    base: str,
    count: int,
    taken: set[str],
    foreign: Callable[[str], bool] = lambda name: False,
) -> list[str]:
    """`count` names that are not taken, nor another's; the same ones for the same owner at the same generation."""
    meta = owner.metadata
    base = f"{base}-"[:NAME_BASE_MAX]
    found: list[str] = []
    number = 0
    while len(found) < count:
        seed = f"{meta.uid}/{meta.generation}/{number}".encode()
        name = base + letters(seed, SUFFIX_CHARS)
        if name not in taken and name not in found and not foreign(name):
            found.append(name)
        number += 1
    return found


def foreign_to(owner: Resource, seen: Seen) -> Callable[[str], bool]:
    """Whether there is a pod of a name which is not the owner's: one that was let go keeps its name."""
    meta = owner.metadata

    def foreign(name: str) -> bool:
        obj = seen.raw(POD, meta.namespace, name)
        return obj is not None and (controller_of(obj) or {}).get("uid") != meta.uid

    return foreign


def make_pod(
    owner: Resource,
    template: Obj,
    name: str,
    *,
    node: str,
    labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
    spec: Mapping[str, Any] | None = None,
) -> Obj:
    """A pod of `owner`; `node` is "" when nothing may be scheduled. `spec` goes over the template's."""
    meta = template.get("metadata") or {}
    placed = {"nodeName": node} if node else {}
    return {
        "apiVersion": POD.api_version,
        "kind": POD.kind,
        "metadata": {
            "name": name,
            "namespace": owner.metadata.namespace,
            "labels": {**(meta.get("labels") or {}), **(labels or {})},
            "annotations": {**(meta.get("annotations") or {}), **(annotations or {})},
            "ownerReferences": [owner_reference(owner)],
        },
        "spec": {**placed, **template["spec"], **(spec or {})},
    }


def is_unreported(pod: Pod, now: datetime) -> bool:
    """Just created, and its kubelet has not said anything yet: a status written now would be out of date at once, and
    would take time from what starts the pod."""
    young = now - parse_time(pod.metadata.creation_timestamp or rfc3339(now))
    return is_living(pod) and not pod.status.pod_ip and young.total_seconds() < UNREPORTED_S


def victims_first(pods: Sequence[Pod]) -> list[Pod]:
    """Not ready before ready, then young before old (kube-controller-manager's ActivePods, reduced to one node)."""
    youngest = sorted(
        pods, key=lambda p: (p.metadata.creation_timestamp or "", p.metadata.name), reverse=True
    )
    return sorted(youngest, key=lambda pod: pod.status.is_ready)


def surplus(pods: Sequence[Pod], wanted: int) -> Sequence[Pod]:
    """Those that are too many."""
    return victims_first(pods)[: max(len(pods) - wanted, 0)]


def available(min_ready_seconds: int | None, now: datetime) -> Callable[[Pod], bool]:
    """Whether a pod has been ready for long enough."""
    needed = timedelta(seconds=min_ready_seconds or 0)

    def ready(pod: Pod) -> bool:
        found = pod.status.condition("Ready")
        if found is None or found.status != "True":
            return False
        return not needed or parse_time(found.last_transition_time or "") + needed <= now

    return ready


def available_in_s(min_ready_seconds: int | None, pod: Pod, now: datetime) -> float:
    """Seconds until a ready pod counts as available; not positive when it does."""
    found = pod.status.condition("Ready")
    stamp = found.last_transition_time if found else None
    since = parse_time(stamp) if stamp else now
    return min_ready_seconds - (now - since).total_seconds() if min_ready_seconds else 0.0


def nobody(obj: Obj, seen: Seen) -> Iterable[Key]:
    """For kinds that are looked at, but whose changes concern no key."""
    return ()


def drop(pod: Pod) -> Drop:
    return Drop(POD, pod.metadata.namespace, pod.metadata.name, pod.metadata.uid)


def letters(content: bytes, count: int) -> str:
    """`count` letters that follow from the content."""
    number = int.from_bytes(hashlib.sha256(content).digest())
    found = ""
    for _ in range(count):
        number, at = divmod(number, len(LETTERS))
        found += LETTERS[at]
    return found
