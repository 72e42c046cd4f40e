"""Which pod is meant: one by its name, or one of a service, a revision, a Deployment or whatever else has pods.

Callers: the commands that enter pods.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from tanebi.api.standby import STANDBY_SINCE
from tanebi.base.errors import Unavailable, UserError
from tanebi.cli.client import Api, ApiFailure
from tanebi.cli.discovery import Catalog, ResourceType
from tanebi.cli.objects import condition, dig
from tanebi.cli.output import full_name

Obj = dict[str, Any]

POD: Final = ResourceType("", "v1", "pods", "pod", "Pod", namespaced=True, short_names=("po",))
KNATIVE: Final = "serving.knative.dev"
SERVICE: Final = ResourceType(KNATIVE, "v1", "services", "service", "Service", namespaced=True)
REVISION: Final = ResourceType(KNATIVE, "v1", "revisions", "revision", "Revision", namespaced=True)
# Whose pods are known by a label with the owner's name.
LABELS: Final = {
    "services.serving.knative.dev": "serving.knative.dev/service",
    "configurations.serving.knative.dev": "serving.knative.dev/configuration",
    "revisions.serving.knative.dev": "serving.knative.dev/revision",
}
DEFAULT_CONTAINER: Final = "kubectl.kubernetes.io/default-container"
SHOWN_ONLY: Final = "tanebi.dev/shown-only"


@dataclass(frozen=True, slots=True)
class Found:
    """A pod, and what it was named by unless by itself. `note`: what a person should know of the choice."""

    pod: Obj
    owner: Obj | None = None
    owner_type: ResourceType = POD
    note: str = ""

    @property
    def name(self) -> str:
        return str(self.pod["metadata"]["name"])

    def path(self, subresource: str) -> str:
        meta = self.pod["metadata"]
        return POD.path(meta["namespace"], quote(meta["name"], safe=""), subresource)


def find_pod(api: Api, what: str, namespace: str) -> Found:
    """`POD` or `TYPE/NAME`. A name without a type may be a service's or a revision's where no pod has it.

    Raises UserError when there is no such thing, Unavailable when it has no pod that runs.
    """
    kind, slash, name = what.rpartition("/")
    if not name or (slash and not kind):
        raise UserError("usage", f"write POD or TYPE/NAME, not {what!r}")
    if slash and kind.lower() not in POD.names():
        return _pod_of(api, Catalog.of(api).find(kind), name, namespace)
    try:
        return Found(_get(api, POD, name, namespace))
    except ApiFailure as error:
        if error.status != 404:
            raise
        if not slash:
            for type_ in (SERVICE, REVISION):
                if _exists(api, type_, name, namespace):
                    return _pod_of(api, type_, name, namespace)
        raise UserError(
            "no-match",
            f"{error.text} in namespace {namespace}",
            hint=f"tanebi get pods -n {namespace} shows what there is; ksvc/NAME means a pod of a service",
        ) from error


def _get(api: Api, type_: ResourceType, name: str, namespace: str) -> Obj:
    found: Obj = api.get(type_.path(namespace, quote(name, safe="")))
    return found


def _exists(api: Api, type_: ResourceType, name: str, namespace: str) -> bool:
    try:
        _get(api, type_, name, namespace)
    except ApiFailure as error:
        if error.status != 404:
            raise
        return False
    return True


def _pod_of(api: Api, type_: ResourceType, name: str, namespace: str) -> Found:
    owner = _get(api, type_, name, namespace)
    selector = selector_of(type_, owner)
    if not selector:
        raise UserError(
            "no-pod",
            f"{full_name(type_, name)} does not say which pods are its own",
            hint=f"name a pod, or the Knative Service: ksvc/{name}",
        )
    pods = api.get(POD.path(namespace), {"labelSelector": selector})["items"]
    pod = choose(pods)
    if pod is None:
        raise none_runs(type_, owner, pods)
    chosen = pod["metadata"]["name"]
    note = (
        ""
        if is_ready(pod)
        else f"no pod of {full_name(type_, name)} is ready; taking {chosen}, which runs"
    )
    return Found(pod, owner, type_, note)


def selector_of(type_: ResourceType, owner: Obj) -> str:
    """The labels of an owner's pods; empty: it has none."""
    if label := LABELS.get(type_.resource):
        return f"{label}={owner['metadata']['name']}"
    selector = dig(owner, "spec", "selector")
    if not isinstance(selector, dict):
        return ""
    if "matchLabels" not in selector and "matchExpressions" not in selector:
        return _equal(selector)  # Services and ReplicationControllers
    terms = [_equal(selector.get("matchLabels") or {})]
    terms += [_term(one) for one in selector.get("matchExpressions") or ()]
    return ",".join(term for term in terms if term)


