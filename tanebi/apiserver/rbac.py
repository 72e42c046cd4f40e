"""Whether somebody may do something: Kubernetes' role-based access control as a function of roles and bindings. Pure.

Source: k8s.io/kubernetes plugin/pkg/auth/authorizer/rbac and pkg/registry/rbac. Rules only ever allow. A ClusterRole with an
aggregationRule has, besides its own, the rules of all ClusterRoles that its selectors match: found when it is asked, so that no
controller has to write them. Callers: tanebi.apiserver.authorization, tanebi.apiserver.reviews.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from tanebi.api.meta import Obj
from tanebi.api.selectors import from_object
from tanebi.apiserver.user import User

MASTERS: Final = "system:masters"
SERVICE_ACCOUNT: Final = "system:serviceaccount:"
ALL: Final = "*"


@dataclass(frozen=True, slots=True)
class Attributes:
    """What is to be done. `path` is there for what is no resource; then only `verb` counts besides."""

    verb: str
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""

    @property
    def full_resource(self) -> str:
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource


class Policy(Protocol):
    """Roles and bindings as they are stored."""

    def role(self, namespace: str, name: str) -> Obj | None: ...

    def cluster_role(self, name: str) -> Obj | None: ...

    def cluster_roles(self) -> Iterable[Obj]: ...

    def bindings(self, namespace: str) -> Iterable[Obj]: ...

    def cluster_bindings(self) -> Iterable[Obj]: ...


def allows(user: User, wanted: Attributes, policy: Policy) -> bool:
    if MASTERS in user.groups:
        return True
    return any(rule_allows(rule, wanted) for rule in rules_of(user, wanted.namespace, policy))


def rules_of(user: User, namespace: str, policy: Policy) -> Iterator[Mapping[str, Sequence[str]]]:
    """Every rule that `user` has in `namespace` (empty: the cluster's alone)."""
    for binding in policy.cluster_bindings():
        if _binds(binding, user, ""):
            yield from role_rules(binding["roleRef"], "", policy)
    if namespace:
        for binding in policy.bindings(namespace):
            if _binds(binding, user, namespace):
                yield from role_rules(binding["roleRef"], namespace, policy)


def role_rules(
    ref: Mapping[str, str], namespace: str, policy: Policy
) -> Iterator[Mapping[str, Sequence[str]]]:
    """The rules of a role that a binding names. One that is not there has none."""
    name = ref.get("name", "")
    if ref.get("kind") == "Role":
        role = policy.role(namespace, name) if namespace else None
        yield from (role or {}).get("rules") or ()
        return
    cluster_role = policy.cluster_role(name)
    if cluster_role is not None:
        yield from _with_aggregated(cluster_role, policy, {name})


def _with_aggregated(
    role: Obj, policy: Policy, seen: set[str]
) -> Iterator[Mapping[str, Sequence[str]]]:
    """Aggregated roles may aggregate others (`admin` has `edit`): each is taken once."""
    yield from role.get("rules") or ()
    selectors = (role.get("aggregationRule") or {}).get("clusterRoleSelectors") or ()
    if not selectors:
        return
    matchers = [from_object(selector) for selector in selectors]
    for other in policy.cluster_roles():
        meta = other["metadata"]
        labels = meta.get("labels") or {}
        if meta["name"] not in seen and any(one.matches(labels) for one in matchers):
            seen.add(meta["name"])
            yield from _with_aggregated(other, policy, seen)


def _binds(binding: Obj, user: User, namespace: str) -> bool:
    return any(_is_subject(one, user, namespace) for one in binding.get("subjects") or ())


def _is_subject(subject: Mapping[str, str], user: User, namespace: str) -> bool:
    name = subject.get("name", "")
    match subject.get("kind"):
        case "User":
            return user.name == name
        case "Group":
            return name in user.groups
        case "ServiceAccount":
            return user.name == f"{SERVICE_ACCOUNT}{subject.get('namespace') or namespace}:{name}"
    return False


def rule_allows(rule: Mapping[str, Sequence[str]], wanted: Attributes) -> bool:
    verbs = rule.get("verbs") or ()
    if ALL not in verbs and wanted.verb not in verbs:
        return False
    if wanted.path:
        return any(_path_matches(path, wanted.path) for path in rule.get("nonResourceURLs") or ())
    groups, names = rule.get("apiGroups") or (), rule.get("resourceNames") or ()
    return (
        (ALL in groups or wanted.group in groups)
        and _resource_matches(rule.get("resources") or (), wanted)
        and (not names or (wanted.name != "" and wanted.name in names))
    )


def _resource_matches(resources: Sequence[str], wanted: Attributes) -> bool:
    if ALL in resources or wanted.full_resource in resources:
        return True
    return bool(wanted.subresource) and f"*/{wanted.subresource}" in resources


def _path_matches(pattern: str, path: str) -> bool:
    return pattern in (ALL, path) or (pattern.endswith("*") and path.startswith(pattern[:-1]))


def missing(
    needed: Iterable[Mapping[str, Sequence[str]]], owned: Sequence[Mapping[str, Sequence[str]]]
) -> list[str]:
    """What `needed` allows and `owned` does not, as Kubernetes prints rules: one for each resource or path. Who gives rights away
    must have them."""
    found: dict[tuple[str, ...], list[str]] = {}
    for rule_needed in needed:
        for one in _pieces(rule_needed):
            if not any(rule_allows(rule, one) or _covers_all(rule, one) for rule in owned):
                verbs = found.setdefault(_place(one), [])
                if one.verb not in verbs:
                    verbs.append(one.verb)
    return sorted(
        f"{{{', '.join(place)}, Verbs:[{' '.join(map(_quoted, sorted(verbs)))}]}}"
        for place, verbs in found.items()
    )


def _place(one: Attributes) -> tuple[str, ...]:
    if one.path:
        return (f"NonResourceURLs:[{_quoted(one.path)}]",)
    resource = f"{one.resource}/{one.subresource}" if one.subresource else one.resource
    place = (f"APIGroups:[{_quoted(one.group)}]", f"Resources:[{_quoted(resource)}]")
    return (*place, f"ResourceNames:[{_quoted(one.name)}]") if one.name else place


def _quoted(text: str) -> str:
    return f'"{text}"'


def _pieces(rule: Mapping[str, Sequence[str]]) -> Iterator[Attributes]:
    """A rule as single rights; `*` stands for itself."""
    for verb in rule.get("verbs") or ():
        for path in rule.get("nonResourceURLs") or ():
            yield Attributes(verb, path=path)
        for group in rule.get("apiGroups") or ():
            for resource in rule.get("resources") or ():
                plural, _, sub = resource.partition("/")
                for name in rule.get("resourceNames") or ("",):
                    yield Attributes(verb, group, plural, sub, name=name)


def _covers_all(rule: Mapping[str, Sequence[str]], piece: Attributes) -> bool:
    """A prefix that is part of a longer one: `/api/*` covers `/api/v1/*`."""
    return bool(piece.path) and rule_allows(
        rule, Attributes(piece.verb, path=piece.path.rstrip("*"))
    )


def forbidden(user: User, wanted: Attributes) -> str:
    """Kubernetes' words."""
    who = f'User "{user.name}" cannot {wanted.verb}'
    if wanted.path:
        return f'forbidden: {who} path "{wanted.path}"'
    where = f'in the namespace "{wanted.namespace}"' if wanted.namespace else "at the cluster scope"
    what = f'{who} resource "{wanted.full_resource}" in API group "{wanted.group}" {where}'
    named = f' "{wanted.name}"' if wanted.name else ""
    plural = f"{wanted.resource}.{wanted.group}" if wanted.group else wanted.resource
    return f"{plural}{named} is forbidden: {what}"
