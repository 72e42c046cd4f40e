"""Pods from the API to real processes and back."""

from __future__ import annotations

import pytest

from tanebi.api.core.kinds import POD
from tanebi.testing.waiting import wait_until
from tests.tanebi.kubelet.conftest import TCP_PROBE, Platform, make_pod

pytestmark = pytest.mark.anyio


async def test_a_pod_runs_and_becomes_ready(platform: Platform) -> None:
    platform.build()
    await platform.kube.create(POD, make_pod(readinessProbe=TCP_PROBE))
    await wait_until(platform.is_ready)
