from __future__ import annotations

from tanebi.api.core.kinds import DEPLOYMENT
from tanebi.apiserver.patch.zero import with_zeros


def test_only_what_the_new_object_has_is_filled_in() -> None:
    new = {"spec": {"replicas": 1, "template": {"spec": {}}}}
    assert with_zeros(DEPLOYMENT, None, new) == {
        "spec": {
            "selector": [],
            "strategy": {},
            "template": {"metadata": {}, "spec": {"containers": []}},
        }
    }
    assert with_zeros(
        DEPLOYMENT, {"spec": {"replicas": 2}}, {"spec": {"strategy": {"type": "x"}}}
    ) == {"spec": {"replicas": 2, "strategy": {}}}
    assert with_zeros(DEPLOYMENT, {"status": {}}, {}) == {"status": {}}
