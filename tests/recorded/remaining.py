"""Writes remaining.txt: the differences from the recorded answers that known.py gives no reason for."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.recorded.books import BOOKS
from tests.recorded.known import explained
from tests.recorded.test_recorded import differing, listed


async def main() -> None:
    lines = []
    for book, stories in BOOKS.items():
        for story in stories:
            found = await differing(book, story)
            lines += [listed(story, d) for d in found if not explained(story, d)]
    text = "".join(f"{line}\n" for line in dict.fromkeys(lines))
    (Path(__file__).parent / "remaining.txt").write_text(text)


if __name__ == "__main__":
    asyncio.run(main())
