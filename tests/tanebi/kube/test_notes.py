from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tanebi.base.rng import system_rng
from tanebi.kube.notes import MESSAGE_MAX, REPEAT_S, Notebook
from tanebi.kube.plan import Note

NOW = datetime(2026, 1, 1, tzinfo=UTC)
POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "p", "namespace": "d", "uid": "u", "resourceVersion": "3"},
}
NOTE = Note("Warning", "Failed", "it failed")


def book(notes_max: int = 10) -> Notebook:
    return Notebook(system_rng(1), notes_max=notes_max)


def test_the_first_note_is_an_event() -> None:
    event = book().say(POD, NOTE, component="pod-controller", now=NOW)
    assert event is not None
    assert event["metadata"]["namespace"] == "d"
    assert event["metadata"]["name"].startswith("p.")
    assert event["involvedObject"] == {
        "apiVersion": "v1",
        "kind": "Pod",
        "namespace": "d",
        "name": "p",
        "uid": "u",
        "resourceVersion": "3",
    }
    assert (event["type"], event["reason"], event["message"]) == ("Warning", "Failed", "it failed")
    assert event["source"] == {"component": "pod-controller"}
    assert event["count"] == 1
    assert event["firstTimestamp"] == event["lastTimestamp"] == "2026-01-01T00:00:00Z"


def test_the_same_note_is_counted_and_written_now_and_then() -> None:
    notes = book()
    first = notes.say(POD, NOTE, component="c", now=NOW)
    for second in range(5):
        assert notes.say(POD, NOTE, component="c", now=NOW + timedelta(seconds=second)) is None
    later = notes.say(POD, NOTE, component="c", now=NOW + timedelta(seconds=REPEAT_S))
    assert first is not None
    assert later is not None
    assert later["metadata"] == first["metadata"]
    assert later["count"] == 7
    assert later["lastTimestamp"] == "2026-01-01T00:01:00Z"
    assert later["firstTimestamp"] == first["firstTimestamp"]


def test_other_notes_and_other_objects_are_said_on_their_own() -> None:
    notes = book()
    other = {**POD, "metadata": {**POD["metadata"], "uid": "v"}}  # type: ignore[dict-item]
    said = [
        notes.say(POD, NOTE, component="c", now=NOW),
        notes.say(POD, Note("Warning", "Failed", "again"), component="c", now=NOW),
        notes.say(other, NOTE, component="c", now=NOW),
    ]
    names = {event["metadata"]["name"] for event in said if event is not None}
    assert len(names) == 3


def test_what_was_not_heard_for_long_is_forgotten() -> None:
    notes = book(notes_max=2)
    for reason in ("A", "B", "A", "C"):
        notes.say(POD, Note("Normal", reason, ""), component="c", now=NOW)
    assert len(notes) == 2
    assert notes.say(POD, Note("Normal", "A", ""), component="c", now=NOW) is None
    assert notes.say(POD, Note("Normal", "B", ""), component="c", now=NOW) is not None


def test_news_of_cluster_scoped_objects_are_in_the_default_namespace() -> None:
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n", "uid": "u"}}
    event = book().say(node, NOTE, component="c", now=NOW)
    assert event is not None
    assert event["metadata"]["namespace"] == "default"
    assert event["involvedObject"]["namespace"] == ""


def test_messages_have_a_limit() -> None:
    event = book().say(POD, Note("Normal", "Long", "x" * 9999), component="c", now=NOW)
    assert event is not None
    assert len(event["message"]) == MESSAGE_MAX
