from __future__ import annotations

from typing import Any

import pytest

from tanebi.api.core.kinds_cluster import CLAIM, VOLUME
from tanebi.api.meta import Obj
from tanebi.kubelet.environment import ConfigError
from tanebi.kubelet.sources import claimed, machine, of_cache


class Cache:
    def __init__(self, claim: Obj | None, volume: Obj | None) -> None:
        self.objects = {
            CLAIM.kind: claim and CLAIM.view({"metadata": {"name": "data"}, **claim}),
            VOLUME.kind: volume and VOLUME.view({"metadata": {"name": "pv"}, "spec": volume}),
        }

    def get(self, kind: Any, namespace: str, name: str) -> Any:
        return self.objects.get(kind.kind)


BOUND: Obj = {"spec": {"volumeName": "pv"}, "status": {"phase": "Bound"}}


@pytest.mark.parametrize("volume", [{"hostPath": {"path": "/x"}}, {"local": {"path": "/x"}}])
def test_the_folder_of_a_claim(volume: Obj) -> None:
    cache: Any = Cache(BOUND, volume)
    assert claimed(cache, "ns", "data") == "/x"
    assert of_cache(cache, str).claim("ns", "data") == "/x"


@pytest.mark.parametrize(
    ("claim", "volume", "words"),
    [
        (None, None, 'persistentvolumeclaim "data" not found'),
        ({"spec": {}, "status": {"phase": "Pending"}}, None, "is not bound"),
        (BOUND, None, 'persistentvolume "pv" not found'),
        (BOUND, {"nfs": {}}, "no folder of this machine"),
    ],
)
def test_what_a_claim_lacks(claim: Obj | None, volume: Obj | None, words: str) -> None:
    cache: Any = Cache(claim, volume)
    with pytest.raises(ConfigError, match=words):
        claimed(cache, "ns", "data")


def test_the_machine_has_something() -> None:
    found = machine()
    assert int(found["cpu"]) >= 1
    assert int(found["memory"]) > 2**20
