"""The last word about a pod: its object goes when everything of it has ended. Caller: tanebi.kubelet.worker."""

from __future__ import annotations

from typing import Final

import anyio

from tanebi.api.core.kinds import POD
from tanebi.api.core.pod import Pod
from tanebi.base.clock import Clock
from tanebi.base.log import get_logger
from tanebi.kube.client import Kube
from tanebi.kube.errors import ApiError, Conflict, NotFound, Unreachable

RETRY_S: Final = 0.2
RETRY_MAX_S: Final = 5.0

_log = get_logger("kubelet")


async def remove(kube: Kube, clock: Clock, pod: Pod, gone: anyio.Event) -> None:
    """Tell the API that the pod has ended, until it is told or somebody else did (`gone`)."""
    meta, delay_s = pod.metadata, RETRY_S
    while not gone.is_set():
        try:
            await kube.delete(POD, meta.namespace, meta.name, uid=meta.uid, grace_s=0)
            return
        except (NotFound, Conflict):  # gone, or another of that name is there
            return
        except (ApiError, Unreachable) as error:
            _log.warning("pod not removed", ns=meta.namespace, name=meta.name, why=str(error))
        await clock.sleep(delay_s)
        delay_s = min(2 * delay_s, RETRY_MAX_S)
