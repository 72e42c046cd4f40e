"""What a container is told: its command, its variables, its files.

Pure: ConfigMaps and Secrets are looked up through functions, and files are returned as content. `$(NAME)` is replaced as in
Kubernetes (third_party/forked/golang/expansion): `$$(NAME)` stays as `$(NAME)`, an unknown name stays as it is.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal
from typing import Final, TypeVar

from tanebi.api import quantity
from tanebi.api.core.network import Service
from tanebi.api.core.plain import ConfigMap, Secret
from tanebi.api.core.pod import (
    Container,
    EnvVar,
    EnvVarSource,
    KeyToPath,
    Pod,
    ResourceFieldRef,
    Volume,
)
from tanebi.kubelet import servicevars
from tanebi.kubelet.ports import POD_IP, PortMap

PORT: Final = "PORT"
API_ACCESS: Final = "kube-api-access"
VOLUME_VARIABLE: Final = "TANEBI_VOLUME_"  # + the volume's name in capitals: where its files are

_REFERENCE: Final = re.compile(r"\$(\$|\(([^()$]+)\))")
_KEYED: Final = re.compile(r"^metadata\.(labels|annotations)\['(.+)'\]$")

T = TypeVar("T")


class ConfigError(Exception):
    """The pod asks for something that is not there; Kubernetes' words for CreateContainerConfigError."""


def no_claims(namespace: str, name: str) -> str:
    """Raises ConfigError."""
    raise ConfigError(f'persistentvolumeclaim "{name}" not found')


@dataclass(frozen=True, slots=True)
class Sources:
    """Where values come from, by namespace and name; how a URL looks from where the pod runs, and the pod's address."""

    config_map: Callable[[str, str], ConfigMap | None]
    secret: Callable[[str, str], Secret | None]
    local_url: Callable[[str], str]
    address: str = POD_IP
    host: str = POD_IP  # the machine's own address
    machine: Mapping[str, str] = field(default_factory=dict)  # what it has: cpu, memory
    claim: Callable[[str, str], str] = no_claims  # the folder behind a PersistentVolumeClaim
    services: Callable[[str], Sequence[Service]] = lambda namespace: ()  # of a namespace
    tokens: Mapping[tuple[str, int], bytes] = field(default_factory=dict)  # audience, seconds


def variables(pod: Pod, container: Container, ports: PortMap, sources: Sources) -> dict[str, str]:
    """Raises ConfigError."""
    linked = pod.spec.enable_service_links is not False
    found = servicevars.variables(sources.services(pod.metadata.namespace)) if linked else {}
    for source in container.env_from:
        for name, value in _whole(pod, source, sources).items():
            found[f"{source.prefix}{name}"] = value
    for variable in container.env:
        own = _value(pod, container, variable, found, sources)
        if own is not None:
            found[variable.name] = sources.local_url(own)
    return found | _port(container, found, ports)


def command(
    container: Container, image_command: Sequence[str], env: Mapping[str, str]
) -> tuple[str, ...]:
    """`command` replaces what the image would run, `args` are added to it. Empty when nobody says what to run."""
    own = [expand(word, env) for word in container.command]
    args = [expand(word, env) for word in container.args]
    if own or not args:
        return (*(own or image_command), *args)
    if list(image_command[:2]) == ["/bin/sh", "-c"]:
        return (*image_command[:2], f'{image_command[2]} "$@"', "sh", *args)
    return (*image_command, *args)


def expand(text: str, env: Mapping[str, str]) -> str:
    """Replace every `$(NAME)` that is known."""

    def one(found: re.Match[str]) -> str:
        if found[1] == "$":
            return "$"
        return env.get(found[2], found[0])

    return _REFERENCE.sub(one, text)


def expand_strictly(text: str, env: Mapping[str, str]) -> tuple[str, list[str]]:
    """The same, and the names that are not known."""
    named = (found[2] for found in _REFERENCE.finditer(text) if found[2])
    return expand(text, env), [name for name in named if name not in env]


