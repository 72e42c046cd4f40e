"""Walk 2 through the public surface: brokers, triggers, replies, dead letters, the ping importer, misbehaving subscribers."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.driving import User, broker, eventually, service, trigger

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


def received(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.read_text().splitlines()] if out.exists() else []


def ids(out: Path) -> set[str]:
    return {event["headers"]["ce-id"] for event in received(out)}


def sink(name: str, out: Path, **env: str) -> dict[str, Any]:
    return service(name, "dev.local/sink", env={"OUT": str(out), **env})


def test_an_event_wakes_the_subscriber_that_its_trigger_names(user: User, tmp_path: Path) -> None:
    out, other = tmp_path / "out", tmp_path / "other"
    # The trigger comes first: the order of creation does not matter.
    user.apply(trigger("t1", "b1", "s1", filter={"attributes": {"type": "order.created"}}))
    user.apply(broker("b1"), sink("s1", out), sink("s1-other", other))
    user.apply(trigger("t1-other", "b1", "s1-other", filters=[{"prefix": {"type": "other."}}]))
    for name in ("t1", "t1-other"):
        user.wait_ready("trigger", name)
    data = '{ "spaced" :  1.50, "text": "\\u00e9" }'
    assert user.send("b1", "1", "order.created", data, **{"ce-comexampleext": "x"}) == 202
    event = eventually(lambda: received(out))[0]
    assert event["body"] == data, "data is delivered byte for byte"
    headers = event["headers"]
    assert headers["ce-type"] == "order.created"
    assert headers["ce-comexampleext"] == "x"
    assert headers["prefer"] == "reply"
    assert headers["kn-namespace"] == "default"
    assert "ce-knativebrokerttl" not in headers
    assert received(other) == []


def test_structured_events_are_accepted_and_version_0_3_is_not_upgraded(
    user: User, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    user.apply(broker("b2"), sink("s2", out), trigger("t2", "b2", "s2"))
    user.wait_ready("trigger", "t2")
    event = {"specversion": "0.3", "type": "t", "source": "/s", "id": "old", "data": {"a": 1}}
    answer = user.http.post(
        f"{user.platform.gateway}/default/b2",
        headers={"Host": "localhost", "Content-Type": "application/cloudevents+json"},
        content=json.dumps(event),
    )
    assert answer.status_code == 202
    found = eventually(lambda: received(out))[0]
    assert found["headers"]["ce-specversion"] == "0.3"
    assert json.loads(found["body"]) == {"a": 1}


@pytest.mark.parametrize(
    ("headers", "content", "status"),
    [
        ({}, b"{}", 400),
        ({"ce-specversion": "19.0", "ce-type": "t", "ce-source": "/", "ce-id": "1"}, b"", 400),
        ({"ce-specversion": "1.0", "ce-type": "t", "ce-source": "/"}, b"", 400),
        ({"Content-Type": "application/cloudevents+json"}, b"{not json", 400),
        ({"Content-Type": "application/cloudevents+json"}, b'{"specversion":"1.0"}', 400),
    ],
)
def test_what_is_no_event_is_refused(
    user: User, headers: dict[str, str], content: bytes, status: int
) -> None:
    user.apply(broker("b3"))
    user.wait_ready("broker", "b3")
    url = f"{user.platform.gateway}/default/b3"
    answer = user.http.post(url, headers={"Host": "localhost", **headers}, content=content)
    assert answer.status_code == status
    assert answer.text.strip(), "a refusal says why"


def test_other_methods_paths_and_sizes_get_the_right_refusal(user: User) -> None:
    user.apply(broker("b3"))
    user.wait_ready("broker", "b3")
    base, host = user.platform.gateway, {"Host": "localhost"}
    refused = user.http.put(f"{base}/default/b3", headers=host)
    assert refused.status_code == 405
    assert refused.headers["Allow"] == "POST, OPTIONS"
    options = user.http.options(f"{base}/default/b3", headers=host)
    assert options.status_code == 200
    assert options.headers["WebHook-Allowed-Origin"] == "*"
    assert user.send("nowhere", "1") == 404
    headers = {"ce-specversion": "1.0", "ce-type": "t", "ce-source": "/", "ce-id": "big", **host}
    big = user.http.post(f"{base}/default/b3", headers=headers, content=b"x" * 50_000_000)
    assert big.status_code == 413
    long = user.http.get(f"{base}/", headers={**host, "X-Long": "x" * 1_000_000})
    assert long.status_code == 431


def test_a_reply_re_enters_the_broker(user: User, tmp_path: Path) -> None:
    asked, answered = tmp_path / "asked", tmp_path / "answered"
    user.apply(
        broker("b4"),
        sink("s4", asked, MODE="reply"),
        sink("s4-audit", answered),
        trigger("t4", "b4", "s4", filter={"attributes": {"type": "order"}}),
        trigger("t4-audit", "b4", "s4-audit", filter={"attributes": {"type": "reply.order"}}),
    )
    for name in ("t4", "t4-audit"):
        user.wait_ready("trigger", name)
    assert user.send("b4", "7", "order") == 202
    reply = eventually(lambda: received(answered))[0]
    assert reply["headers"]["ce-id"] == "r-7"
    assert reply["body"] == '{"ok":true}'


@pytest.mark.parametrize(
    ("mode", "code"),
    [("422", "422"), ("hang", None), ("reset", None), ("garbage", None), ("huge", None)],
)
def test_what_cannot_be_delivered_goes_to_the_dead_letter_sink(
    user: User, tmp_path: Path, mode: str, code: str | None
) -> None:
    out, dead = tmp_path / "out", tmp_path / "dead"
    name = f"dls-{mode}"
    delivery = {
        "deadLetterSink": {
            "ref": {
                "apiVersion": "serving.knative.dev/v1",
                "kind": "Service",
                "name": f"{name}-dead",
            }
        },
        "retry": 1,
        "backoffPolicy": "linear",
        "backoffDelay": "PT0.05S",
        "timeout": "PT1S",
    }
    user.apply(
        broker(name),
        sink(name, out, MODE=mode),
        sink(f"{name}-dead", dead),
        trigger(name, name, name, delivery=delivery),
    )
    user.wait_ready("trigger", name)
    assert user.send(name, "1") == 202
    letter = eventually(lambda: received(dead), 30)[0]["headers"]
    assert name in letter["ce-knativeerrordest"]
    if code:
        assert letter["ce-knativeerrorcode"] == code
        assert base64.b64decode(letter["ce-knativeerrordata"]) == b"denied"
    assert received(out) == []


def test_a_slow_subscriber_does_not_hold_up_another(user: User, tmp_path: Path) -> None:
    out = tmp_path / "out"
    user.apply(
        broker("b6"),
        sink("s6-hung", tmp_path / "hung", MODE="hang"),
        sink("s6", out),
        trigger("t6-hung", "b6", "s6-hung"),
        trigger("t6", "b6", "s6"),
    )
    for name in ("t6-hung", "t6"):
        user.wait_ready("trigger", name)
    for n in range(100):
        assert user.send("b6", str(n)) == 202
    eventually(lambda: len(ids(out)) == 100, 20)


def test_the_ping_importer_emits_on_schedule(user: User, tmp_path: Path) -> None:
    out = tmp_path / "out"
    ref = {"apiVersion": "eventing.knative.dev/v1", "kind": "Broker", "name": "b7"}
    user.apply(
        broker("b7"),
        sink("s7", out),
        trigger("t7", "b7", "s7"),
        {
            "apiVersion": "sources.knative.dev/v1",
            "kind": "PingSource",
            "metadata": {"name": "tick", "namespace": "default"},
            "spec": {
                "schedule": "*/1 * * * * *",
                "contentType": "application/json",
                "data": '{"hello": "ping"}',
                "ceOverrides": {"extensions": {"color": "red"}},
                "sink": {"ref": ref},
            },
        },
    )
    user.wait_ready("pingsource", "tick")
    event = eventually(lambda: received(out), 20)[0]
    assert event["headers"]["ce-type"] == "dev.knative.sources.ping"
    assert event["headers"]["ce-source"] == "/apis/v1/namespaces/default/pingsources/tick"
    assert event["headers"]["ce-color"] == "red"
    assert event["body"] == '{"hello": "ping"}'
    user.platform.cli("delete", "pingsource", "tick")


def test_tanebi_send_and_the_printed_address(user: User, tmp_path: Path) -> None:
    out = tmp_path / "out"
    user.apply(broker("b8"), sink("s8", out), trigger("t8", "b8", "s8"))
    user.wait_ready("trigger", "t8")
    shown = user.platform.cli("get", "brokers").stdout
    address = next(
        word
        for line in shown.splitlines()
        for word in line.split()
        if word.endswith("/default/b8") and "localhost" in word
    )
    assert str(user.platform.gateway_port) in address
    user.platform.cli(
        "send", "--broker", "b8", "--type", "order", "--source", "/me", "--ext", "color=blue",
        "--data", '{"n": 1}',
    )  # fmt: skip
    event = eventually(lambda: received(out))[0]
    assert event["headers"]["ce-color"] == "blue"
    assert json.loads(event["body"]) == {"n": 1}
