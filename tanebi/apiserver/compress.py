"""Long answers in gzip, for clients that ask for it. Caller: tanebi.apiserver.https."""

from __future__ import annotations

import gzip
from typing import Final

from anyio import to_thread

from tanebi.kube.transport import Response

THRESHOLD_BYTES: Final = 128 * 1024  # Kubernetes': below it, what is saved is not worth the time
LEVEL: Final = 1


async def compressed(answer: Response, accept_encoding: str) -> Response:
    """`answer`, compressed if it is long and the client takes it. In a thread: a long list would hold the loop."""
    if len(answer.body) < THRESHOLD_BYTES or not takes_gzip(accept_encoding):
        return answer
    body = await to_thread.run_sync(lambda: gzip.compress(answer.body, LEVEL, mtime=0))
    vary = ", ".join(filter(None, (answer.headers.get("vary"), "Accept-Encoding")))
    headers = {**answer.headers, "content-encoding": "gzip", "vary": vary}
    return Response(answer.status, headers, body)


def takes_gzip(accept_encoding: str) -> bool:
    for part in accept_encoding.lower().split(","):
        name, _, weight = part.strip().partition(";")
        if name.strip() in ("gzip", "*"):
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
