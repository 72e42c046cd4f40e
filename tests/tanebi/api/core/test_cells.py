"""Cells that several kinds share."""

from __future__ import annotations

from datetime import UTC, datetime

from tanebi.api.core.cells import at, container_images, pairs, selector, show_selector

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_values_at_paths() -> None:
    assert at("a.b")({"a": {"b": 1}}, NOW) == 1
    assert at("a.b", "none")({"a": {}}, NOW) == "none"
    assert at("a.b", "none")({"a": 3}, NOW) == "none"


def test_templates_and_selectors() -> None:
    containers = [{"name": "c", "image": "i"}, {"name": "d", "image": "j"}]
    spec = {
        "template": {"spec": {"containers": containers}},
        "selector": {"matchLabels": {"a": "b"}},
    }
    assert container_images({"spec": spec}, NOW) == "i,j"
    assert selector({"spec": spec}, NOW) == "a=b"
    assert show_selector({}) == "<none>"
    assert show_selector({"matchExpressions": [{"key": "a", "operator": "Odd"}]}) == "<error>"
    assert pairs("x")({"x": {"b": "2", "a": "1"}}, NOW) == "a=1,b=2"
    assert pairs("x")({}, NOW) == "<none>"
