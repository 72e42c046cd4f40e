from __future__ import annotations

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
from tanebi.up.children import Children
from tanebi.up.options import UpOptions
from tanebi.up.plane import PlanePart, certificates


def part(folder: Path, activators: int) -> tuple[PlanePart, Children]:
    clock, world = FakeClock(), World()
    options, data = UpOptions(folder, gateway_port=0, activators=activators), DataDir(folder)
    children = Children(options, data, clock)
    made = PlanePart(
        options,
        data,
        clock,
        system_rng(1),
        cache=cast(Cache, world),
        sink=Autoscaler(world, StandingConfigs(), clock=clock, on_change=lambda key: None),
        woken=lambda wake: None,
        children=children,
        logged=lambda lines: None,
    )
    return made, children


@pytest.mark.parametrize(("activators", "drain"), [(0, GatewayDrain), (2, Hub)])
def test_the_port_is_the_childrens_and_drains_go_to_whoever_serves(
    tmp_path: Path, activators: int, drain: type
) -> None:
    made, children = part(tmp_path, activators)
    try:
        assert made.port == children.port
        assert made.url == f"http://127.0.0.1:{made.port}"
        assert isinstance(made.drain, drain)
        assert made.activator.public_port() == made.port or activators == 0
        assert made.described() == []
        assert ("activators" in made.words) == (activators > 0)
    finally:
        made.close()
        children.close()


def test_https_needs_a_pair_that_is_one(tmp_path: Path) -> None:
    clock, nothing = FakeClock(), tmp_path / "nothing.pem"
    nothing.write_text("nothing")
    options = UpOptions(tmp_path, tls_port=0, tls_cert=nothing, tls_key=nothing)
    with pytest.raises(UserError, match="not a certificate and its private key"):
        certificates(options, tmp_path, clock)
    pki.ensure(tmp_path, now=clock.wall())
    made = certificates(UpOptions(tmp_path, tls_port=0), tmp_path, clock)
    assert made.context_for("nobody.example") is None
