"""Filters: tables from the reference, and the algebra of all, any and not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventing.api.trigger_types import TriggerSpec
from eventing.filters import compile_filter, everything

EVENT = {
    "specversion": "1.0",
    "id": "1",
    "type": "com.example.order.created",
    "source": "/orders/eu",
    "empty": "",
    "dataschema": "http://schema/",
}


def accepts(**spec: Any) -> bool:
    return compile_filter(TriggerSpec.model_validate(spec))(EVENT)


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({}, True),
        ({"type": "com.example.order.created"}, True),
        ({"type": "other"}, False),
        ({"type": "com.example.order.created", "source": "/x"}, False),
        ({"type": ""}, True),
        ({"missing": ""}, False),
        ({"empty": ""}, False),
        ({"schemaurl": "http://schema/"}, True),
        ({"datamediatype": "text/plain"}, False),
    ],
)
def test_attributes(attributes: dict[str, str], expected: bool) -> None:
    assert accepts(filter={"attributes": attributes}) is expected


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        ({"exact": {"type": "com.example.order.created"}}, True),
        ({"exact": {"type": "com"}}, False),
        ({"exact": {"missing": ""}}, False),
        ({"prefix": {"type": "com.example."}}, True),
        ({"prefix": {"type": "org."}}, False),
        ({"suffix": {"type": ".created", "source": "/eu"}}, True),
        ({"suffix": {"type": ".created", "source": "/us"}}, False),
        ({"suffix": {"missing": "x"}}, False),
        ({"not": {"exact": {"id": "1"}}}, False),
        ({"not": {"exact": {"missing": "1"}}}, True),
        ({"all": [{"exact": {"id": "1"}}, {"prefix": {"source": "/orders"}}]}, True),
        ({"all": [{"exact": {"id": "1"}}, {"prefix": {"source": "/x"}}]}, False),
        ({"any": [{"exact": {"id": "2"}}, {"prefix": {"source": "/orders"}}]}, True),
        ({"any": [{"exact": {"id": "2"}}, {"exact": {"id": "3"}}]}, False),
        ({"not": {"any": [{"exact": {"id": "2"}}, {"not": {"exact": {"id": "1"}}}]}}, True),
        ({}, True),
    ],
)
def test_dialects(one: dict[str, Any], expected: bool) -> None:
    assert accepts(filters=[one]) is expected


def test_several_filters_must_all_match() -> None:
    assert accepts(filters=[{"exact": {"id": "1"}}, {"prefix": {"source": "/"}}])
    assert not accepts(filters=[{"exact": {"id": "1"}}, {"prefix": {"source": "x"}}])


def test_filters_override_filter() -> None:
    assert accepts(filter={"attributes": {"id": "9"}}, filters=[{"exact": {"id": "1"}}])


def test_no_filter_is_no_work() -> None:
    assert compile_filter(TriggerSpec()) is everything


names = st.sampled_from(["id", "type", "source", "missing"])
leaves = st.builds(
    lambda dialect, name, value: {dialect: {name: value}},
    st.sampled_from(["exact", "prefix", "suffix"]),
    names,
    st.sampled_from(["1", "/orders", "created", "x"]),
)
trees = st.recursive(
    leaves,
    lambda inner: (
        st.builds(lambda f: {"not": f}, inner)
        | st.builds(lambda fs: {"all": fs}, st.lists(inner, min_size=1, max_size=3))
        | st.builds(lambda fs: {"any": fs}, st.lists(inner, min_size=1, max_size=3))
    ),
    max_leaves=6,
)


@given(trees, trees)
def test_de_morgan(a: dict[str, Any], b: dict[str, Any]) -> None:
    neither = accepts(filters=[{"not": {"any": [a, b]}}])
    assert neither is accepts(filters=[{"all": [{"not": a}, {"not": b}]}])
