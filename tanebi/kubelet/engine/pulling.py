"""What is told of a pull: Kubernetes' Events, advice for what went wrong, and how far the layers are. Pure.

The texts of the Events are the kubelet's (pkg/kubelet/images). Docker tells each layer's bytes, Podman only when it begins and
when it is done. Callers: tanebi.kubelet.engine.images, tanebi.cli.enginepull.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from tanebi.api.durations import format_go
from tanebi.api.meta import Obj
from tanebi.kube.plan import Note

LAYERS_MAX: Final = 1000
MIB: Final = 1024 * 1024
_BEGUN: Final = ("Pulling fs layer", "Waiting", "Downloading")
_DONE: Final = ("Download complete", "Pull complete", "Already exists")
_ADVICE: Final = (
    (
        ("unauthorized", "access denied", "resource is denied", "authentication required"),
        "no such image, or a login is needed: imagePullSecrets in a manifest, `podman login` or `docker login` for a command",
    ),
    (("manifest unknown", "not found: manifest"), "the registry has no image of this name and tag"),
    (("looking for beginning of value",), "what answers there is no registry"),
    (("toomanyrequests", "429"), "the registry limits how often it is asked; log in, or wait"),
    (
        ("x509:", "server gave HTTP response to HTTPS client"),
        "the engine does not trust this registry: give it the certificate, or name the registry as insecure in its settings",
    ),
    (
        ("connection refused", "no such host", "no route to host", "i/o timeout", "EOF"),
        "the registry does not answer",
    ),
)


def present(ref: str) -> Note:
    return Note("Normal", "Pulled", f'Container image "{ref}" already present on machine')


def begun(ref: str) -> Note:
    return Note("Normal", "Pulling", f'Pulling image "{ref}"')


def pulled(ref: str, *, took_s: float, waited_s: float, size_bytes: int) -> Note:
    """`took_s` of the `waited_s` the pull itself ran."""
    text = f'Successfully pulled image "{ref}" in {_span(took_s)} ({_span(waited_s)} including waiting).'
    return Note("Normal", "Pulled", f"{text} Image size: {size_bytes} bytes.")


def without_secrets(names: Sequence[str]) -> Note:
    text = f"Unable to retrieve some image pull secrets ({', '.join(names)})"
    return Note(
        "Warning",
        "FailedToRetrieveImagePullSecret",
        f"{text}; attempting to pull the image may not succeed.",
    )


def never(ref: str) -> str:
    return f'Container image "{ref}" is not present with pull policy of Never'


def _span(seconds: float) -> str:
    """Go's words for it, to the millisecond."""
    return format_go(int(seconds * 1000) / 1000)


def advised(why: str) -> str:
    """The engine's words, and what to do about them, if that is known."""
    for signs, advice in _ADVICE:
        if any(sign in why for sign in signs):
            return f"{why} ({advice})"
    return why


@dataclass(slots=True)
class _Layer:
    done: bool = False
    got_bytes: int = 0
    of_bytes: int = 0


@dataclass(slots=True)
class Layers:
    """How far a pull is, from the engine's messages."""

    _layers: dict[str, _Layer] = field(default_factory=dict)

    def take(self, line: Obj) -> None:
        name, status = str(line.get("id") or ""), str(line.get("status") or "")
        known = name in self._layers
        if not name or not (known or status in _BEGUN or status in _DONE):
            return
        if not known and len(self._layers) >= LAYERS_MAX:
            return
        layer = self._layers.setdefault(name, _Layer())
        detail = line.get("progressDetail") or {}
        if status == "Downloading" and isinstance(detail, dict):
            layer.got_bytes = int(detail.get("current") or 0)
            layer.of_bytes = int(detail.get("total") or 0)
        layer.done = layer.done or status in _DONE

    def words(self) -> str:
        """`2 of 3 layers`, with the bytes where the engine tells them. Nothing is known: empty."""
        if not self._layers:
            return ""
        layers = self._layers.values()
        text = f"{sum(one.done for one in layers)} of {len(layers)} layers"
        total = sum(one.of_bytes for one in layers)
        got = sum(one.of_bytes if one.done else one.got_bytes for one in layers)
        return f"{text}, {got / MIB:.1f} of {total / MIB:.1f} MiB" if total else text
