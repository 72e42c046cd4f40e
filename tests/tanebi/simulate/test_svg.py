"""The picture is well-formed, says what it shows, and stays inside its frame."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from array import array

from tanebi.simulate.result import Result, Samples
from tanebi.simulate.svg import HEIGHT, PANELS, WIDTH, draw


def result(name: str, *ready: int) -> Result:
    flat = array("q", [1] * len(ready))
    samples = Samples(flat, flat, flat, flat, array("q", ready))
    return Result(name, pod_seconds=12.0, ended_at=float(len(ready)), samples=samples)


def test_two_settings() -> None:
    text = draw("a < b & c", [result("one", 0, 3, 1), result("<two>", 1, 1, 1, 1, 1)])
    root = ElementTree.fromstring(text)
    words = [node.text for node in root.iter("{http://www.w3.org/2000/svg}text")]
    assert "a < b & c" in words
    assert "<two>: 12 pod-seconds" in words
    assert {panel.title for panel in PANELS} <= set(words)
    curves = re.findall(r'stroke-width="1.5"', text)
    assert len(curves) == 2 * len(PANELS) - 1  # the traffic is drawn once


def test_it_stays_inside_its_frame() -> None:
    text = draw("t", [result("one", *range(2000))])
    paths = re.findall(r' d="([^"]+)"', text)
    for path in paths:
        assert all(0 <= float(x) <= WIDTH for x in re.findall(r"H([\d.]+)", path))
        assert all(0 <= float(y) <= HEIGHT for y in re.findall(r"V([\d.]+)", path))
    assert len(text) < 100_000


def test_a_run_without_load() -> None:
    ElementTree.fromstring(draw("nothing", [result("one", 0)]))
