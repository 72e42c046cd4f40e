"""Puts the scripted stories to a real kube-apiserver and writes down what it answers.

    python -m tests.recorded.record --server https://127.0.0.1:6443 --token admin=… --token limited=… [book …]

The server must be fresh and nobody else's: stories make cluster-wide objects. README.md says how to start one.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any, Final

import httpx

from tests.recorded.books import BOOKS
from tests.recorded.masking import masked
from tests.recorded.steps import AGENT, Answer, Step, body_bytes, filled, namespace_of, settled

ANSWERS: Final = Path(__file__).parent / "answers"
TRIES: Final = 100
TRY_EVERY_S: Final = 0.1


class RealServer:
    def __init__(self, url: str, tokens: dict[str, str]) -> None:
        self._client = httpx.Client(base_url=url, verify=False, timeout=30)  # loopback
        self._tokens = tokens

    def put(self, step: Step) -> Answer:
        for _ in range(TRIES):
            answer = self._once(step)
            if not step.until or settled(step, answer.body):
                return answer
            time.sleep(TRY_EVERY_S)
        raise TimeoutError(f"{step}: {step.until} never came")

    def _once(self, step: Step) -> Answer:
        headers = {
            "content-type": step.type,
            "accept": step.accept,
            "user-agent": AGENT,
            "authorization": f"Bearer {self._tokens[step.user]}",
        }
        content = body_bytes(step)
        if not content:
            del headers["content-type"]
        found = self._client.request(
            step.method, step.path, params=dict(step.query), content=content, headers=headers
        )
        warnings = tuple(found.headers.get_list("warning"))
        return Answer(found.status_code, _parsed(step, found.content), warnings)


def _parsed(step: Step, content: bytes) -> Any:
    if step.events:
        return [json.loads(line) for line in content.splitlines()]
    try:
        return json.loads(content)
    except ValueError:
        return content.decode()


def record(server: RealServer, steps: Any, namespace: str) -> list[Answer]:
    made = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
    server.put(Step("POST", "/api/v1/namespaces", made))
    answers: list[Answer] = []
    for step in steps:
        answers.append(server.put(filled(step, namespace, answers)))
    return answers


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", required=True)
    parser.add_argument("--token", action="append", required=True, help="USER=TOKEN")
    parser.add_argument("books", nargs="*", default=list(BOOKS))
    wanted = parser.parse_args()
    server = RealServer(wanted.server, dict(t.split("=", 1) for t in wanted.token))
    for book in wanted.books:
        lines = []
        for story, steps in BOOKS[book].items():
            answers = record(server, steps, namespace_of(story))
            for step, answer in zip(steps, answers, strict=True):
                line = [story, str(step), answer.code, masked(answer.body), list(answer.warnings)]
                lines.append(json.dumps(line, ensure_ascii=False, separators=(",", ":")))
        (ANSWERS / f"{book}.jsonl").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
