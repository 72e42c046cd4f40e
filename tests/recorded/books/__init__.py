"""The scripted stories, by book."""

from __future__ import annotations

from typing import Final

from tests.recorded.books import apply, discovery, patches, reads, writes
from tests.recorded.steps import Stories

BOOKS: Final[dict[str, Stories]] = {
    "patches": patches.STORIES,
    "apply": apply.STORIES,
    "discovery": discovery.STORIES,
    "reads": reads.STORIES,
    "writes": writes.STORIES,
}
