"""The client against a scripted engine on a Unix socket: what it sends, and how it tells failures apart."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import unquote

import pytest

from tanebi.kubelet.engine.client import EngineClient
from tanebi.kubelet.engine.errors import EngineError, EngineGone

pytestmark = pytest.mark.anyio

Answer = Callable[[bytes], bytes]


@asynccontextmanager
async def scripted(folder: Path, answer: Answer) -> AsyncIterator[EngineClient]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        writer.write(answer(head))
        await writer.drain()
        writer.close()

    server = await asyncio.start_unix_server(serve, folder / "e.sock")
    client = EngineClient(folder / "e.sock")
    try:
        yield client
    finally:
        await client.close()
        server.close()


def says(status: int, body: bytes) -> Answer:
    head = b"HTTP/1.1 %d X\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % (status, len(body))
    return lambda request: head + body


async def test_a_question_and_its_answer(tmp_path: Path) -> None:
    asked = []

    def answer(head: bytes) -> bytes:
        asked.append(head.split(b"\r\n")[0])
        return says(201, b'{"Id": "abc"}')(head)

    async with scripted(tmp_path, answer) as client:
        assert await client.create("one", {"Image": "i"}) == "abc"
    assert asked == [b"POST /v1.40/containers/create?name=one HTTP/1.1"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"message": "no such image"}', "no such image"),
        (b"plain words\n", "plain words"),
        (b"[]", r"\[\]"),
        (b"", "no reason was given"),
    ],
)
async def test_a_refusal(tmp_path: Path, body: bytes, words: str) -> None:
    async with scripted(tmp_path, says(409, body)) as client:
        with pytest.raises(EngineError, match=words) as refused:
            await client.start("x")
        assert refused.value.status == 409


async def test_what_is_not_there_is_none(tmp_path: Path) -> None:
    async with scripted(tmp_path, says(404, b"{}")) as client:
        assert await client.image("a/b:1") is None
        assert await client.network("n") is None
        await client.remove("gone")


@pytest.mark.parametrize(
    "answer",
    [says(200, b"{not json"), lambda head: b"", lambda head: b"garbage\r\n\r\n"],
    ids=["no json", "nothing", "no http"],
)
async def test_an_engine_that_is_none(tmp_path: Path, answer: Answer) -> None:
    async with scripted(tmp_path, answer) as client:
        with pytest.raises(EngineGone):
            await client.agree()


@pytest.mark.parametrize(
    ("version", "prefix", "podman"),
    [
        ({}, "/v1.40", False),
        ({"ApiVersion": "1.41", "MinAPIVersion": "1.12"}, "/v1.40", False),
        ({"ApiVersion": "1.52", "MinAPIVersion": "1.44"}, "/v1.44", False),
        ({"ApiVersion": "1.39"}, "/v1.39", False),
        ({"ApiVersion": "x", "Components": [{"Name": "Podman Engine"}]}, "/v1.40", True),
    ],
)
async def test_the_version_that_both_speak(
    tmp_path: Path, version: dict[str, object], prefix: str, podman: bool
) -> None:
    asked = []

    def answer(head: bytes) -> bytes:
        asked.append(head.split(b" ")[1].decode())
        return says(200, json.dumps(version).encode())(head)

    async with scripted(tmp_path, answer) as client:
        await client.agree()
        assert client.podman == podman
        await client.inspect("x")
    assert asked == ["/version", f"{prefix}/containers/x/json"]


async def test_labels_with_and_without_a_value(tmp_path: Path) -> None:
    asked = []

    def answer(head: bytes) -> bytes:
        asked.append(unquote(head.split(b" ")[1].decode()))
        return says(200, b"[]")(head)

    async with scripted(tmp_path, answer) as client:
        await client.containers({"a": "1", "b": ""})
    assert asked == ['/v1.40/containers/json?all=true&filters={"label":+["a=1",+"b"]}&size=false']


async def test_nobody_there(tmp_path: Path) -> None:
    client = EngineClient(tmp_path / "nobody.sock")
    with pytest.raises(EngineGone):
        await client.agree()
    await client.close()


async def test_lines_of_a_pull(tmp_path: Path) -> None:
    body = b'{"status": "a"}\r\n\n{"error": "b"}'
    async with scripted(tmp_path, says(200, body)) as client, client.pull("x@sha256:1") as lines:
        assert [line async for line in lines] == [{"status": "a"}, {"error": "b"}]


PODMAN = (
    b'{"Components": [{"Name": "Podman Engine"}], "ApiVersion": "1.41", "MinAPIVersion": "1.24"}'
)


async def test_podman_removes_a_place_with_what_is_in_it_and_lists_by_its_own_way(
    tmp_path: Path,
) -> None:
    asked = []

    def answer(head: bytes) -> bytes:
        asked.append(unquote(head.split(b" HTTP")[0].decode()))
        return says(200, PODMAN if b"/version" in head else b"[]")(head)

    async with scripted(tmp_path, answer) as client:
        await client.agree()
        await client.remove("one")
        assert await client.half_removed() == []
    assert asked[1:] == [
        "DELETE /v4.0.0/libpod/containers/one?force=true&v=true&depend=true&timeout=0",
        'GET /v4.0.0/libpod/containers/json?all=true&filters={"status":+["removing"]}&size=false',
    ]


async def test_podman_says_of_each_container_whether_it_is_gone(tmp_path: Path) -> None:
    def answer(head: bytes) -> bytes:
        body = b'[{"Id": "a"}, {"Id": "b", "Err": "busy"}]'
        return says(200, PODMAN if b"/version" in head else body)(head)

    async with scripted(tmp_path, answer) as client:
        await client.agree()
        with pytest.raises(EngineError, match="b: busy"):
            await client.remove("a")
