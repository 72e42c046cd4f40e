"""config-autoscaler: keys, defaults, rules."""

from __future__ import annotations

import pytest
import yaml

from autoscaler.api.config_autoscaler import (
    _KEYS,
    CONFIG_AUTOSCALER,
    DEFAULTS,
    EXAMPLE,
    AutoscalerSettings,
    parse,
)


def test_nothing_set_means_the_defaults() -> None:
    assert parse({}) == DEFAULTS == AutoscalerSettings()


def test_the_example_documents_every_key_with_its_default() -> None:
    example = yaml.safe_load(EXAMPLE)
    assert set(example) == {key for key, _, _ in _KEYS}
    assert all(isinstance(value, str) for value in example.values())
    assert parse(example) == DEFAULTS


def test_it_is_the_config_map_that_knative_calls_so() -> None:
    assert (CONFIG_AUTOSCALER.namespace, CONFIG_AUTOSCALER.name) == (
        "knative-serving",
        "config-autoscaler",
    )
    assert CONFIG_AUTOSCALER.parse(CONFIG_AUTOSCALER.data) == DEFAULTS


def test_every_key_arrives_in_its_field() -> None:
    """A table of rows is worth a look at every row: each key is set to a value of its own."""
    data = {
        "pod-autoscaler-class": "hpa.autoscaling.knative.dev",
        "enable-scale-to-zero": "false",
        "allow-zero-initial-scale": "true",
        "max-scale-up-rate": "3",
        "max-scale-down-rate": "4",
        "container-concurrency-target-percentage": "50",
        "container-concurrency-target-default": "11",
        "requests-per-second-target-default": "12",
        "target-burst-capacity": "13",
        "panic-window-percentage": "14",
        "panic-threshold-percentage": "150",
        "activator-capacity": "16",
        "initial-scale": "0",
        "min-scale": "1",
        "max-scale": "18",
        "max-scale-limit": "19",
        "stable-window": "20s",
        "scale-down-delay": "21s",
        "scale-to-zero-grace-period": "22s",
        "scale-to-zero-pod-retention-period": "23s",
    }
    assert set(data) == {key for key, _, _ in _KEYS}
    assert parse(data) == AutoscalerSettings(
        pod_autoscaler_class="hpa.autoscaling.knative.dev",
        enable_scale_to_zero=False,
        allow_zero_initial_scale=True,
        max_scale_up_rate=3,
        max_scale_down_rate=4,
        concurrency_target_fraction=0.5,
        concurrency_target_default=11,
        rps_target_default=12,
        target_burst_capacity=13,
        panic_window_percentage=14,
        panic_threshold_percentage=150,
        activator_capacity=16,
        initial_scale=0,
        min_scale=1,
        max_scale=18,
        max_scale_limit=19,
        stable_window_s=20,
        scale_down_delay_s=21,
        scale_to_zero_grace_period_s=22,
        scale_to_zero_pod_retention_period_s=23,
    )


@pytest.mark.parametrize(
    ("text", "fraction"), [("70", 0.7), ("0.7", 0.7), ("1", 1.0), ("1.5", 0.015)]
)
def test_a_percentage_up_to_one_is_a_fraction(text: str, fraction: float) -> None:
    settings = parse({"container-concurrency-target-percentage": text})
    assert settings.concurrency_target_fraction == pytest.approx(fraction)


def test_unknown_keys_are_left_alone() -> None:
    assert parse({"_example": EXAMPLE, "something-new": "1"}) == DEFAULTS


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"max-scale-up-rate": "fast"}, "failed to parse 'max-scale-up-rate': .*'fast'"),
        ({"max-scale-up-rate": "nan"}, "not a finite number: 'nan'"),
        ({"initial-scale": "1.5"}, "'initial-scale': not a whole number: '1.5'"),
        ({"max-scale": "2147483648"}, "'max-scale': out of range: '2147483648'"),
        ({"stable-window": "60"}, "'stable-window': invalid duration: '60'"),
        ({"max-scale-up-rate": "1"}, "max-scale-up-rate = 1, must be greater than 1.0"),
        ({"max-scale-down-rate": "0.5"}, "max-scale-down-rate = 0.5, must be greater than 1.0"),
        (
            {"container-concurrency-target-percentage": "0"},
            r"container-concurrency-target-percentage = 0.000000 is outside of valid range of \(0, 100\]",
        ),
        ({"container-concurrency-target-percentage": "101"}, "outside of valid range"),
        (
            {"container-concurrency-target-default": "0.01"},
            "yield target concurrency of 0.007, can't be less than 0.01",
        ),
        (
            {"requests-per-second-target-default": "0.001"},
            "requests-per-second-target-default must be at least 0.01, was: 0.001",
        ),
        (
            {"target-burst-capacity": "-2"},
            r"target-burst-capacity must be either non-negative or -1 \(for unlimited\), was: -2.000000",
        ),
        ({"activator-capacity": "0.95"}, "activator-capacity = 0.95, must be at least 1"),
        ({"stable-window": "5s"}, r"stable-window = 5s, must be in \[6s; 1h0m0s\] range"),
        ({"stable-window": "61m"}, r"stable-window = 1h1m0s, must be in \[6s; 1h0m0s\] range"),
        (
            {"stable-window": "6s5ms"},
            "stable-window = 6.005s, must be specified with at most second",
        ),
        ({"panic-window-percentage": "0.5"}, r"= 0.5, must be in \[1, 100\] interval"),
        ({"panic-threshold-percentage": "100"}, r"= 100, must be in \[110, 1000\] interval"),
        ({"scale-down-delay": "-1s"}, "scale-down-delay cannot be negative, was: -1s"),
        ({"scale-down-delay": "1500ms"}, "scale-down-delay = 1.5s, must be specified with at most"),
        ({"scale-to-zero-grace-period": "0s"}, "must be positive, was: 0s"),
        ({"scale-to-zero-pod-retention-period": "-1s"}, "cannot be negative, was: -1s"),
        ({"initial-scale": "0"}, "initial-scale = 0, must be at least 0"),
        ({"initial-scale": "-1", "allow-zero-initial-scale": "true"}, "initial-scale = -1"),
        ({"min-scale": "-1"}, "min-scale = -1, must be at least 0"),
        ({"max-scale": "-1"}, r"max-scale = -1, must be in \[0, max-scale-limit\(0\)\] range"),
        ({"max-scale-limit": "5"}, r"max-scale = 0, must be in \[1, max-scale-limit\(5\)\] range"),
        ({"max-scale-limit": "5", "max-scale": "6"}, "max-scale = 6, must be in"),
        ({"max-scale-limit": "-1"}, "max-scale-limit = -1, must be at least 0"),
    ],
)
def test_bad_values_name_key_and_value(data: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse(data)
