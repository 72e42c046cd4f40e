from __future__ import annotations

import stat
from pathlib import Path
from typing import cast

import pytest

from activator.drain import GatewayDrain
from activator.hub import Hub
from autoscaler.loop import Autoscaler
from tanebi.apiserver import pki
from tanebi.base.errors import UserError
from tanebi.base.rng import system_rng
from tanebi.base.settings import DataDir
from tanebi.kube.cache import Cache
from tanebi.testing.clock import FakeClock
from tanebi.testing.world import StandingConfigs, World
from tanebi.up.options import UpOptions
from tanebi.up.plane import PlanePart, certificates, ensure_token


def part(folder: Path, activators: int) -> PlanePart:
    clock, world = FakeClock(), World()
    return PlanePart(
        UpOptions(folder, gateway_port=0, activators=activators),
        DataDir(folder),
        clock,
        system_rng(1),
        cache=cast(Cache, world),
        sink=Autoscaler(world, StandingConfigs(), clock=clock, on_change=lambda key: None),
        woken=lambda wake: None,
    )


@pytest.mark.parametrize(("activators", "drain"), [(0, GatewayDrain), (2, Hub)])
def test_the_port_is_taken_at_once_and_drains_go_to_whoever_serves(
    tmp_path: Path, activators: int, drain: type
) -> None:
    made = part(tmp_path, activators)
    try:
        assert made.port > 0
        assert made.url == f"http://127.0.0.1:{made.port}"
        assert isinstance(made.drain, drain)
        assert len(made.sockets) == max(1, activators)
        assert made.activator.public_port() == made.port or activators == 0
        assert made.described() == []
        assert ("activators" in made.words) == (activators > 0)
    finally:
        made.close()


def test_the_token_is_made_once_and_is_private(tmp_path: Path) -> None:
    path = tmp_path / "token"
    token = ensure_token(path)
    assert len(token) >= 16
    assert ensure_token(path) == token
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_https_needs_a_pair_that_is_one(tmp_path: Path) -> None:
    clock, nothing = FakeClock(), tmp_path / "nothing.pem"
    nothing.write_text("nothing")
    options = UpOptions(tmp_path, tls_port=0, tls_cert=nothing, tls_key=nothing)
    with pytest.raises(UserError, match="not a certificate and its private key"):
        certificates(options, tmp_path, clock)
    pki.ensure(tmp_path, now=clock.wall())
    made = certificates(UpOptions(tmp_path, tls_port=0), tmp_path, clock)
    assert made.context_for("nobody.example") is None
