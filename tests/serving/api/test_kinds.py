"""The declarations of the kinds."""

from __future__ import annotations

import copy
import types
import typing
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from serving.api import CONFIGS, CONFIGURATION, KINDS, REVISION, ROUTE, SERVICE
from tanebi.api.kind import Kinds
from tanebi.api.meta import ObjectMeta


@pytest.mark.parametrize(
    ("kind", "names", "columns"),
    [
        (SERVICE, ("kservice", "ksvc"), ["URL", "LatestCreated", "LatestReady", "Ready", "Reason"]),
        (CONFIGURATION, ("config", "cfg"), ["LatestCreated", "LatestReady", "Ready", "Reason"]),
        (
            REVISION,
            ("rev",),
            ["Config Name", "Generation", "Ready", "Reason", "Actual Replicas", "Desired Replicas"],
        ),
        (ROUTE, ("rt",), ["URL", "Ready", "Reason"]),
    ],
)
def test_names_and_columns(kind: object, names: object, columns: object) -> None:
    assert kind in KINDS
    found = next(k for k in KINDS if k is kind)
    assert found.short_names == names
    assert [c.name for c in found.columns][: len(columns)] == columns  # type: ignore[arg-type]
    assert set(found.categories) >= {"all", "knative", "serving"}
    assert (found.group, found.version) == ("serving.knative.dev", "v1")


def test_people_find_them() -> None:
    assert Kinds(KINDS).called("ksvc") == [SERVICE]
    assert Kinds(KINDS).called("revisions.serving.knative.dev") == [REVISION]


def test_config_maps() -> None:
    assert [c.name for c in CONFIGS] == [
        "config-defaults",
        "config-deployment",
        "config-domain",
        "config-features",
        "config-gc",
        "config-leader-election",
        "config-logging",
        "config-network",
        "config-observability",
    ]
    assert {c.namespace for c in CONFIGS} == {"knative-serving"}


# --- anything that its types admit is completed and judged, and nothing breaks ---
WORDS = st.sampled_from(
    ["", "a", "user-container", "PORT", "h2c", "TCP", "/x", "dev.local/x", "1", "-1", "10s"]
)
NUMBERS = st.sampled_from([-1, 0, 1, 80, 8012, 301, 601, 70000])


def values(type_: Any) -> st.SearchStrategy[Any]:
    """JSON of the type that a view declares."""
    origin, arguments = typing.get_origin(type_), typing.get_args(type_)
    if origin in (typing.Union, types.UnionType):
        return st.one_of([values(a) for a in arguments if a is not type(None)])
    if origin is list:
        return st.lists(values(arguments[0]), max_size=2)
    if origin is dict:
        return st.dictionaries(WORDS, values(arguments[1]), max_size=2)
    if type_ is typing.Any:
        return WORDS | NUMBERS | st.lists(NUMBERS, max_size=1) | st.dictionaries(WORDS, WORDS)
    if isinstance(type_, type) and issubclass(type_, BaseModel):
        return st.deferred(lambda: members(type_))
    return {str: WORDS, int: NUMBERS, bool: st.booleans(), float: st.just(0.5)}[type_]


def members(model: type[BaseModel]) -> st.SearchStrategy[Any]:
    fields = {(f.alias or name): f.annotation for name, f in model.model_fields.items()}
    skipped = ("ownerReferences", "managedFields")
    return st.fixed_dictionaries(
        {}, optional={name: values(t) for name, t in fields.items() if name not in skipped}
    )


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
@pytest.mark.parametrize("secure", ["disabled", "enabled"])
def test_nothing_that_the_types_admit_breaks_admission(
    admission: Any, kind: Any, secure: str
) -> None:
    features = {"secure-pod-defaults": secure, "kubernetes.podspec-init-containers": secure}
    configs = {"config-features": features}
    spec = kind.model.model_fields["spec"].annotation

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(members(ObjectMeta), values(spec), values(spec))
    def holds(meta: Any, new: Any, old: Any) -> None:
        obj, before = {"metadata": meta, "spec": new}, {"metadata": meta, "spec": old}
        once = kind.defaults(copy.deepcopy(obj), None, admission(configs=configs))
        again = kind.defaults(copy.deepcopy(once), None, admission(configs=configs))
        assert once == again, "what is complete is completed no further"
        kind.validate(kind.view(once), None, admission(configs=configs))
        update = admission("UPDATE", configs=configs)
        later = kind.defaults(copy.deepcopy(once), before, update)
        kind.validate(kind.view(later), kind.view(before), update)

    holds()
