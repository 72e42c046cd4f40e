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

Operation = Literal["CREATE", "UPDATE", "DELETE"]


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


def no_defaults(obj: Obj, old: Obj | None, admission: Admission) -> Obj:
    return obj


def no_rules(obj: Any, old: Any, admission: Admission) -> list[FieldError]:
    return []


@dataclass(frozen=True, slots=True, eq=False)
class Kind(Generic[R]):
    """One kind in one version.

    `defaults` takes the object (a private copy, may be changed) and the stored one, and returns the completed object.
    `validate` takes typed views and returns every error it finds; warnings have level "warning".
    `builtin` kinds are Kubernetes' own: no CRD is listed for them and unknown fields are dropped, never stored.
    `webhook` names the admission webhook whose words a refusal uses.
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

    @property
    def singular(self) -> str:
        return self.kind.lower()

    @property
    def list_kind(self) -> str:
        return f"{self.kind}List"

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
    """All kinds of one platform, found by any of their names."""

    def __init__(self, kinds: Iterable[AnyKind]) -> None:
        self._all: tuple[AnyKind, ...] = tuple(kinds)
        self._by_path = {(k.group, k.version, k.plural): k for k in self._all}
        self._by_kind = {(k.api_version, k.kind): k for k in self._all}
        assert len(self._by_path) == len(self._all), "a kind is declared twice"

    def __iter__(self) -> Iterator[AnyKind]:
        return iter(self._all)

    def at(self, group: str, version: str, plural: str) -> AnyKind | None:
        return self._by_path.get((group, version, plural))

    def of(self, api_version: str, kind: str) -> AnyKind | None:
        return self._by_kind.get((api_version, kind))

    def called(self, name: str) -> list[AnyKind]:
        """Kinds that a person may mean by `name`: plural, singular, short, or `plural.group`."""
        wanted = name.lower()
        return [
            k
            for k in self._all
            if wanted in (k.plural, k.singular, k.resource, f"{k.plural}.{k.version}.{k.group}")
            or wanted in k.short_names
        ]
