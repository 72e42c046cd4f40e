"""What a container's wish leaves out of the capabilities."""

from __future__ import annotations

import pytest

from tanebi.api.core.pod import Capabilities
from tanebi.kubelet.capabilities import NAMES, dropped

NET_BIND_SERVICE = 10


@pytest.mark.parametrize(
    ("add", "drop", "gone"),
    [
        ([], [], set()),
        ([], ["CHOWN", "CAP_kill", "NO_SUCH"], {0, 5}),
        (["CHOWN"], ["CHOWN"], set()),
        ([], ["ALL"], set(range(41))),
        (["NET_BIND_SERVICE"], ["all"], set(range(41)) - {NET_BIND_SERVICE}),
    ],
)
def test_dropped(add: list[str], drop: list[str], gone: set[int]) -> None:
    assert dropped(Capabilities(add=add, drop=drop)) == gone


def test_no_wish_and_the_kernels_numbers() -> None:
    assert dropped(None) == frozenset()
    assert (NAMES.index("NET_BIND_SERVICE"), NAMES.index("SYS_ADMIN"), len(NAMES)) == (10, 21, 41)
