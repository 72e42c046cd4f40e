"""ConfigMap config-defaults: what a revision gets when its author says nothing (reference/knative-serving.md §1.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from serving.api import config_fields as fields
from serving.api.names import SYSTEM_NAMESPACE, USER_CONTAINER
from serving.api.templates import Template
from serving.api.templates import parse as parse_template
from tanebi.api.kind import ConfigKind

INIT_CONTAINER: Final = "init-container"
RESOURCES: Final = ("cpu", "memory", "ephemeral-storage")
_META_FIELDS: Final = frozenset({"Name", "Namespace", "GenerateName", "Labels", "Annotations"})


@dataclass(frozen=True, slots=True)
class Defaults:
    """Times are seconds. `requests` and `limits` hold only what is set. `enable_service_links` None: Kubernetes decides."""

    timeout_s: int
    response_start_timeout_s: int
    idle_timeout_s: int
    timeout_max_s: int
    container_concurrency: int
    container_concurrency_max: int
    allow_concurrency_zero: bool
    enable_service_links: bool | None
    container_name: Template
    init_container_name: Template
    requests: dict[str, str]
    limits: dict[str, str]


def parse(data: fields.Data) -> Defaults:
    """Raises ValueError naming the key and the value that cannot stand."""
    longest = fields.integer(data, "max-revision-timeout-seconds", 600, low=0)
    timeout = fields.integer(data, "revision-timeout-seconds", 300, low=0)
    start = fields.integer(
        data, "revision-response-start-timeout-seconds", min(300, timeout), low=0
    )
    idle = fields.integer(data, "revision-idle-timeout-seconds", 0, low=0)
    _not_above("revision-timeout-seconds", timeout, "max-revision-timeout-seconds", longest)
    _not_above(
        "revision-response-start-timeout-seconds", start, "revision-timeout-seconds", timeout
    )
    _not_above("revision-idle-timeout-seconds", idle, "revision-timeout-seconds", timeout)
    most = fields.integer(data, "container-concurrency-max-limit", 1000, low=1)
    return Defaults(
        timeout_s=timeout,
        response_start_timeout_s=start,
        idle_timeout_s=idle,
        timeout_max_s=longest,
        container_concurrency=fields.integer(data, "container-concurrency", 0, low=0, high=most),
        container_concurrency_max=most,
        allow_concurrency_zero=fields.boolean(data, "allow-container-concurrency-zero", True),
        enable_service_links=_service_links(data),
        container_name=_name_template(data, "container-name-template", USER_CONTAINER),
        init_container_name=_name_template(data, "init-container-name-template", INIT_CONTAINER),
        requests=_resources(data, "request"),
        limits=_resources(data, "limit"),
    )


def _not_above(key: str, value: int, bound_key: str, bound: int) -> None:
    if value > bound:
        raise ValueError(f"{key} ({value}) cannot be greater than {bound_key} ({bound})")


def _service_links(data: fields.Data) -> bool | None:
    if data.get("enable-service-links", "").lower() == "default":
        return None
    return fields.boolean(data, "enable-service-links", False)


def _name_template(data: fields.Data, key: str, default: str) -> Template:
    default_template = parse_template(default, fields=_META_FIELDS)
    return fields.read(
        data, key, default_template, lambda text: parse_template(text, fields=_META_FIELDS)
    )


def _resources(data: fields.Data, bound: str) -> dict[str, str]:
    found = {name: fields.amount(data, f"revision-{name}-{bound}") for name in RESOURCES}
    return {name: amount for name, amount in found.items() if amount is not None}


EXAMPLE: Final = """\
# Seconds a request may take when its revision does not say (timeoutSeconds).
revision-timeout-seconds: "300"

# The longest timeoutSeconds that a revision may ask for.
max-revision-timeout-seconds: "600"

# Seconds until the first byte of the answer. Takes effect only where it is shorter than the revision's timeoutSeconds.
revision-response-start-timeout-seconds: "300"

# Seconds that may pass without a byte in either direction; 0 sets no such limit.
revision-idle-timeout-seconds: "0"

# CPU, memory and ephemeral storage of a user container: no request and no limit is set unless a key here sets it:
# revision-cpu-request, revision-memory-request, revision-ephemeral-storage-request,
# revision-cpu-limit, revision-memory-limit, revision-ephemeral-storage-limit.

# Name of a container that has none. {{.Name}}, {{.Namespace}}, {{index .Labels "key"}} of the parent may be used.
container-name-template: "user-container"

# As above, for init containers.
init-container-name-template: "init-container"

# Requests that one container takes at a time (containerConcurrency); 0 means as many as come.
container-concurrency: "0"

# The largest containerConcurrency that a revision may ask for.
container-concurrency-max-limit: "1000"

# Whether a revision may set containerConcurrency to 0.
allow-container-concurrency-zero: "true"

# Whether pods get environment variables about Services: "true", "false", or "default" for Kubernetes' own choice.
enable-service-links: "false"
"""

CONFIG_DEFAULTS: Final = ConfigKind(SYSTEM_NAMESPACE, "config-defaults", parse, example=EXAMPLE)
