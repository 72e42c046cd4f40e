"""Where importers remember how far they came: one small JSON file a source, replaced whole and synced.

A file and not a status annotation: a checkpoint may change many times a second, and a platform that has crashed must find it
without its API server. Blocks on the disk; importers.context calls it from a worker thread.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any, Final

from tanebi.base.files import write_atomically

SIZE_MAX_BYTES: Final = 1024 * 1024
SUFFIX: Final = ".json"


class Checkpoints:
    """The checkpoints under one folder, by uid of the source. The folder is made when first written to."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self, uid: str) -> Any:
        """None when there is none. Raises OSError or ValueError when it cannot be read."""
        try:
            return json.loads(self._file(uid).read_bytes())
        except FileNotFoundError:
            return None

    def save(self, uid: str, checkpoint: Any) -> None:
        """Return when it is on disk. Raises OSError; ValueError when it is too large or no JSON."""
        data = json.dumps(checkpoint).encode()
        if len(data) > SIZE_MAX_BYTES:
            raise ValueError(f"a checkpoint has at most {SIZE_MAX_BYTES} bytes, not {len(data)}")
        self._folder.mkdir(parents=True, exist_ok=True)
        write_atomically(self._file(uid), data)

    def remove(self, uid: str) -> None:
        self._file(uid).unlink(missing_ok=True)

    def keep_only(self, uids: Collection[str]) -> None:
        """Drop the checkpoints of all other sources."""
        for file in self._folder.glob(f"*{SUFFIX}"):
            if file.stem not in uids:
                file.unlink(missing_ok=True)

    def _file(self, uid: str) -> Path:
        assert uid.replace("-", "").isalnum(), f"not a uid: {uid!r}"
        return self._folder / f"{uid}{SUFFIX}"
