from __future__ import annotations

from tanebi.kube.transport import Request, Response


def test_requests_and_answers_are_values() -> None:
    assert Request("GET", "/x") == Request("GET", "/x", {}, {}, b"")
    assert Request("GET", "/x") != Request("GET", "/y")
    assert Response(200) == Response(200, {}, b"")
    assert Request("GET", "/x").query is not Request("GET", "/x").query
