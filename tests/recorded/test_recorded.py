"""The same requests to our server: its answers are those of a kube-apiserver 1.32.2, but for what known.py gives a reason for."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

import anyio
import orjson
import pytest

from tanebi.api.core.kinds import KINDS
from tanebi.apiserver.bootstrap import bootstrap
from tanebi.apiserver.server import ApiServer
from tanebi.apiserver.store import Store
from tanebi.apiserver.user import ADMIN, AUTHENTICATED, User
from tanebi.base.rng import system_rng
from tanebi.kube.transport import Request, Response
from tanebi.testing.clock import FakeClock
from tests.recorded.books import BOOKS
from tests.recorded.known import explained
from tests.recorded.masking import differences, masked
from tests.recorded.steps import AGENT, Answer, Step, body_bytes, filled, namespace_of, settled

pytestmark = pytest.mark.anyio

ANSWERS: Final = Path(__file__).parent / "answers"
USERS: Final = {"admin": ADMIN, "limited": User("limited", ("people", AUTHENTICATED), "2")}
REMAINING_LINE_MAX: Final = 150
REMAINING: Final = frozenset((ANSWERS.parent / "remaining.txt").read_text().splitlines())
_WARNING: Final = re.compile(r'299 (?:- )?"((?:[^"\\]|\\.)*)"')


class Replay:
    def __init__(self, server: ApiServer) -> None:
        self._server = server

    async def put(self, step: Step) -> Answer:
        with anyio.fail_after(10):
            while True:
                answer = await self._once(step)
                if not step.until or settled(step, answer.body):
                    return answer
                await anyio.sleep(0.002)

    async def _once(self, step: Step) -> Answer:
        headers = {"content-type": step.type, "accept": step.accept, "user-agent": AGENT}
        content = body_bytes(step)
        if not content:
            del headers["content-type"]
        request = Request(step.method, step.path, dict(step.query), headers, content)
        answer = await self._server.handle(request, USERS[step.user])
        if isinstance(answer, Response):
            warnings = tuple(_WARNING.findall(answer.headers.get("warning", "")))
            return Answer(answer.status, _parsed(answer.body), warnings)
        events: list[Any] = []
        chunks: Any = answer.chunks
        with anyio.move_on_after(0.03):
            async for chunk in chunks:
                events += [orjson.loads(line) for line in chunk.splitlines()]
        await chunks.aclose()
        return Answer(answer.status, events)


def _parsed(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return body.decode()


def recorded(book: str) -> dict[str, list[tuple[str, Answer]]]:
    found: dict[str, list[tuple[str, Answer]]] = {}
    for line in (ANSWERS / f"{book}.jsonl").read_text().splitlines():
        story, step, code, body, warnings = json.loads(line)
        told = tuple(text for warning in warnings for text in _WARNING.findall(warning))
        found.setdefault(story, []).append((step, Answer(code, body, told)))
    return found


def compared(ours: Answer, theirs: Answer) -> list[str]:
    if ours.code != theirs.code:
        told = (ours.body if ours.code >= 400 else theirs.body) or {}
        return [f"code: {ours.code}, recorded {theirs.code}: {told.get('message')}"]
    found = differences(masked(ours.body), theirs.body)
    return found + differences(list(ours.warnings), list(theirs.warnings), "warnings")


async def differing(book: str, story: str) -> list[str]:
    """Every difference, as a line with the step it is of."""
    theirs = recorded(book)[story]
    steps = BOOKS[book][story]
    assert [str(step) for step in steps] == [step for step, _ in theirs], "record it anew"
    store = Store.open(Path(":memory:"))
    server = ApiServer(store, KINDS, (), clock=FakeClock(), rng=system_rng(1))
    await bootstrap(server, ())
    found: list[str] = []
    async with anyio.create_task_group() as group:
        await group.start(server.run)
        replay = Replay(server)
        namespace = namespace_of(story)
        made = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
        await replay.put(Step("POST", "/api/v1/namespaces", made))
        answers: list[Answer] = []
        for number, (step, (_, expected)) in enumerate(zip(steps, theirs, strict=True)):
            answers.append(await replay.put(filled(step, namespace, answers)))
            found += [f"{number} {step}: {d}" for d in compared(answers[-1], expected)]
        group.cancel_scope.cancel()
    store.close()
    return found


@pytest.mark.parametrize(
    ("book", "story"), [(book, story) for book, stories in BOOKS.items() for story in stories]
)
async def test_the_answers_are_those_of_a_kube_apiserver(book: str, story: str) -> None:
    found = await differing(book, story)
    unexpected = [line for line in found if not expected_difference(story, line)]
    if unexpected:
        pytest.fail("\n".join(unexpected), pytrace=False)


def expected_difference(story: str, line: str) -> bool:
    return explained(story, line) or listed(story, line) in REMAINING


def listed(story: str, line: str) -> str:
    """A difference as remaining.txt has it: no longer than it takes to know it."""
    return f"{story}: {line}".replace("\n", " ")[:REMAINING_LINE_MAX]
