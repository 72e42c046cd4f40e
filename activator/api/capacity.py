"""How the rest of the platform asks the data plane for room at a service."""

from __future__ import annotations

from typing import Protocol

from tanebi.api.meta import Key


class Slot(Protocol):
    """Room for one request at one pod. Release exactly once."""

    @property
    def address(self) -> tuple[str, int]: ...

    @property
    def revision(self) -> Key: ...

    def release(self) -> None: ...


class Capacity(Protocol):
    async def acquire(self, host: str, path: str, *, wait_s: float) -> Slot | None:
        """A slot at the revision that `host` and `path` route to; None when the gateway does not know the host.

        Waiting counts as demand and wakes a sleeping revision. Raises tanebi.http.errors.CapacityTimeout.
        """