def volume_files(volume: Volume, namespace: str, sources: Sources) -> dict[str, bytes] | None:
    """Path to content; None for a kind of volume that this runtime does not have. Raises ConfigError."""
    if volume.empty_dir is not None:
        return {}
    if (maps := volume.config_map) is not None:
        found = _required(
            sources.config_map(namespace, maps.name), "configmap", maps.name, maps.optional
        )
        return (
            _selected(_config_bytes(found), maps.items, f"configmap {maps.name!r}") if found else {}
        )
    if (keep := volume.secret) is not None:
        secret = _required(
            sources.secret(namespace, keep.secret_name), "secret", keep.secret_name, keep.optional
        )
        return (
            _selected(_secret_bytes(secret), keep.items, f"secret {keep.secret_name!r}")
            if secret
            else {}
        )
    return None


def uses(pod: Pod, kind: str, name: str) -> bool:
    """Whether a volume of the pod shows the ConfigMap or Secret (`kind`) of that name."""
    for volume in pod.spec.volumes:
        sources = volume.projected.sources if volume.projected else []
        if kind == "Secret":
            own = volume.secret.secret_name if volume.secret else ""
            further = [(source.get("secret") or {}).get("name") for source in sources]
        else:
            own = volume.config_map.name if volume.config_map else ""
            further = [(source.get("configMap") or {}).get("name") for source in sources]
        if name in (own, *further):
            return True
    return False


def shows_itself(pod: Pod) -> bool:
    """Whether a volume of the pod shows its labels or annotations."""
    projected = [s for v in pod.spec.volumes if v.projected for s in v.projected.sources]
    return any(v.downward_api for v in pod.spec.volumes) or any(
        "downwardAPI" in source for source in projected
    )


def volume_variable(volume: str) -> str:
    if volume.startswith(API_ACCESS) and len(volume) == len(API_ACCESS) + 6:
        volume = API_ACCESS  # what follows was drawn by lot
    return VOLUME_VARIABLE + volume.upper().replace("-", "_")


def _value(
    pod: Pod, container: Container, variable: EnvVar, known: Mapping[str, str], sources: Sources
) -> str | None:
    if variable.value_from is None:
        return expand(variable.value, known)
    return _from(pod, container, variable.value_from, sources)


def _from(pod: Pod, container: Container, source: EnvVarSource, sources: Sources) -> str | None:
    ns = pod.metadata.namespace
    if (ref := source.config_map_key_ref) is not None:
        found = _required(sources.config_map(ns, ref.name), "configmap", ref.name, ref.optional)
        data: Mapping[str, str] = found.data if found else {}
        return _keyed(data, ref.key, f"ConfigMap {ns}/{ref.name}", ref.optional)
    if (ref := source.secret_key_ref) is not None:
        secret = _required(sources.secret(ns, ref.name), "secret", ref.name, ref.optional)
        content = _text(_secret_bytes(secret)) if secret else {}
        return _keyed(content, ref.key, f"Secret {ns}/{ref.name}", ref.optional)
    if source.field_ref is not None:
        return pod_field(pod, source.field_ref.field_path, sources.address, sources.host)
    if source.resource_field_ref is not None:
        return resource_field(pod, source.resource_field_ref, container, sources.machine)
    raise ConfigError("valueFrom names no source")


def resource_field(
    pod: Pod, wanted: ResourceFieldRef, container: Container | None, machine: Mapping[str, str]
) -> str:
    """An amount in whole units of the divisor, rounded up. What has no limit may use the machine. Raises ConfigError."""
    name = wanted.container_name or (container.name if container else "")
    everyone = (*pod.spec.containers, *pod.spec.init_containers)
    found = next((one for one in everyone if one.name == name), None)
    where, _, resource = wanted.resource.partition(".")
    if found is None or where not in ("limits", "requests") or not resource:
        raise ConfigError(f"unsupported container resource: {wanted.resource} of {name!r}")
    limits, requests = found.resources.limits, found.resources.requests
    given = limits if where == "limits" else {**limits, **requests}
    default = machine.get(resource, "0") if where == "limits" else "0"
    try:
        amount = quantity.parse(given.get(resource, default))
        divisor = quantity.parse(wanted.divisor or "1") or Decimal(1)
    except ValueError as error:
        raise ConfigError(str(error)) from error
    return str((amount / divisor).to_integral_value(ROUND_CEILING))


