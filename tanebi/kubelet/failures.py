"""The Events of a container that could not start, in the kubelet's words. Pure. Caller: tanebi.kubelet.worker."""

from __future__ import annotations

from typing import Final

from tanebi.kube.plan import Note
from tanebi.kubelet.pods import ERR_IMAGE, INVALID_IMAGE, NEVER_PULL

FAILED: Final = "Failed"


def failure_notes(image: str, reason: str, message: str) -> list[Note]:
    """What came of the image is told first, and then the reason that the pod shows."""
    if reason == ERR_IMAGE:
        told = Note("Warning", FAILED, f'Failed to pull image "{image}": {message}')
        back_off = Note("Normal", "BackOff", f'Back-off pulling image "{image}"')
        return [told, _error(reason), back_off]
    if reason == NEVER_PULL:
        return [Note("Warning", NEVER_PULL, message), _error(reason)]
    if reason == INVALID_IMAGE:
        text = f'Failed to apply default image tag "{image}": {message}'
        return [Note("Warning", "InspectFailed", text), _error(reason)]
    return [_error(message)]


def _error(what: str) -> Note:
    return Note("Warning", FAILED, f"Error: {what}")
