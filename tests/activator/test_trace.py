"""Traces begin with ids that differ, and a seed repeats them."""

from __future__ import annotations

import random
import re

from activator.trace import IDS_AT_ONCE, TraceParents


def test_every_request_has_ids_of_its_own() -> None:
    parents = TraceParents(random.Random(1))
    lines = [parents.line() for _ in range(IDS_AT_ONCE * 3)]
    assert len(set(lines)) == len({line[16:52] for line in lines}) == len(lines)
    assert all(
        re.fullmatch(rb"traceparent: 00-[0-9a-f]{32}-[0-9a-f]{16}-01\r\n", line) for line in lines
    )
    assert TraceParents(random.Random(1)).line() == lines[0]
