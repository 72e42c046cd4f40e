"""What can go wrong between us and a container engine."""

from __future__ import annotations

from tanebi.base.errors import TanebiError


class EngineError(TanebiError):
    """The engine refused; `status` is its HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__("engine-refused", message)
        self.status = status


class EngineGone(TanebiError):
    """Nobody answers at the engine's socket, or the answer broke off."""

    def __init__(self, message: str) -> None:
        super().__init__("engine-gone", message, hint="is the container engine running?")
