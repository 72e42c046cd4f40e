"""An app that takes its time: SLEEP_MS (or a random time up to RANDOM_MS) a request, START_MS before it listens."""

import asyncio
import os
import random
import time

SLEEP_S = float(os.environ.get("SLEEP_MS", "100")) / 1000
RANDOM_S = float(os.environ.get("RANDOM_MS", "0")) / 1000
START_S = float(os.environ.get("START_MS", "0")) / 1000
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nok\n"


class App(asyncio.Protocol):
    """Answers each request after its time, once its body is there."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.rest = b""

    def data_received(self, data: bytes) -> None:
        self.rest += data
        while True:
            head, end, body = self.rest.partition(b"\r\n\r\n")
            length = content_length(head)
            if not end or len(body) < length:
                return
            self.rest = body[length:]
            wait = random.random() * RANDOM_S if RANDOM_S else SLEEP_S
            asyncio.get_running_loop().call_later(wait, self.answer)

    def answer(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(ANSWER)


def content_length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line[15:])
    return 0


async def main() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(App, "0.0.0.0", int(os.environ["PORT"]), backlog=1024)
    ended = asyncio.Event()
    loop.add_signal_handler(15, ended.set)
    await ended.wait()
    server.close()


time.sleep(random.random() * START_S)
try:
    import uvloop

    uvloop.run(main())
except ImportError:
    asyncio.run(main())
