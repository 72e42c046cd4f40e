"""A webhook on a real HTTPS socket, and configurations that name it."""

from __future__ import annotations

import asyncio
import base64
import inspect
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson

from tanebi.api.meta import Obj
from tanebi.apiserver import pki
from tanebi.base.clock import SystemClock

SERVICE_NAME: Final = "hook.default.svc"
ROOT: Final = "/apis/admissionregistration.k8s.io/v1"
MUTATING: Final = f"{ROOT}/mutatingwebhookconfigurations"
VALIDATING: Final = f"{ROOT}/validatingwebhookconfigurations"

Judge = Callable[[Obj], Any]


def allow(request: Obj) -> Obj:
    return {"allowed": True}


def patch(*operations: Obj) -> Judge:
    encoded = base64.b64encode(orjson.dumps(list(operations))).decode()
    return lambda request: {"allowed": True, "patchType": "JSONPatch", "patch": encoded}


@dataclass
class Answering:
    """What it is told to say, by path; what it was asked."""

    port: int
    bundle: str
    judges: dict[str, Judge] = field(default_factory=dict)
    asked: list[Obj] = field(default_factory=list)

    def client(self, path: str) -> Obj:
        return {"url": f"https://127.0.0.1:{self.port}{path}", "caBundle": self.bundle}

    async def answer(self, path: str, body: bytes) -> bytes:
        request = orjson.loads(body)["request"]
        self.asked.append(request)
        said = self.judges[path](request)
        if inspect.isawaitable(said):
            said = await said
        if isinstance(said, bytes):
            return said
        names = {"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1"}
        return orjson.dumps({**names, "response": {"uid": request["uid"], **said}})


def configuration(kind: str, name: str, *hooks: Obj) -> Obj:
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": f"{kind}WebhookConfiguration",
        "metadata": {"name": name},
        "webhooks": list(hooks),
    }


def hook(client: Obj, *, name: str = "hook.example.com", **more: Any) -> Obj:
    rule = {
        "operations": ["*"],
        "apiGroups": ["tanebi.dev"],
        "apiVersions": ["v1"],
        "resources": ["widgets"],
    }
    return {
        "name": name,
        "clientConfig": client,
        "rules": [rule],
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "timeoutSeconds": 5,
        **more,
    }


@asynccontextmanager
async def answering(folder: Path, make: type[Answering] = Answering) -> AsyncIterator[Answering]:
    names = pki.ensure(folder, now=SystemClock().wall(), extra_names=(SERVICE_NAME,))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(names.certificate, names.key)
    found = make(0, base64.b64encode(names.ca_pem).decode())

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            path = head.split(" ")[1].partition("?")[0]
            length = int(head.partition("content-length:")[2].split("\r\n")[0])
            said = await found.answer(path, await reader.readexactly(length))
            writer.write(
                b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(said)
            )
            writer.write(said)
            await writer.drain()
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    found.port = server.sockets[0].getsockname()[1]
    async with server:
        yield found