def _equal(labels: Obj) -> str:
    return ",".join(f"{key}={value}" for key, value in labels.items())


def _term(expression: Obj) -> str:
    key, values = expression["key"], ",".join(expression.get("values") or ())
    terms = {
        "In": f"{key} in ({values})",
        "NotIn": f"{key} notin ({values})",
        "Exists": str(key),
        "DoesNotExist": f"!{key}",
    }
    return terms[expression["operator"]]


def choose(pods: Iterable[Obj]) -> Obj | None:
    """The newest ready pod, else the newest that runs at all."""
    running = sorted((p for p in pods if runs(p)), key=_created, reverse=True)
    return next((pod for pod in running if is_ready(pod)), running[0] if running else None)


def _created(pod: Obj) -> str:
    return str(dig(pod, "metadata", "creationTimestamp") or "")


def runs(pod: Obj) -> bool:
    """A frozen pod runs as little as one that is being removed."""
    if dig(pod, "metadata", "deletionTimestamp") or is_frozen(pod):
        return False
    return bool(dig(pod, "status", "phase") == "Running")


def is_frozen(pod: Obj) -> bool:
    return STANDBY_SINCE in (dig(pod, "metadata", "annotations") or {})


def is_ready(pod: Obj) -> bool:
    return bool(condition(pod, "Ready").get("status") == "True")


def none_runs(type_: ResourceType, owner: Obj, pods: Sequence[Obj]) -> Unavailable:
    """Says why, and how to get one."""
    name, namespace = owner["metadata"]["name"], owner["metadata"].get("namespace", "")
    what = full_name(type_, name)
    waiting = [pod for pod in pods if not is_frozen(pod)]
    ready = condition(owner, "Ready")
    if waiting:
        first = waiting[0]["metadata"]["name"]
        message = f"no pod of {what} runs"
        hint = f"tanebi describe pod {first} -n {namespace} says why"
    elif ready.get("status") == "False":
        message = f"no pod of {what} runs"
        hint = ": ".join(
            t for t in ("Ready is False", ready.get("reason"), ready.get("message")) if t
        )
    elif type_.group == KNATIVE:
        message = f"no pod of {what} is ready: it is scaled to zero"
        url = dig(owner, "status", "url")
        hint = f"a request wakes it: curl {url}" if url else "a request to its service wakes it"
    else:
        message, hint = f"{what} has no pods", ""
    return Unavailable("no-pod", message, hint=hint)


def choose_container(pod: Obj, given: str) -> tuple[str, str]:
    """The container's name, and a note where it was not clear which is meant."""
    annotations = dig(pod, "metadata", "annotations") or {}
    shown_only = set(str(annotations.get(SHOWN_ONLY, "")).split(","))
    mains = [c["name"] for c in dig(pod, "spec", "containers") or () if c["name"] not in shown_only]
    default = annotations.get(DEFAULT_CONTAINER)
    if given:
        return given, ""
    if default in mains or len(mains) < 2:
        return str(default) if default in mains else "".join(mains), ""
    inits = [f"{c['name']} (init)" for c in dig(pod, "spec", "initContainers") or ()]
    return mains[0], f'Defaulted container "{mains[0]}" out of: {", ".join([*mains, *inits])}'
