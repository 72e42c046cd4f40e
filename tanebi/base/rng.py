"""Where chance comes from: a seeded source is passed in, so that a run can be repeated."""

from __future__ import annotations

import random
import string
import uuid
from typing import Final

Rng = random.Random

# The alphabet of Kubernetes' generated names: no vowels and no look-alikes, so no words arise.
NAME_ALPHABET: Final = "bcdfghjklmnpqrstvwxz2456789"
TOKEN_ALPHABET: Final = string.ascii_lowercase + string.digits


def system_rng(seed: int | None = None) -> Rng:
    """A source seeded by the system, or by `seed` to repeat a run."""
    return random.Random(seed)


def name_suffix(rng: Rng, length: int = 5) -> str:
    """The random tail of a generateName."""
    return "".join(rng.choice(NAME_ALPHABET) for _ in range(length))


def new_uid(rng: Rng) -> str:
    """A version 4 UUID drawn from `rng`."""
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))


def new_token(length: int = 32) -> str:
    """A bearer secret from the system's entropy, never from a seeded source."""
    source = random.SystemRandom()
    return "".join(source.choice(TOKEN_ALPHABET) for _ in range(length))
