"""Labels and annotations of children."""

from __future__ import annotations

from typing import Any

import pytest

from serving.api import CONFIGURATION, SERVICE
from serving.reconcile.resources.meta import inherited, is_current, without


def test_records_of_the_writer_are_not_taken_over() -> None:
    annotations = {
        "a": "1",
        "b": "2",
        "kubectl.kubernetes.io/last-applied-configuration": "{}",
        "tanebi.dev/desired-hash": "x",
        "tanebi.dev/parent-generation": "3",
    }
    assert inherited(annotations, "b") == {"a": "1"}
    assert without({"a": "1", "b": "2"}, "b") == {"a": "1"}


@pytest.mark.parametrize(
    ("made_from", "observed", "current"), [("3", 1, True), ("2", 1, False), ("3", 0, False)]
)
def test_a_child_is_current(made_from: str, observed: int, current: Any) -> None:
    annotations = {"tanebi.dev/parent-generation": made_from}
    child = CONFIGURATION.view({"metadata": {"generation": 1, "annotations": annotations}})
    parent = SERVICE.view({"metadata": {"generation": 3}})
    assert is_current(child, parent, observed) is current
