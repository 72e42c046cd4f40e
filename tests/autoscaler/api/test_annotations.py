"""Every key, every bound, every message (reference/knative-serving.md §1.7)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import autoscaler.api.annotations as keys
from autoscaler.api import validate_annotations
from autoscaler.api.annotations import EVERY_KEY, duration_s, find, integer, number, text
from autoscaler.api.config_autoscaler import DEFAULTS
from tanebi.api.fielderrors import render

PREFIX = "autoscaling.knative.dev/"


def check(annotations: dict[str, str], **settings: object) -> str:
    full = {PREFIX + key: value for key, value in annotations.items()}
    return render(validate_annotations(full, replace(DEFAULTS, **settings)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "annotations",
    [
        {},
        {"class": "kpa.autoscaling.knative.dev"},
        {"class": "hpa.autoscaling.knative.dev", "metric": "memory"},
        {"class": "hpa.autoscaling.knative.dev", "metric": "anything"},
        {"class": "autoscaler.example.com", "metric": "whatever"},
        {"metric": "concurrency"},
        {"metric": "rps"},
        {"target": "0.01"},
        {"target": "1e3"},
        {"target-utilization-percentage": "1"},
        {"target-utilization-percentage": "100"},
        {"targetUtilizationPercentage": "62.5"},
        {"target-burst-capacity": "-1"},
        {"target-burst-capacity": "0"},
        {"target-burst-capacity": "12.5"},
        {"min-scale": "0", "max-scale": "0"},
        {"min-scale": "5", "max-scale": "5"},
        {"min-scale": "5", "max-scale": "0"},
        {"initial-scale": "1"},
        {"activation-scale": "2"},
        {"activation-scale": "3", "min-scale": "3", "max-scale": "3"},
        {"window": "6s"},
        {"window": "1h"},
        {"window": "1m30s"},
        {"panic-window-percentage": "1", "panic-threshold-percentage": "110"},
        {"panic-window-percentage": "100", "panic-threshold-percentage": "1000"},
        {"scale-down-delay": "0s"},
        {"scale-down-delay": "1h"},
        {"scale-to-zero-pod-retention-period": "0"},
        {"scale-to-zero-pod-retention-period": "1m1s500ms"},
        {"metric-aggregation-algorithm": "linear"},
        {
            "class": "kpa.autoscaling.knative.dev",
            "metricAggregationAlgorithm": "weightedExponential",
        },
        {"class": "x.example.com", "metric-aggregation-algorithm": "median"},
    ],
)
def test_good(annotations: dict[str, str]) -> None:
    assert check(annotations) == ""


@pytest.mark.parametrize(
    ("annotations", "message"),
    [
        (
            {"class": "my.autoscaling.knative.dev"},
            "invalid value: my.autoscaling.knative.dev: {}class",
        ),
        ({"metric": "cpu"}, "invalid value: cpu: {}metric"),
        (
            {"class": "hpa.autoscaling.knative.dev", "metric": ""},
            "invalid value: : {}metric",
        ),
        ({"target": "0"}, "target 0 should be at least 0.01: {}target"),
        ({"target": "-10"}, "target -10 should be at least 0.01: {}target"),
        ({"target": "many"}, "invalid value: many: {}target"),
        ({"target": "NaN"}, "invalid value: NaN: {}target"),
        (
            {"target-utilization-percentage": "0.9"},
            "expected 1 <= 0.9 <= 100: {}target-utilization-percentage",
        ),
        (
            {"targetUtilizationPercentage": "101"},
            "expected 1 <= 101 <= 100: {}targetUtilizationPercentage",
        ),
        ({"target-burst-capacity": "-2"}, "invalid value: -2: {}target-burst-capacity"),
        ({"target-burst-capacity": "lots"}, "invalid value: lots: {}target-burst-capacity"),
        ({"min-scale": "-1"}, "expected 0 <= -1 <= 2147483647: {}min-scale"),
        ({"minScale": "1.5"}, "invalid value: 1.5: {}minScale"),
        ({"max-scale": "4294967296"}, "expected 0 <= 4294967296 <= 2147483647: {}max-scale"),
        (
            {"min-scale": "3", "max-scale": "2"},
            "max-scale=2 is less than min-scale=3: {}max-scale, {}min-scale",
        ),
        ({"initial-scale": "-1"}, "invalid value: -1: {}initial-scale must be greater than 0"),
        ({"initial-scale": "0"}, "invalid value: 0: {}initial-scale=0 not allowed by cluster"),
        ({"initialScale": "one"}, "invalid value: one: {}initialScale"),
        (
            {"activation-scale": "1"},
            "activation-scale=1 must be greater than 1: {}activation-scale",
        ),
        (
            {"activation-scale": "3", "min-scale": "4"},
            "min-scale=4 is greater than activation-scale=3: {}activation-scale",
        ),
        (
            {"activation-scale": "3", "max-scale": "2"},
            "max-scale=2 is less than activation-scale=3: {}activation-scale",
        ),
        ({"activation-scale": "x"}, "invalid value: x: {}activation-scale"),
        ({"window": "5s"}, "expected 6s <= 5s <= 1h0m0s: {}window"),
        ({"window": "1h1s"}, "expected 6s <= 1h1s <= 1h0m0s: {}window"),
        ({"window": "6s100ms"}, "must be specified with at most second precision: {}window"),
        ({"window": "jerry"}, "invalid value: jerry: {}window"),
        (
            {"panic-window-percentage": "0.5"},
            "expected 1 <= 0.5 <= 100: {}panic-window-percentage",
        ),
        (
            {"panicWindowPercentage": "nope"},
            "invalid value: nope: {}panicWindowPercentage",
        ),
        (
            {"panic-threshold-percentage": "109"},
            "expected 110 <= 109 <= 1000: {}panic-threshold-percentage",
        ),
        ({"scale-down-delay": "-1s"}, "expected 0s <= -1s <= 1h0m0s: {}scale-down-delay"),
        ({"scale-down-delay": "2h"}, "expected 0s <= 2h <= 1h0m0s: {}scale-down-delay"),
        (
            {"scaleDownDelay": "1s5ms"},
            "must be specified with at most second precision: {}scaleDownDelay",
        ),
        (
            {"scale-to-zero-pod-retention-period": "61m"},
            "expected 0s <= 61m <= 1h0m0s: {}scale-to-zero-pod-retention-period",
        ),
        (
            {"class": "kpa.autoscaling.knative.dev", "metric-aggregation-algorithm": "median"},
            "invalid value: median: {}metric-aggregation-algorithm",
        ),
    ],
)
def test_bad(annotations: dict[str, str], message: str) -> None:
    assert check(annotations) == message.replace("{}", PREFIX)


def test_the_largest_max_scale_may_be_limited() -> None:
    assert check({"max-scale": "5"}, max_scale_limit=5) == ""
    assert (
        check({"max-scale": "6"}, max_scale_limit=5) == f"expected 1 <= 6 <= 5: {PREFIX}max-scale"
    )
    assert check({"max-scale": "0"}, max_scale_limit=5) == (
        f"max-scale=0 (unlimited), must be less than 5: {PREFIX}max-scale"
    )
    assert check({}, max_scale_limit=5) == ""


def test_starting_with_none_may_be_allowed() -> None:
    assert check({"initial-scale": "0"}, allow_zero_initial_scale=True) == ""


def test_several_errors_come_together() -> None:
    assert check({"target": "0", "window": "1s", "metric": "x"}).count("\n") == 2


def test_an_unknown_algorithm_without_a_class_is_only_a_warning() -> None:
    (error,) = validate_annotations({f"{PREFIX}metric-aggregation-algorithm": "median"}, DEFAULTS)
    assert error.level == "warning"


# --- readers ---
def test_the_hyphen_form_wins() -> None:
    both = {f"{PREFIX}minScale": "1", f"{PREFIX}min-scale": "2"}
    assert find(both, keys.MIN_SCALE) == (f"{PREFIX}min-scale", "2")
    assert integer(both, keys.MIN_SCALE) == 2
    assert integer({f"{PREFIX}minScale": "1"}, keys.MIN_SCALE) == 1


def test_what_cannot_be_read_is_absent() -> None:
    bad = {name: "garbage" for names in EVERY_KEY for name in names}
    assert integer(bad, keys.MIN_SCALE) is None
    assert number(bad, keys.TARGET) is None
    assert duration_s(bad, keys.WINDOW) is None
    assert integer({f"{PREFIX}min-scale": "-3"}, keys.MIN_SCALE) is None
    assert number({f"{PREFIX}target": "inf"}, keys.TARGET) is None
    assert text({}, keys.CLASS) is None
    assert keys.algorithm(bad) == "linear"


def test_defaults_of_class_metric_and_initial_scale() -> None:
    assert keys.autoscaler_class({}, DEFAULTS) == "kpa.autoscaling.knative.dev"
    assert keys.metric({}) == "concurrency"
    assert keys.initial_scale({}, replace(DEFAULTS, initial_scale=3)) == 3
    none = {f"{PREFIX}initial-scale": "0"}
    assert keys.initial_scale(none, DEFAULTS) == 1
    assert keys.initial_scale(none, replace(DEFAULTS, allow_zero_initial_scale=True)) == 0
    assert keys.algorithm({f"{PREFIX}metricAggregationAlgorithm": "weightedExponential"}) == (
        "weighted-exponential"
    )


@given(st.sampled_from([name for names in EVERY_KEY for name in names]), st.text(max_size=20))
def test_no_text_breaks_reader_or_rule(name: str, value: str) -> None:
    annotations = {name: value}
    validate_annotations(annotations, DEFAULTS)
    for names in EVERY_KEY:
        integer(annotations, names)
        number(annotations, names)
        duration_s(annotations, names)
