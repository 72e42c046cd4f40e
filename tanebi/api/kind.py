"""What a kind is: its names, its typed view, its columns, and the pure functions that admit it.

Each package declares its kinds in `<package>.api`; `tanebi.up` hands all of them to the API server, which knows none by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, Literal, Protocol, TypeVar

from tanebi.api.fielderrors import FieldError
from tanebi.api.meta import Obj, Resource

R = TypeVar("R", bound=Resource)
S = TypeVar("S")

Operation = Literal["CREATE", "UPDATE", "DELETE", "CONNECT"]


@dataclass(frozen=True, slots=True)
class ConfigKind(Generic[S]):
    """A ConfigMap with typed content. `parse` raises ValueError with the bad key and value in its text.

    `example` is the text of the shipped `_example` key: it documents each key and must parse to the defaults (tested).
    `data` holds the keys that are set when the platform is installed.
    """

    namespace: str
    name: str
    parse: Callable[[Mapping[str, str]], S]
    example: str = ""
    data: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)


class Configs(Protocol):
    """Live settings: the newest valid content of each ConfigMap, or its defaults."""

    def get(self, kind: ConfigKind[S]) -> S: ...


@dataclass(frozen=True, slots=True)
class Admission:
    """What a defaulting or validating function may know besides the object."""

    operation: Operation
    user: str
    now: datetime
    configs: Configs
    subresource: str = ""
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """A printer column. `path` is a JSONPath as in a CRD; `cell` computes what a path cannot say (built-in kinds).

    Kubernetes shows columns of priority 0 always and higher ones with `-o wide`. Type "date" prints as an age.
    """

    name: str
    path: str = ""
    type: Literal["string", "integer", "number", "boolean", "date"] = "string"
    priority: int = 0
    cell: Callable[[Obj, datetime], Any] | None = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class ScalePaths:
    """JSONPaths of the `/scale` subresource."""

    spec: str = ".spec.replicas"
    status: str = ".status.replicas"
    selector: str = ".status.selector"


class Structure(Protocol):
    """The schema of a kind that a user defined: what such an object may hold. Nothing here changes a schema."""

    @property
    def schema(self) -> Obj: ...

    def prune(self, obj: Obj) -> list[str]:
        """Remove from `obj`, in place, what the schema does not know. Returns the paths."""

    def complete(self, obj: Obj) -> None:
        """Fill in defaults, in place."""

    def problems(self, obj: Obj, old: Obj | None) -> list[Obj]:
        """Every fault, as StatusCauses."""


def no_defaults(obj: Obj, old: Obj | None, admission: Admission) -> Obj:
    return obj


def no_rules(obj: Any, old: Any, admission: Admission) -> list[FieldError]:
    return []


def no_problems(obj: Obj, old: Obj | None) -> list[Obj]:
    return []


@dataclass(frozen=True, slots=True, eq=False)
class Kind(Generic[R]):
    """One kind in one version.

    `defaults` takes the object (a private copy, may be changed) and the stored one, and returns the completed object.
    `validate` takes typed views and returns every error it finds; warnings have level "warning".
    `builtin` kinds are Kubernetes' own: no CRD is listed for them and unknown fields are dropped, never stored.
    `webhook` names the admission webhook whose words a refusal uses.
    `problems` is a rule on the object as it is, for kinds whose faults are StatusCauses already.
    `structure` is there for kinds that a user defined; `stored_as` then is the apiVersion that is stored, whichever version is
    asked for, and `converter` how the webhook is reached that makes one version of another (None: they differ by name alone).
    `fields` are the paths that field selectors may name besides metadata.name and metadata.namespace.
    `virtual` kinds are answered when they are created, and never stored.
    """

    group: str
    version: str
    kind: str
    plural: str
    model: type[R]
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    namespaced: bool = True
    status: bool = True
    scale: ScalePaths | None = None
    columns: tuple[Column, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    builtin: bool = False
    has_generation: bool = True
    webhook: str = ""
    defaults: Callable[[Obj, Obj | None, Admission], Obj] = no_defaults
    validate: Callable[[R, R | None, Admission], list[FieldError]] = no_rules
    problems: Callable[[Obj, Obj | None], list[Obj]] = no_problems
    singular_name: str = ""
    list_name: str = ""
    structure: Structure | None = None
    stored_as: str = ""
    fields: tuple[str, ...] = ()
    deprecation: str = ""
    virtual: bool = False
    converter: Mapping[str, Any] | None = None

    @property
    def singular(self) -> str:
        return self.singular_name or self.kind.lower()

    @property
    def list_kind(self) -> str:
        return self.list_name or f"{self.kind}List"

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def resource(self) -> str:
        """`services.serving.knative.dev`: unique among all kinds."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    def view(self, obj: Obj) -> R:
        """The typed view. Raises pydantic.ValidationError."""
        return self.model.model_validate(obj)

    def __repr__(self) -> str:
        return f"Kind({self.resource}/{self.version})"


AnyKind = Kind[Any]


class Kinds:
    """All kinds of one platform, found by any of their names. They may change while it runs: `generation` counts how often."""

    def __init__(self, kinds: Iterable[AnyKind]) -> None:
        self.generation = 0
        self._listeners: list[Callable[[str], None]] = []
        self._index(tuple(kinds))

    def _index(self, kinds: tuple[AnyKind, ...]) -> None:
        self._all = kinds
        self._by_path = {(k.group, k.version, k.plural): k for k in kinds}
        self._by_kind = {(k.api_version, k.kind): k for k in kinds}
        self._by_resource = {k.resource: k for k in reversed(kinds)}
        assert len(self._by_path) == len(kinds), "a kind is declared twice"

    def put(self, resource: str, versions: Iterable[AnyKind]) -> None:
        """Have these versions of `resource` in place of what there was; none: it is gone."""
        self._index((*(k for k in self._all if k.resource != resource), *versions))
        self.generation += 1
        for listener in self._listeners:
            listener(resource)

    def subscribe(self, listener: Callable[[str], None]) -> None:
        """Call `listener` with the resource of each change, synchronously."""
        self._listeners.append(listener)

    def __iter__(self) -> Iterator[AnyKind]:
        return iter(self._all)

    @property
    def resources(self) -> list[AnyKind]:
        """One kind for each resource, however many versions there are."""
        return list(self._by_resource.values())

    def at(self, group: str, version: str, plural: str) -> AnyKind | None:
        return self._by_path.get((group, version, plural))

    def of(self, api_version: str, kind: str) -> AnyKind | None:
        return self._by_kind.get((api_version, kind))

    def of_resource(self, resource: str) -> AnyKind | None:
        """The first version of `resource`: for user-defined kinds the stored one."""
        return self._by_resource.get(resource)

    def called(self, name: str) -> list[AnyKind]:
        """Kinds that a person may mean by `name`: plural, singular, short, or `plural.group`."""
        wanted = name.lower()
        return [
            k
            for k in self._all
            if wanted in (k.plural, k.singular, k.resource, f"{k.plural}.{k.version}.{k.group}")
            or wanted in k.short_names
        ]
