from __future__ import annotations

from typing import Any

import pytest

from importers.api.source_defaults import default_sink_namespace


@pytest.mark.parametrize("spec", [None, 1, {}, {"sink": None}, {"sink": 3}, {"sink": {"ref": "x"}}])
def test_odd_shapes_are_left_alone(spec: Any) -> None:
    obj = {"metadata": {"name": "s", "namespace": "ns"}, "spec": spec}
    assert default_sink_namespace(obj)["spec"] == spec
