"""The exchange table: total, and every path releases and accounts exactly once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanebi.base.errors import Bug
from tanebi.http.exchange import (
    CONNECT_ATTEMPTS_MAX,
    TRANSITIONS,
    Action,
    Event,
    State,
    on_connect_failure,
    on_connection_lost,
    step,
)

ENDS = (State.DONE, State.FAILED)


def walk(*events: Event) -> tuple[State, list[Action]]:
    state, done = State.HEAD, []
    for event in events:
        state, actions = step(state, event)
        done += actions
    return state, done


def test_a_plain_exchange() -> None:
    E, A = Event, Action
    state, actions = walk(E.ARRIVED, E.GRANTED, E.CONNECTED, E.SENT, E.RESP_HEAD, E.RESP_END)
    assert state is State.DONE
    assert actions == [
        A.ACQUIRE,
        A.CONNECT,
        A.SEND_UP,
        A.SEND_DOWN,
        A.KEEP_UP,
        A.RELEASE,
        A.FINISH,
        A.ACCOUNT,
    ]


def test_an_answer_before_the_end_of_the_request_closes_in_good_order() -> None:
    E, A = Event, Action
    state, actions = walk(E.ARRIVED, E.GRANTED, E.CONNECTED, E.RESP_HEAD, E.RESP_END)
    assert state is State.DONE
    assert actions[-4:] == [A.CLOSE_UP, A.RELEASE, A.FINISH_CLOSE, A.ACCOUNT]


def test_a_tunnel_holds_its_slot_until_both_sides_have_ended() -> None:
    E, A = Event, Action
    way = (E.ARRIVED, E.GRANTED, E.CONNECTED, E.SENT, E.SWITCHED)
    state, actions = walk(*way)
    assert state is State.TUNNEL
    assert actions[-2:] == [A.SEND_DOWN, A.JOIN]
    assert A.RELEASE not in actions
    for event, last in (
        (E.RESP_END, A.FINISH_CLOSE),
        (E.LOST, A.CUT),
        (E.TIMER, A.CUT),
        (E.CLIENT_LEFT, None),
    ):
        state, actions = walk(*way, event)
        assert state in ENDS
        assert actions.count(A.RELEASE) == actions.count(A.ACCOUNT) == 1
        assert A.KEEP_UP not in actions
        assert last is None or last in actions


def test_only_a_whole_request_can_become_a_tunnel() -> None:
    assert [s for s in State if Event.SWITCHED in TRANSITIONS[s] and s not in ENDS] == [
        State.WAITING
    ]


def test_a_refused_connection_queues_again_with_a_new_slot() -> None:
    E, A = Event, Action
    state, actions = walk(E.ARRIVED, E.GRANTED, E.CONNECT_FAILED)
    assert state is State.QUEUED
    assert actions[-2:] == [A.RELEASE, A.ACQUIRE]


def test_an_unknown_pair_is_a_bug() -> None:
    with pytest.raises(Bug, match="SENT cannot happen in state QUEUED"):
        step(State.QUEUED, Event.SENT)


def test_every_state_hears_that_the_client_left() -> None:
    for state in State:
        after, _ = step(state, Event.CLIENT_LEFT)
        assert after in ENDS


def test_actions_that_bring_the_next_event_are_last() -> None:
    for events in TRANSITIONS.values():
        for _, actions in events.values():
            for action in actions[:-1]:
                assert action not in (Action.ACQUIRE, Action.CONNECT, Action.SEND_UP)


@given(st.lists(st.sampled_from(list(Event)), max_size=40))
def test_released_and_accounted_exactly_once(events: list[Event]) -> None:
    state, granted, released, accounted, arrived = State.HEAD, 0, 0, 0, 0
    for event in events:
        if event not in TRANSITIONS[state]:
            continue
        arrived += event is Event.ARRIVED and state is State.HEAD
        granted += event is Event.GRANTED
        state, actions = step(state, event)
        released += actions.count(Action.RELEASE)
        accounted += actions.count(Action.ACCOUNT)
        holding = state in (
            State.CONNECTING,
            State.SENDING,
            State.WAITING,
            State.DUPLEX,
            State.STREAMING,
            State.TUNNEL,
        )
        assert granted - released == int(holding)
        assert accounted == (arrived if state in ENDS else 0)


@given(st.lists(st.sampled_from(list(Event)), max_size=40))
def test_one_answer_at_most(events: list[Event]) -> None:
    """A client gets a refusal, an answer, or a cut after half of one; never two of them."""
    state, seen = State.HEAD, []
    for event in events:
        if event in TRANSITIONS[state]:
            state, actions = step(state, event)
            seen += actions
    assert seen.count(Action.REFUSE) + seen.count(Action.SEND_DOWN) <= 1
    if Action.CUT in seen or Action.FINISH in seen or Action.FINISH_CLOSE in seen:
        assert Action.SEND_DOWN in seen


def test_connect_failures_are_bounded() -> None:
    assert on_connect_failure(1) is Event.CONNECT_FAILED
    assert on_connect_failure(CONNECT_ATTEMPTS_MAX) is Event.GAVE_UP


@pytest.mark.parametrize(
    ("change", "event"),
    [
        ({}, Event.STALE),
        ({"method": b"POST"}, Event.LOST),
        ({"reused": False}, Event.LOST),
        ({"answered": True}, Event.LOST),
        ({"body_sent": True}, Event.LOST),
        ({"retried": True}, Event.LOST),
    ],
)
def test_only_a_replayable_request_on_a_kept_connection_is_sent_again(
    change: dict[str, object], event: Event
) -> None:
    given_facts: dict[str, object] = {
        "method": b"GET",
        "reused": True,
        "answered": False,
        "body_sent": False,
        "retried": False,
    }
    assert on_connection_lost(**{**given_facts, **change}) is event  # type: ignore[arg-type]