def pod_field(pod: Pod, path: str, address: str = POD_IP, host: str = POD_IP) -> str:
    """The downward API. Raises ConfigError."""
    if keyed := _KEYED.match(path):
        found = pod.metadata.labels if keyed[1] == "labels" else pod.metadata.annotations
        return found.get(keyed[2], "")
    values = {
        "metadata.name": pod.metadata.name,
        "metadata.namespace": pod.metadata.namespace,
        "metadata.uid": pod.metadata.uid,
        "spec.nodeName": pod.spec.node_name,
        "spec.serviceAccountName": pod.spec.service_account_name,
        "status.hostIP": host,
        "status.hostIPs": host,
        "status.podIP": address,
        "status.podIPs": address,
    }
    if path not in values:
        raise ConfigError(f"unsupported fieldPath: {path}")
    return values[path]


def _whole(pod: Pod, source: object, sources: Sources) -> Mapping[str, str]:
    ns = pod.metadata.namespace
    maps, keep = getattr(source, "config_map_ref", None), getattr(source, "secret_ref", None)
    if maps is not None:
        found = _required(sources.config_map(ns, maps.name), "configmap", maps.name, maps.optional)
        return found.data if found else {}
    if keep is not None:
        secret = _required(sources.secret(ns, keep.name), "secret", keep.name, keep.optional)
        return _text(_secret_bytes(secret)) if secret else {}
    return {}


def _port(container: Container, env: Mapping[str, str], ports: PortMap) -> dict[str, str]:
    """PORT as the real port: where it names a declared port, and where the pod says nothing of PORT."""
    if PORT in env:
        declared = int(env[PORT]) if env[PORT].isdigit() else 0
    else:
        declared = container.ports[0].container_port if container.ports else 0
    return {PORT: str(ports[declared])} if declared in ports else {}


def _required(found: T | None, what: str, name: str, optional: bool | None) -> T | None:
    if found is None and not optional:
        raise ConfigError(f'{what} "{name}" not found')
    return found


def _keyed(data: Mapping[str, str], key: str, where: str, optional: bool | None) -> str | None:
    if key not in data and not optional:
        raise ConfigError(f"couldn't find key {key} in {where}")
    return data.get(key)


def _selected(
    content: Mapping[str, bytes], items: Sequence[KeyToPath], where: str
) -> dict[str, bytes]:
    if not items:
        return dict(content)
    missing = [item.key for item in items if item.key not in content]
    if missing:
        raise ConfigError(f"references non-existent key in {where}: {missing[0]}")
    unsafe = [
        item.path for item in items if item.path.startswith("/") or ".." in item.path.split("/")
    ]
    if unsafe:
        raise ConfigError(f"path must stay inside the volume: {unsafe[0]}")
    return {item.path: content[item.key] for item in items}


def _config_bytes(found: ConfigMap) -> dict[str, bytes]:
    binary = {k: _decoded(v, k) for k, v in found.binary_data.items()}
    return {k: v.encode() for k, v in found.data.items()} | binary


def _secret_bytes(found: Secret) -> dict[str, bytes]:
    plain = {k: v.encode() for k, v in found.string_data.items()}
    return {k: _decoded(v, k) for k, v in found.data.items()} | plain


def _decoded(value: str, key: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except binascii.Error as error:
        raise ConfigError(f"illegal base64 data at key {key}") from error


def _text(content: Mapping[str, bytes]) -> dict[str, str]:
    return {k: v.decode("utf-8", "replace") for k, v in content.items()}
