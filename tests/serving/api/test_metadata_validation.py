"""Names, labels and annotations; the tables are with the kinds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.api.metadata_validation import (
    difference,
    label_prefix_problems,
    validate_name,
    validate_progress_deadline,
    validate_rollout_duration,
    validate_template_annotations,
)
from tanebi.api.fielderrors import render
from tanebi.api.meta import ObjectMeta

DEADLINE = "serving.knative.dev/progress-deadline"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("10s", ""),
        ("", ""),
        ("0s", f"progress-deadline=0s must be positive: {DEADLINE}"),
        ("1.5s", f"progress-deadline=1.5s is not at second precision: {DEADLINE}"),
        ("x", f"invalid value: x: {DEADLINE}"),
    ],
)
def test_progress_deadline(text: str, error: str) -> None:
    assert render(validate_progress_deadline({DEADLINE: text})) == error


def test_the_old_spelling_of_the_rollout_duration() -> None:
    key = "serving.knative.dev/rolloutDuration"
    assert render(validate_rollout_duration({key: "x"})) == f"invalid value: x: {key}"
    assert validate_rollout_duration({key: "0s"}) == []


def test_a_prefix_may_end_in_a_dash() -> None:
    assert label_prefix_problems("hello-") == ""
    assert label_prefix_problems("-") != ""
    assert validate_name(ObjectMeta(generate_name="hello-")) == []


def test_an_old_annotation_is_warned_of() -> None:
    key = "queue.sidecar.serving.knative.dev/resource-percentage"
    (warning,) = validate_template_annotations({key: "20"})
    assert warning.level == "warning"
    (error,) = validate_template_annotations({key: "x"})
    assert error.level == "error"


def test_a_difference_names_leaves() -> None:
    old = {"a": 1, "b": [{"c": "x"}], "d": True}
    new = {"a": 1, "b": [{"c": "y"}], "e": 2}
    assert difference(old, new, "{s}") == (
        '{s}.b[0].c:\n\t-: "x"\n\t+: "y"\n{s}.d:\n\t-: true\n\t+: <unset>\n{s}.e:\n\t-: <unset>\n\t+: 2\n'
    )


json = st.recursive(
    st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(json, json)
def test_only_equals_have_no_difference(one: object, other: object) -> None:
    assert difference(one, one, "x") == ""
    assert (difference({"a": one}, {"a": other}, "x") == "") is (one == other)
