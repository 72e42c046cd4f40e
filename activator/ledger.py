"""Who may send requests to a pod with containerConcurrency, when several activators share a revision.

Pure. Every such pod has at most one holder at any time, so the limit that the holder keeps is the limit that the pod sees. A pod
changes hands only after its holder said that nothing is left there, or is known to be dead: shrink first, grow after. At most one
pod of a revision is under way between two activators, so that a revision never loses more capacity than that. Pods that left the
endpoints stay with their holder until it has finished with them: an address that comes back is not given to another one early.
Each method returns the revisions whose shares have changed; `share` tells what a member is to know. Caller: activator.hub.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from activator.subset import owners
from tanebi.api.meta import Key
from tanebi.http.pool import Address


class Share(NamedTuple):
    """What one member is to know of a revision: its own pods, those it must give back once they are idle, and the members that
    have others (never itself)."""

    own: frozenset[Address] = frozenset()
    leaving: frozenset[Address] = frozenset()
    others: tuple[str, ...] = ()


@dataclass(slots=True)
class _Revision:
    listed: set[Address] = field(default_factory=set)
    held: dict[Address, str] = field(default_factory=dict)
    leaving: dict[Address, str] = field(
        default_factory=dict
    )  # by whom: it takes nothing new, and holds on until it is idle


class Ledger:
    """Members by name; their order is the order of their names. While it is `closed` nothing is given away: after a restart the
    members that had pods are to say so first."""

    def __init__(self, *, closed: bool = False) -> None:
        self._closed = closed
        self._members: list[str] = []
        self._revisions: dict[Key, _Revision] = {}

    @property
    def members(self) -> tuple[str, ...]:
        return tuple(self._members)

    @property
    def revisions(self) -> tuple[Key, ...]:
        return tuple(self._revisions)

    def holders(self, revision: Key) -> Mapping[Address, str]:
        """Who may have requests at each pod, the ones that finish there included."""
        found = self._revisions.get(revision)
        return {**found.held, **found.leaving} if found is not None else {}

    def share(self, member: str, revision: Key) -> Share:
        found = self._revisions.get(revision)
        if found is None:
            return Share()
        own = frozenset(a for a, who in found.held.items() if who == member)
        others = sorted({who for who in found.held.values() if who != member})
        leaving = frozenset(a for a, who in found.leaving.items() if who == member)
        return Share(own, leaving, tuple(others))

    def open(self) -> frozenset[Key]:
        """Everybody who may hold something has joined."""
        self._closed = False
        return self._settle(self._revisions)

    def join(
        self, member: str, holds: Mapping[Key, Iterable[Address]] | None = None
    ) -> frozenset[Key]:
        """A member is there. `holds`: what it was given before we began; it keeps that unless somebody else has it."""
        if member not in self._members:
            self._members = sorted([*self._members, member])
        for revision, addresses in (holds or {}).items():
            found = self._revisions.setdefault(revision, _Revision())
            for address in addresses:
                if address not in found.held and address not in found.leaving:
                    into = found.held if address in found.listed else found.leaving
                    into[address] = member
        return self._settle(self._revisions)

    def leave(self, member: str) -> frozenset[Key]:
        """A member is dead, and whatever it held is free."""
        if member in self._members:
            self._members.remove(member)
        changed = set()
        for key, found in self._revisions.items():
            for table in (found.held, found.leaving):
                for address in [a for a, who in table.items() if who == member]:
                    del table[address]
                    changed.add(key)
        return self._settle(self._revisions) | changed

    def set_pods(self, revision: Key, addresses: Iterable[Address]) -> frozenset[Key]:
        """The pods that may take requests."""
        listed = set(addresses)
        found = self._revisions.get(revision)
        if found is None:
            if not listed:
                return frozenset()
            found = self._revisions[revision] = _Revision()
        elif found.listed == listed:
            return frozenset()
        found.listed = listed
        gone = [address for address in found.held if address not in listed]
        for address in gone:
            found.leaving[address] = found.held.pop(address)
        changed = self._settle((revision,))
        return changed | {revision} if gone else changed

    def released(self, member: str, revision: Key, address: Address) -> frozenset[Key]:
        """`member` has nothing left at a pod that is not its own any more."""
        found = self._revisions.get(revision)
        if found is None or found.leaving.get(address) != member:
            return frozenset()
        del found.leaving[address]
        return self._settle((revision,)) | {revision}

    def _settle(self, revisions: Iterable[Key]) -> frozenset[Key]:
        return frozenset(key for key in tuple(revisions) if self._settle_one(key))

    def _settle_one(self, key: Key) -> bool:
        """Give away what is free, then ask for one pod back if a member has too few. Which pods a member has is all the same; how
        many, says the rule."""
        found = self._revisions[key]
        if self._closed:
            return False
        if not (found.listed or found.held or found.leaving):
            del self._revisions[key]
            return False
        due = Counter(owners(key, sorted(found.listed), self._members).values())
        has = Counter(found.held.values())
        changed = False
        for address in sorted(found.listed - found.held.keys() - found.leaving.keys()):
            poor = max(self._members, key=lambda m: due[m] - has[m], default=None)
            if poor is None:
                break
            found.held[address] = poor
            has[poor] += 1
            changed = True
        return self._move_one(found, due, has) or changed

    def _move_one(self, found: _Revision, due: Counter[str], has: Counter[str]) -> bool:
        if len(found.listed) < len(self._members):
            return False  # there is none to spare: whoever has none sends to who has one
        if any(address in found.listed for address in found.leaving):
            return False
        rich = max(self._members, key=lambda m: has[m] - due[m], default=None)
        if rich is None or has[rich] <= due[rich]:
            return False
        address = max(a for a, who in found.held.items() if who == rich)
        found.leaving[address] = found.held.pop(address)
        return True
