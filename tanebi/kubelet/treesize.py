"""How much the files in a folder take on the disk.

A walk ends at WALK_MAX entries; what was counted until then is taken for the whole. Callers: tanebi.kubelet.storage,
tanebi.kubelet.processpods, in worker threads.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

WALK_MAX: Final = 200_000
BLOCK: Final = 512  # of st_blocks


def tree_bytes(folder: Path, *, entries_max: int = WALK_MAX) -> int:
    """What the files in it take on the disk. What vanishes meanwhile, or is not there, takes nothing."""
    total, left, waiting = 0, entries_max, [str(folder)]
    while waiting and left > 0:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    left -= 1
                    total += entry.stat(follow_symlinks=False).st_blocks * BLOCK
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    if left <= 0:
                        break
        except OSError:
            continue
    return total
