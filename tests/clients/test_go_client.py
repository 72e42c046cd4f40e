"""A Go program on client-go drives the platform: typed objects in protobuf, informers, the dynamic client, leader election, an
operator of a few lines, and one with controller-runtime and a kind of its own. Its source is tests/clients/go."""

from __future__ import annotations

from pathlib import Path

import pytest

from tanebi.testing.platform import Platform
from tests.clients.building import GO_MARKS, go_program, passed_checks

SOURCE = Path(__file__).parent / "go"
CHECKS = (
    "discovery objects conflicts apply informers deployment job autoscaler dynamic leader operator "
    "controller-runtime collection"
).split()

pytestmark = GO_MARKS


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return go_program(SOURCE, tmp_path_factory.mktemp("go"))


def test_every_check_of_the_go_program(platform: Platform, program: Path) -> None:
    assert passed_checks(program, platform.data_dir / "kubeconfig") == CHECKS
