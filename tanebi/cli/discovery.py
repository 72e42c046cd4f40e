"""Which kinds the platform serves, found by any name a person may use. Asked of the server each time; nothing is kept."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from tanebi.base.errors import UserError
from tanebi.cli.client import Api

AGGREGATED: Final = (
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"
)
DISCOVERY_KIND: Final = "APIGroupDiscoveryList"
# Names that two groups share mean Knative's kind here, as `kn` users expect; `services.v1.` and the full name choose.
PREFERRED_GROUPS: Final = (
    "serving.knative.dev",
    "eventing.knative.dev",
    "sources.knative.dev",
    "",
    "apps",
)


@dataclass(frozen=True, slots=True)
class ResourceType:
    """One kind in one version, as discovery tells it."""

    group: str
    version: str
    plural: str
    singular: str
    kind: str
    namespaced: bool
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def qualified(self) -> str:
        """`service.serving.knative.dev`: how kubectl names a type in its messages."""
        return f"{self.singular}.{self.group}" if self.group else self.singular

    @property
    def resource(self) -> str:
        return f"{self.plural}.{self.group}" if self.group else self.plural

    def path(self, namespace: str | None, name: str = "", subresource: str = "") -> str:
        """`namespace=None` means all namespaces."""
        base = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        scope = f"/namespaces/{namespace}" if self.namespaced and namespace else ""
        tail = "".join(f"/{part}" for part in (name, subresource) if part)
        return f"{base}{scope}/{self.plural}{tail}"

    def names(self) -> Iterable[str]:
        yield from (self.plural, self.singular, self.resource, self.qualified)
        yield from (f"{self.plural}.{self.version}.{self.group}", self.kind.lower())
        yield from self.short_names


class Catalog:
    """All types, in the server's order."""

    def __init__(self, types: Iterable[ResourceType]) -> None:
        self.types = tuple(types)

    @classmethod
    def of(cls, api: Api) -> Catalog:
        found: list[ResourceType] = []
        for root in ("/api", "/apis"):
            answer = api.get(root, accept=AGGREGATED)
            if answer.get("kind") == DISCOVERY_KIND:
                found += _aggregated(answer)
            else:
                found += _classic(api, root, answer)
        return cls(found)

    def find(self, name: str) -> ResourceType:
        """The type a person means. Raises UserError when there is none."""
        wanted = name.lower()
        matches = [t for t in self.types if wanted in t.names()]
        if not matches:
            raise UserError(
                "unknown-kind",
                f"the server doesn't have a resource type {name!r}",
                hint="known: " + ", ".join(sorted({t.plural for t in self.types})),
            )
        return min(matches, key=_preference)

    def of_object(self, api_version: str, kind: str) -> ResourceType | None:
        for type_ in self.types:
            if (type_.api_version, type_.kind) == (api_version, kind):
                return type_
        return None

    def category(self, name: str) -> list[ResourceType]:
        return [t for t in self.types if name in t.categories]

    def several(self, names: str) -> list[ResourceType]:
        """Types of `a,b,all`: categories unfold."""
        found: list[ResourceType] = []
        for name in names.split(","):
            chosen = self.category(name.lower()) or [self.find(name)]
            found += [t for t in chosen if t not in found]
        return found


def _preference(type_: ResourceType) -> int:
    known = type_.group in PREFERRED_GROUPS
    return PREFERRED_GROUPS.index(type_.group) if known else len(PREFERRED_GROUPS)


def _aggregated(answer: dict[str, Any]) -> list[ResourceType]:
    found = []
    for group in answer.get("items") or ():
        for version in group.get("versions") or ():
            for item in version.get("resources") or ():
                found.append(
                    ResourceType(
                        group=group.get("metadata", {}).get("name", ""),
                        version=version["version"],
                        plural=item["resource"],
                        singular=item.get("singularResource") or item["resource"],
                        kind=item["responseKind"]["kind"],
                        namespaced=item["scope"] == "Namespaced",
                        short_names=tuple(item.get("shortNames") or ()),
                        categories=tuple(item.get("categories") or ()),
                    )
                )
    return found


def _classic(api: Api, root: str, answer: dict[str, Any]) -> list[ResourceType]:
    if root == "/api":
        paths = [("", version) for version in answer.get("versions") or ()]
    else:
        paths = [
            (group["name"], version["version"])
            for group in answer.get("groups") or ()
            for version in group["versions"]
        ]
    found = []
    for group, version in paths:
        where = f"/apis/{group}/{version}" if group else f"/api/{version}"
        for item in api.get(where).get("resources") or ():
            if "/" not in item["name"]:
                found.append(_classic_type(group, version, item))
    return found


def _classic_type(group: str, version: str, item: dict[str, Any]) -> ResourceType:
    return ResourceType(
        group=group,
        version=version,
        plural=item["name"],
        singular=item.get("singularName") or item["kind"].lower(),
        kind=item["kind"],
        namespaced=bool(item["namespaced"]),
        short_names=tuple(item.get("shortNames") or ()),
        categories=tuple(item.get("categories") or ()),
    )
