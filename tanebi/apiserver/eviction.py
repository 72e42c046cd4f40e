"""The door to `pods/NAME/eviction`: a deletion that asks the PodDisruptionBudgets first.

Each eviction takes one of the disruptions that a budget allows, until the budget's status is counted anew; with none left the
answer is 429, and `kubectl drain` tries again. Pods that do not run are deleted without asking. Caller: tanebi.apiserver.server.
"""

from __future__ import annotations

from typing import Final

import orjson

from tanebi.api.core.kinds import POD
from tanebi.api.core.kinds_workload import BUDGET
from tanebi.api.meta import Key, Obj, labels_of
from tanebi.api.selectors import from_object
from tanebi.apiserver import codec, options, status
from tanebi.apiserver.objects import Objects
from tanebi.apiserver.user import User
from tanebi.apiserver.writing import body_of
from tanebi.kube.errors import ApiError, BadRequest, TooManyRequests
from tanebi.kube.transport import Request, Response

REFUSED: Final = "Cannot evict pod as it would violate the pod's disruption budget."
SEVERAL: Final = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."


class EvictionDoor:
    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    async def handle(self, request: Request, user: User, key: Key) -> Response:
        """Raises ApiError."""
        if request.method != "POST":
            raise status.wrong_method()
        body, _ = body_of(request)
        if body.get("kind") not in (None, "Eviction"):
            raise BadRequest(f"not an Eviction: {body.get('kind')}")
        named = (body.get("metadata") or {}).get("name")
        if named not in (None, "", key.name):
            raise BadRequest(f"name in URL does not match name in Eviction object: {named}")
        pod = self._objects.newest(POD, key).obj
        wanted = options.delete_options(request.query, body.get("deleteOptions") or {})
        if _runs(pod):
            await self._take(key, pod, dry_run=wanted.dry_run)
        await self._objects.delete(POD, key, user, options=wanted)
        done = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Success",
            "code": 201,
        }
        return Response(201, {"content-type": codec.JSON}, orjson.dumps(done))

    async def _take(self, key: Key, pod: Obj, *, dry_run: bool) -> None:
        """One of the disruptions that the pod's budget allows."""
        budgets = [
            entry
            for entry in self._objects.store.list(BUDGET.resource, key.namespace)
            if _covers(entry.obj, pod)
        ]
        if not budgets:
            return
        if len(budgets) > 1:
            raise ApiError.of(500, "InternalError", SEVERAL, {})
        (budget,) = budgets
        name = Key(key.namespace, budget.obj["metadata"]["name"])
        told = self._objects.newest(BUDGET, name).obj.get("status") or {}
        left = int(told.get("disruptionsAllowed") or 0)
        if left < 1:
            needed, have = told.get("desiredHealthy", 0), told.get("currentHealthy", 0)
            why = f"The disruption budget {name.name} needs {needed} healthy pods and has {have} currently"
            cause = {"reason": "DisruptionBudget", "message": why}
            raise TooManyRequests(REFUSED, details={"causes": [cause]})
        if dry_run:
            return

        def spend(obj: Obj) -> None:
            obj["status"] = {**(obj.get("status") or {}), "disruptionsAllowed": left - 1}

        await self._objects.amend(BUDGET, name, budget.uid, spend)


def _runs(pod: Obj) -> bool:
    phase = (pod.get("status") or {}).get("phase")
    return phase not in ("Succeeded", "Failed", "Pending") and not pod["metadata"].get(
        "deletionTimestamp"
    )


def _covers(budget: Obj, pod: Obj) -> bool:
    chosen = (budget.get("spec") or {}).get("selector")
    return chosen is not None and from_object(chosen).matches(labels_of(pod))
