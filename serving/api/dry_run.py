"""What Kubernetes would say to the pods of a template: asked when a client only tries (`dryRun=All`), and for resources whose
annotation wants it each time, as Knative before 1.16 had it.

Pure: the rules of Pods are functions, no pod is made. Callers: the validations of Service and Configuration.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from serving.api.names import DEFAULT_PORT, USER_PORT_NAME
from serving.api.revision_types import RevisionTemplate
from tanebi.api.core.kinds import POD
from tanebi.api.fielderrors import FieldError
from tanebi.api.kind import Admission
from tanebi.api.meta import Obj

NAME: Final = "dry-run-validation"
_REVISION_ONLY: Final = (
    "containerConcurrency",
    "timeoutSeconds",
    "responseStartTimeoutSeconds",
    "idleTimeoutSeconds",
)


ALWAYS: Final = "features.knative.dev/podspec-dryrun"
_WANTED: Final = ("enabled", "strict")


def try_pod(
    template: RevisionTemplate, admission: Admission, annotations: Mapping[str, str]
) -> list[FieldError]:
    """At most one error, of level "callback", with all that Kubernetes has to say. `annotations` of the resource."""
    if not admission.dry_run and annotations.get(ALWAYS) not in _WANTED:
        return []
    pod = {"metadata": {"name": NAME, "namespace": "knative-serving"}, "spec": _spec(template)}
    view = POD.view(POD.defaults(pod, None, admission))
    causes = [
        f"{path}: {error.message}"
        for error in POD.validate(view, None, admission)
        for path in error.paths
    ]
    if not causes:
        return []
    text = causes[0] if len(causes) == 1 else f"[{', '.join(causes)}]"
    said = f'dry run failed with Pod "{NAME}" is invalid: {text}'
    return [FieldError(said, ("spec.template",), level="callback")]


def _spec(template: RevisionTemplate) -> Obj:
    spec = template.spec.model_dump(mode="json", by_alias=True, exclude_unset=True)
    pod = {key: value for key, value in spec.items() if key not in _REVISION_ONLY}
    for container in pod.get("containers") or ():
        container.pop("readinessProbe", None)
        if ports := container.get("ports"):
            number = ports[0].get("containerPort") or DEFAULT_PORT
            container["ports"] = [{"name": USER_PORT_NAME, "containerPort": number}]
        for probe in ("livenessProbe", "startupProbe"):
            for action in (container.get(probe) or {}).values():
                if isinstance(action, dict) and "port" in action:
                    action["port"] = action["port"] or DEFAULT_PORT
    return pod
