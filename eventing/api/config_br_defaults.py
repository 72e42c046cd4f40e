"""ConfigMap config-br-defaults: what a broker gets when its manifest does not say (reference/knative-eventing.md §1.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import yaml
from pydantic import ValidationError

from eventing.api.delivery_types import DeliverySpec
from eventing.api.names import OUR_CLASS, SYSTEM_NAMESPACE
from tanebi.api.kind import ConfigKind
from tanebi.api.meta import Obj, drop_nulls

KEY: Final = "default-br-config"
_REFERENCE: Final = ("apiVersion", "kind", "name", "namespace")

SHIPPED: Final = """\
clusterDefault:
  brokerClass: MTChannelBasedBroker
  apiVersion: v1
  kind: ConfigMap
  name: config-br-default-channel
  namespace: knative-eventing
  delivery:
    retry: 10
    backoffPolicy: exponential
    backoffDelay: PT0.2S
"""
EXAMPLE: Final = f"{KEY}: |\n" + "".join(f"  {line}\n" for line in SHIPPED.splitlines())


@dataclass(frozen=True, slots=True)
class ClassDefaults:
    """Defaults for brokers of one class. `config` and `delivery` are JSON, copied into the broker."""

    broker_class: str = ""
    config: Obj | None = None
    delivery: Obj | None = None
    own_namespace_only: bool = False


@dataclass(frozen=True, slots=True)
class ScopeDefaults:
    """Defaults of a namespace or of the cluster: its own, and those for certain classes."""

    own: ClassDefaults = field(default_factory=ClassDefaults)
    classes: Mapping[str, ClassDefaults] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BrokerDefaults:
    cluster: ScopeDefaults
    namespaces: Mapping[str, ScopeDefaults] = field(default_factory=dict)

    def broker_class(self, namespace: str) -> str:
        """The class of a broker whose manifest names none."""
        scope = self.namespaces.get(namespace)
        chosen = scope.own.broker_class if scope else ""
        return chosen or self.cluster.own.broker_class or OUR_CLASS

    def of(self, namespace: str, broker_class: str) -> ClassDefaults:
        """The first of: the namespace's for the class, the cluster's for the class, the cluster's own."""
        for scope in (self.namespaces.get(namespace), self.cluster):
            if scope is None:
                continue
            if broker_class in scope.classes:
                return scope.classes[broker_class]
            if scope.own.broker_class == broker_class and scope.own.config is not None:
                return scope.own
        return self.cluster.own

    def own_namespace_only(self, namespace: str) -> bool:
        """Whether a broker's config must be in the broker's namespace."""
        scope = self.namespaces.get(namespace)
        return scope is not None and scope.own.own_namespace_only


def parse(data: Mapping[str, str]) -> BrokerDefaults:
    """Raises ValueError naming the key and what is wrong in it."""
    try:
        tree = yaml.safe_load(data.get(KEY) or SHIPPED)
    except yaml.YAMLError as error:
        raise ValueError(f"{KEY}: not YAML: {error}") from error
    tree = _mapping(tree, KEY)
    cluster = _scope(tree.get("clusterDefault"), f"{KEY}.clusterDefault")
    spaces = _mapping(tree.get("namespaceDefaults"), f"{KEY}.namespaceDefaults")
    return BrokerDefaults(
        cluster,
        {ns: _scope(one, f"{KEY}.namespaceDefaults.{ns}") for ns, one in spaces.items()},
    )


def _mapping(value: Any, where: str) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ValueError(f"{where}: expected a mapping, got {value!r}")
    return value


def _scope(value: Any, where: str) -> ScopeDefaults:
    tree = _mapping(value, where)
    classes = _mapping(tree.get("brokerClasses"), f"{where}.brokerClasses")
    return ScopeDefaults(
        _defaults(tree, where),
        {
            name: _defaults(_mapping(one, f"{where}.brokerClasses.{name}"), where, name)
            for name, one in classes.items()
        },
    )


def _defaults(tree: dict[str, Any], where: str, broker_class: str = "") -> ClassDefaults:
    reference = {key: tree[key] for key in _REFERENCE if tree.get(key)}
    delivery = tree.get("delivery")
    if delivery is not None:
        delivery = drop_nulls(_mapping(delivery, f"{where}.delivery"))
        try:
            DeliverySpec.model_validate(delivery)
        except ValidationError as error:
            raise ValueError(f"{where}.delivery: {error}") from error
    return ClassDefaults(
        broker_class or tree.get("brokerClass") or "",
        reference or None,
        delivery,
        bool(tree.get("disallowDifferentNamespaceConfig")),
    )


BROKER_DEFAULTS: Final = ConfigKind(
    SYSTEM_NAMESPACE, "config-br-defaults", parse, EXAMPLE, {KEY: SHIPPED}
)
