"""A body of 1 GB each way past the gateway, with a side that keeps stopping: how much memory the gateway takes for it.

The app, the gateway and the client are processes of their own. Upload: the app reads 32 MB, then rests, and so on. Download:
the client does. A gateway that collected what the slow side does not take would grow by the rest of the body. Exits 1 when its
peak grows by more than 32 MB, or when a byte is missing.

    python bench/bigbody.py [--mb 1024] [--growth-max-mb 32]
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import re
import sys
import time
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.proxy import HOST, _own, _process, _wait_listening

BLOCK = bytes(range(256)) * 1024
REST_EVERY = 32 << 20
REST_S = 0.1


async def _app(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """POST: reads, resting, and answers with the sum. GET /<bytes>: writes that many."""
    head = await reader.readuntil(b"\r\n\r\n")
    wanted = re.search(rb"content-length: (\d+)", head.lower())
    if wanted is not None:
        total = await _take(reader, int(wanted[1]))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(total), total))
    else:
        left = int(head.split(b" ")[1][1:])
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % left)
        while left:
            writer.write(BLOCK[:left])
            left -= len(BLOCK[:left])
            await writer.drain()
    await writer.drain()
    writer.close()


async def _take(reader: asyncio.StreamReader, size: int) -> bytes:
    """The hexadecimal sum of `size` bytes, read with rests."""
    total, left, rest = hashlib.sha256(), size, REST_EVERY
    while left:
        piece = await reader.read(min(left, 1 << 18))
        if not piece:
            raise EOFError(f"{left} bytes are missing")
        total.update(piece)
        left -= len(piece)
        rest -= len(piece)
        if rest <= 0:
            rest = REST_EVERY
            await asyncio.sleep(REST_S)
    return total.hexdigest().encode()


async def _serve() -> None:
    server = await asyncio.start_server(_app, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


async def _upload(port: int, size: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        b"POST / HTTP/1.1\r\nHost: %b\r\nContent-Length: %d\r\n\r\n" % (HOST.encode(), size)
    )
    total, left = hashlib.sha256(), size
    while left:
        total.update(BLOCK[:left])
        writer.write(BLOCK[:left])
        left -= len(BLOCK[:left])
        await writer.drain()
    await reader.readuntil(b"\r\n\r\n")
    got = await reader.readexactly(64)
    writer.close()
    if got != total.hexdigest().encode():
        raise SystemExit("the upload did not arrive as it was sent")


async def _download(port: int, size: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /%d HTTP/1.1\r\nHost: %b\r\n\r\n" % (size, HOST.encode()))
    await reader.readuntil(b"\r\n\r\n")
    total = hashlib.sha256()
    for _ in range(size // len(BLOCK)):
        total.update(BLOCK)
    total.update(BLOCK[: size % len(BLOCK)])
    got = await _take(reader, size)
    writer.close()
    if got != total.hexdigest().encode():
        raise SystemExit("the download did not arrive as it was sent")


def _memory_mb(pid: int, what: str) -> float:
    """`VmRSS` (now) or `VmHWM` (the peak)."""
    text = Path(f"/proc/{pid}/status").read_text()
    found = re.search(rf"{what}:\s+(\d+) kB", text)
    assert found is not None
    return int(found[1]) / 1024


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--mb", type=int, default=1024)
    parser.add_argument("--growth-max-mb", type=float, default=32.0)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        asyncio.run(_serve())
        return 0
    failed = False
    for name, carry in (("upload", _upload), ("download", _download)):
        with ExitStack() as stack:
            app = stack.enter_context(_process(sys.executable, __file__, "--serve"))
            assert app.stdout is not None
            pid, port = _own(stack, "--serve-tanebi", app.stdout.readline().strip())
            _wait_listening(port)
            asyncio.run(carry(port, 1 << 20))  # what is loaded at first use
            before, began = _memory_mb(pid, "VmRSS"), time.monotonic()
            asyncio.run(carry(port, args.mb << 20))
            growth = _memory_mb(pid, "VmHWM") - before
            seconds = time.monotonic() - began
            failed = failed or growth > args.growth_max_mb
            print(f"{name:9} {args.mb} MB in {seconds:.1f} s, the gateway grew by {growth:.1f} MB")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
