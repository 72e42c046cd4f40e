"""The calls of the Docker Engine API that a kubelet needs, over a Unix socket.

Spoken by Docker and by Podman (docs.docker.com/engine/api): version 1.40, which Podman 4 serves, or the nearest that the engine
has (`agree`). Every call has a deadline and every answer a limit; what streams (logs, waiting, builds, pulls) is read as it
comes. Errors: tanebi.kubelet.engine.errors.

The one module that imports an HTTP client, and imported only when an engine is first used: it takes a tenth of a second.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import httpx

from tanebi.api.meta import Obj
from tanebi.kubelet.engine.errors import EngineError, EngineGone
from tanebi.kubelet.engine.hijack import Hijacked, hijack

HOST: Final = "http://engine"
WANTED: Final = (1, 40)  # of the API
LIBPOD: Final = "/v4.0.0/libpod"  # Podman's own API, where it can do more
CALL_S: Final = 30.0
ANSWER_MAX: Final = 8 * 1024 * 1024
CONNECTIONS_MAX: Final = 1000  # each running container holds two: its log and its end
NAME_TAKEN: Final = "already in use"  # Podman's and Docker's words; their statuses differ
LINE_MAX: Final = 1024 * 1024

Query = Mapping[str, str | int | bool]


def agreed(version: Obj) -> str:
    """The prefix of all calls, by what the engine says of itself: the wanted version, or the nearest one that it has."""
    lowest = _number(version.get("MinAPIVersion")) or WANTED
    highest = _number(version.get("ApiVersion")) or WANTED
    major, minor = min(max(WANTED, lowest), highest)
    return f"/v{major}.{minor}"


def is_podman(version: Obj) -> bool:
    return any("Podman" in part.get("Name", "") for part in version.get("Components") or ())


def _number(text: Any) -> tuple[int, int] | None:
    major, _, minor = str(text or "").partition(".")
    return (int(major), int(minor)) if major.isdigit() and minor.isdigit() else None


class EngineClient:
    """One engine. Opens connections as needed; `close` when done."""

    def __init__(self, socket: Path) -> None:
        self.socket = socket
        self.podman = False  # until they agreed
        self.prefix = agreed({})
        self._http = httpx.AsyncClient(
            transport=httpx.AsyncHTTPTransport(
                uds=str(socket),
                limits=httpx.Limits(max_connections=CONNECTIONS_MAX, max_keepalive_connections=8),
            ),
            timeout=httpx.Timeout(CALL_S),
        )

    async def close(self) -> None:
        await self._http.aclose()

    async def agree(self) -> None:
        """Ask what it is and which version of the API it speaks. Raises EngineError, EngineGone."""
        found: Obj = await self._checked(self._http.build_request("GET", f"{HOST}/version"))
        self.prefix, self.podman = agreed(found), is_podman(found)

    # --- containers ----------------------------------------------------------------------------

    async def create(self, name: str, body: Obj) -> str:
        """Returns the container's id."""
        found = await self._call("POST", "/containers/create", {"name": name}, body)
        return str(found["Id"])

    async def create_anew(self, name: str, body: Obj) -> str:
        """In the place of one that has the name. Nobody has it as a rule, so that is not asked first."""
        try:
            return await self.create(name, body)
        except EngineError as error:
            if NAME_TAKEN not in error.message:
                raise
        await self.remove(name)
        return await self.create(name, body)

    async def start(self, container: str) -> None:
        await self._call("POST", f"/containers/{container}/start")

    async def inspect(self, container: str) -> Obj:
        found: Obj = await self._call("GET", f"/containers/{container}/json")
        return found

    async def kill(self, container: str, signal: str) -> None:
        await self._call("POST", f"/containers/{container}/kill", {"signal": signal})

    async def pause(self, container: str) -> None:
        await self._call("POST", f"/containers/{container}/pause")

    async def unpause(self, container: str) -> None:
        await self._call("POST", f"/containers/{container}/unpause")

    async def remove(self, container: str) -> None:
        """Also a running one; one that is gone already is no error. With Podman also what is in its place: in one call, and
        it refuses otherwise."""
        path = f"/containers/{container}"
        query: Query = {"force": True, "v": True}
        try:
            if self.podman:
                query = {**query, "depend": True, "timeout": 0}
                _check_removed(await self._call("DELETE", path, query, prefix=LIBPOD))
            else:
                await self._call("DELETE", path, query)
        except EngineError as error:
            if error.status != httpx.codes.NOT_FOUND:
                raise

    async def containers(self, labels: Mapping[str, str], *, sizes: bool = False) -> list[Obj]:
        """All that carry these labels, running or not. An empty value stands for any; `sizes` takes the engine a walk each.

        Podman's own list also stands where a container is half removed."""
        texts = [f"{name}={value}" if value else name for name, value in labels.items()]
        return await self._list({"label": texts}, sizes=sizes)

    async def half_removed(self) -> list[Obj]:
        """What the engine is removing now, or once began to."""
        return await self._list({"status": ["removing"]})

    async def _list(self, filters: Mapping[str, list[str]], *, sizes: bool = False) -> list[Obj]:
        query: Query = {"all": True, "filters": json.dumps(filters), "size": sizes}
        prefix = LIBPOD if self.podman and not sizes else ""
        return list(await self._call("GET", "/containers/json", query, prefix=prefix))

    async def wait(self, container: str) -> int:
        """The exit code, once it has ended."""
        path = f"/containers/{container}/wait"
        found = await self._call("POST", path, {"condition": "not-running"}, timeout_s=None)
        return int(found["StatusCode"])

    @asynccontextmanager
    async def logs(
        self, container: str, *, follow: bool = True
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """The output from its beginning, as framed bytes (tanebi.kubelet.engine.frames), until the container has ended, or
        what there is of it now."""
        query = {"follow": follow, "stdout": True, "stderr": True}
        async with self._stream("GET", f"/containers/{container}/logs", query) as answer:
            yield answer.aiter_raw()

    # --- running a command beside a container --------------------------------------------------

    async def exec_create(self, container: str, body: Obj) -> str:
        found = await self._call("POST", f"/containers/{container}/exec", body=body)
        return str(found["Id"])

    @asynccontextmanager
    async def exec_start(self, exec_id: str) -> AsyncIterator[AsyncIterator[bytes]]:
        """Its output as framed bytes."""
        body = {"Detach": False, "Tty": False}
        async with self._stream("POST", f"/exec/{exec_id}/start", {}, body) as answer:
            yield answer.aiter_raw()

    async def hijack(self, path: str, query: Query, body: Obj | None = None) -> Hijacked:
        """POST, and from then on the connection is a stream of bytes both ways. Raises EngineError, EngineGone."""
        return await hijack(self.socket, f"{self.prefix}{path}", _params(query), body)

    async def resize(self, path: str, columns: int, rows: int) -> None:
        """Of the terminal of an exec or a container."""
        await self._call("POST", f"{path}/resize", {"h": rows, "w": columns})

    async def exec_inspect(self, exec_id: str) -> Obj:
        found: Obj = await self._call("GET", f"/exec/{exec_id}/json")
        return found

    # --- images, networks ----------------------------------------------------------------------

    async def image(self, ref: str) -> Obj | None:
        """None: the engine has none of that name."""
        try:
            found: Obj = await self._call("GET", f"/images/{quote(ref, safe='/:@')}/json")
            return found
        except EngineError as error:
            if error.status == httpx.codes.NOT_FOUND:
                return None
            raise

    @asynccontextmanager
    async def pull(self, ref: str, auth: str = "") -> AsyncIterator[AsyncIterator[Obj]]:
        """Progress as the engine tells it; a failure is a line with `error`. `auth` goes into X-Registry-Auth."""
        name, _, digest = ref.partition("@")
        query = {"fromImage": name, "tag": digest} if digest else {"fromImage": ref}
        headers = {"x-registry-auth": auth} if auth else {}
        async with self._stream("POST", "/images/create", query, headers=headers) as answer:
            yield _lines(answer)

    @asynccontextmanager
    async def build(
        self, context: AsyncIterator[bytes], tag: str, containerfile: str
    ) -> AsyncIterator[AsyncIterator[Obj]]:
        """`context` is a tar archive. Lines with `stream` (what a step says) or `error`."""
        query: Query = {"t": tag, "dockerfile": containerfile, "rm": True, "forcerm": True}
        async with self._stream("POST", "/build", query, content=context) as answer:
            yield _lines(answer)

    async def load(self, archive: bytes) -> None:
        """Images from a `docker save` archive."""
        headers = {"content-type": "application/x-tar"}
        await self._checked(
            self._http.build_request(
                "POST", f"{HOST}{self.prefix}/images/load", content=archive, headers=headers
            )
        )

    async def network(self, name: str) -> Obj | None:
        try:
            found: Obj = await self._call("GET", f"/networks/{name}")
            return found
        except EngineError as error:
            if error.status == httpx.codes.NOT_FOUND:
                return None
            raise

    async def create_network(self, body: Obj) -> None:
        await self._call("POST", "/networks/create", body=body)

    async def remove_network(self, name: str) -> None:
        await self._call("DELETE", f"/networks/{name}")

    # --- how -----------------------------------------------------------------------------------

    async def _call(
        self,
        method: str,
        path: str,
        query: Query | None = None,
        body: Obj | None = None,
        *,
        timeout_s: float | None = CALL_S,
        prefix: str = "",
    ) -> Any:
        request = self._http.build_request(
            method,
            f"{HOST}{prefix or self.prefix}{path}",
            params=_params(query or {}),
            json=body,
            timeout=httpx.Timeout(CALL_S, read=timeout_s),
        )
        return await self._checked(request)

    async def _checked(self, request: httpx.Request) -> Any:
        async with self._answer(request) as answer:
            content = await _capped(answer)
        try:
            return json.loads(content) if content.strip() else {}
        except ValueError as error:
            raise EngineGone(f"{request.url.path}: the answer is no JSON") from error

    @asynccontextmanager
    async def _stream(
        self,
        method: str,
        path: str,
        query: Query,
        body: Obj | None = None,
        content: AsyncIterator[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> AsyncIterator[httpx.Response]:
        typed = {"content-type": "application/x-tar"} if content is not None else {}
        request = self._http.build_request(
            method,
            f"{HOST}{self.prefix}{path}",
            params=_params(query),
            json=body,
            content=content,
            headers={**(headers or {}), **typed},
            timeout=httpx.Timeout(CALL_S, read=None),
        )
        async with self._answer(request) as answer:
            yield answer

    @asynccontextmanager
    async def _answer(self, request: httpx.Request) -> AsyncIterator[httpx.Response]:
        try:
            answer = await self._http.send(request, stream=True)
            try:
                if answer.status_code >= httpx.codes.BAD_REQUEST:
                    raise EngineError(answer.status_code, _message(await _capped(answer)))
                yield answer
            finally:
                await answer.aclose()
        except httpx.HTTPError as error:
            raise EngineGone(f"{request.url.path}: {error or type(error).__name__}") from error


def _check_removed(reports: Any) -> None:
    """One for each container that had to go. Raises EngineError."""
    for report in reports or ():
        if report.get("Err"):
            raise EngineError(httpx.codes.CONFLICT, f"{report.get('Id')}: {report['Err']}")


def _params(query: Query) -> dict[str, str]:
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in query.items()
    }


def _message(content: bytes) -> str:
    try:
        found = json.loads(content)
        return str(found.get("message") or found)
    except (ValueError, AttributeError):
        return content.decode("utf-8", "replace").strip() or "no reason was given"


async def _capped(answer: httpx.Response) -> bytes:
    content = bytearray()
    async for chunk in answer.aiter_raw():
        content += chunk
        if len(content) > ANSWER_MAX:
            raise EngineGone(f"an answer of more than {ANSWER_MAX} bytes")
    return bytes(content)


async def _lines(answer: httpx.Response) -> AsyncIterator[Obj]:
    """JSON values, one a line."""
    held = b""
    async for chunk in answer.aiter_raw():
        *whole, held = (held + chunk).split(b"\n")
        if len(held) > LINE_MAX:
            raise EngineGone(f"a line of more than {LINE_MAX} bytes")
        for line in whole:
            if line.strip():
                yield json.loads(line)
    if held.strip():
        yield json.loads(held)
