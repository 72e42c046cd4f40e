"""What would exceed a quota is refused."""

from __future__ import annotations

import anyio
import pytest

from tanebi.api.meta import Obj
from tests.tanebi.apiserver.calling import Api

pytestmark = pytest.mark.anyio
SPACE = "/api/v1/namespaces/default"


def pod(name: str, cpu: str = "") -> Obj:
    resources = {"requests": {"cpu": cpu}} if cpu else {}
    spec = {"containers": [{"name": "c", "image": "i", "resources": resources}]}
    return {"metadata": {"name": name}, "spec": spec}


async def limit(api: Api, **hard: str) -> None:
    named = {name.replace("_", "."): amount for name, amount in hard.items()}
    body = {"metadata": {"name": "q"}, "spec": {"hard": named}}
    await api.ok("POST", f"{SPACE}/resourcequotas", body)


async def test_counts(api: Api) -> None:
    await limit(api, pods="1")
    await api.ok("POST", f"{SPACE}/pods", pod("a"))
    refused = await api.refused(403, "POST", f"{SPACE}/pods", pod("b"))
    assert refused["message"] == (
        'pods "b" is forbidden: exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1'
    )
    await api.ok("DELETE", f"{SPACE}/pods/a", {"gracePeriodSeconds": 0})
    await api.ok("POST", f"{SPACE}/pods", pod("b"))
    await api.ok("POST", f"{SPACE}/configmaps", {"metadata": {"name": "free"}})


async def test_amounts(api: Api) -> None:
    await limit(api, requests_cpu="1")
    await api.ok("POST", f"{SPACE}/pods", pod("a", "700m"))
    refused = await api.refused(403, "POST", f"{SPACE}/pods", pod("b", "400m"))
    assert "requested: requests.cpu=400m, used: requests.cpu=700m" in refused["message"]
    refused = await api.refused(403, "POST", f"{SPACE}/pods", pod("c"))
    assert "failed quota: q: must specify requests.cpu for: c" in refused["message"]


async def test_writes_side_by_side_do_not_exceed_it_together(api: Api) -> None:
    await limit(api, configmaps="3")
    codes: list[int] = []

    async def create(i: int) -> None:
        answer = await api("POST", f"{SPACE}/configmaps", {"metadata": {"name": f"m{i}"}})
        codes.append(answer.status)

    async with anyio.create_task_group() as tasks:
        for i in range(8):
            tasks.start_soon(create, i)
    assert sorted(codes) == [201] * 3 + [403] * 5
