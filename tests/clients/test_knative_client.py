"""What kn asks of a cluster, by Knative's own typed Go clients of serving and eventing. Its source is tests/clients/knative."""

from __future__ import annotations

from pathlib import Path

import pytest

from tanebi.testing.platform import Platform
from tests.clients.building import GO_MARKS, go_program, passed_checks
from tests.e2e.driving import User

SOURCE = Path(__file__).parent / "knative"
CHECKS = (
    "create list update traffic apply describe export revisions domain refused broker sources types delete"
).split()

pytestmark = GO_MARKS


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return go_program(SOURCE, tmp_path_factory.mktemp("go"))


def test_every_check_of_the_program(platform: Platform, program: Path) -> None:
    User(platform).configure({"autocreate-cluster-domain-claims": "true"}, "config-network")
    assert passed_checks(program, platform.data_dir / "kubeconfig") == CHECKS
