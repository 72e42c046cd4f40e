"""Objects under names that our children need and that nobody controls: their coming and going concerns us. Pure.

A child of ours enqueues us by its owner reference. A stranger has none, and what is NotOwned because of it must be looked at
again when the stranger goes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tanebi.api.kind import AnyKind
from tanebi.api.meta import Key, Obj, controller_of, key_of
from tanebi.kube.plan import Reads, Seen


@dataclass(frozen=True, slots=True)
class _Named:
    """The resource of `kind` in whose way a stranger is, by `names`: the stranger's name → candidates."""

    kind: AnyKind
    names: Callable[[str], Iterable[str]]

    def __call__(self, obj: Obj, seen: Seen) -> Iterable[Key]:
        if controller_of(obj) is not None:
            return []
        namespace, name = key_of(obj)
        return [
            Key(namespace, each)
            for each in self.names(name)
            if seen.raw(self.kind, namespace, each) is not None
        ]


def same_name(of: AnyKind, stranger: AnyKind) -> Reads:
    """A child has the name of its owner."""
    return Reads(stranger, _Named(of, lambda name: (name,)))


def suffixed(of: AnyKind, stranger: AnyKind, suffix: str) -> Reads:
    """A child's name is its owner's with `suffix`."""
    return Reads(stranger, _Named(of, lambda name: (name.removesuffix(suffix),)))


def prefixed(of: AnyKind, stranger: AnyKind) -> Reads:
    """A child's name is its owner's, or that behind `<anything>-`."""
    return Reads(stranger, _Named(of, _endings))


def _endings(name: str) -> Iterable[str]:
    parts = name.split("-")
    return ["-".join(parts[at:]) for at in range(len(parts))]
