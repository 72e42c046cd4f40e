from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tanebi.api.conditions import ConditionSet
from tanebi.api.meta import ConditionView

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SET = ConditionSet(("Built", "Deployed"))


def views(dumped: list[dict[str, str]]) -> list[ConditionView]:
    return [ConditionView.model_validate(c) for c in dumped]


def test_a_new_status_knows_nothing() -> None:
    conditions = SET.manage([], now=NOW)
    assert [(c["type"], c["status"]) for c in conditions.dump()] == [
        ("Built", "Unknown"),
        ("Deployed", "Unknown"),
        ("Ready", "Unknown"),
    ]


def test_ready_follows_when_all_dependents_are_true() -> None:
    conditions = SET.manage([], now=NOW)
    conditions.mark_true("Built")
    assert conditions.status("Ready") == "Unknown"
    conditions.mark_true("Deployed")
    assert conditions.status("Ready") == "True"


def test_a_false_dependent_gives_its_reason_to_ready() -> None:
    conditions = SET.manage([], now=NOW)
    conditions.mark_true("Deployed")
    conditions.mark_false("Built", "Broken", "no compiler")
    ready = conditions.get("Ready")
    assert ready is not None
    assert (ready["status"], ready["reason"], ready["message"]) == (
        "False",
        "Broken",
        "no compiler",
    )


def test_unknown_does_not_hide_false() -> None:
    conditions = SET.manage([], now=NOW)
    conditions.mark_false("Built", "Broken")
    conditions.mark_unknown("Deployed", "Waiting")
    assert conditions.status("Ready") == "False"


def test_mending_the_false_one_shows_the_unknown_one() -> None:
    conditions = SET.manage([], now=NOW)
    conditions.mark_false("Built", "Broken")
    conditions.mark_unknown("Deployed", "Waiting", "for a node")
    conditions.mark_true("Built")
    ready = conditions.get("Ready")
    assert ready is not None
    assert (ready["status"], ready["reason"]) == ("Unknown", "Waiting")


def test_conditions_outside_the_set_are_information_only() -> None:
    conditions = SET.manage([], now=NOW)
    conditions.mark_true("Built")
    conditions.mark_true("Deployed")
    conditions.mark_false("Active", "NoTraffic")
    assert conditions.status("Ready") == "True"
    active = conditions.get("Active")
    assert active is not None
    assert active["severity"] == "Info"
    conditions.clear("Active")
    assert conditions.get("Active") is None


def test_the_transition_time_moves_only_with_a_change() -> None:
    first = SET.manage([], now=NOW)
    first.mark_false("Built", "Broken", "a")
    later = SET.manage(views(first.dump()), now=NOW + timedelta(minutes=1))
    later.mark_false("Built", "Broken", "a")
    assert later.dump() == first.dump()
    later.mark_false("Built", "Broken", "b")
    built = later.get("Built")
    assert built is not None
    assert built["lastTransitionTime"] == "2026-01-01T00:01:00Z"


def test_a_new_generation_makes_ready_unknown() -> None:
    conditions = SET.manage([], now=NOW)
    conditions.mark_true("Built")
    conditions.mark_true("Deployed")
    conditions.reset_for_generation()
    ready = conditions.get("Ready")
    assert ready is not None
    assert (ready["status"], ready["reason"]) == ("Unknown", "NewObservedGenFailure")


marks = st.lists(
    st.tuples(
        st.sampled_from(["true", "false", "unknown"]), st.sampled_from(["Built", "Deployed"])
    ),
    max_size=12,
)


@given(marks)
def test_ready_is_true_only_if_all_are_and_false_only_if_one_is(
    steps: list[tuple[str, str]],
) -> None:
    conditions = SET.manage([], now=NOW)
    for verb, name in steps:
        match verb:
            case "true":
                conditions.mark_true(name)
            case "false":
                conditions.mark_false(name, "R")
            case _:
                conditions.mark_unknown(name, "R")
    states = {conditions.status("Built"), conditions.status("Deployed")}
    if "False" in states:
        assert conditions.status("Ready") == "False"
    elif states == {"True"}:
        assert conditions.status("Ready") == "True"
    else:
        assert conditions.status("Ready") == "Unknown"


def test_a_condition_that_comes_back_keeps_its_time() -> None:
    living = ConditionSet(("A",))
    first = living.manage([], now=datetime(2026, 1, 1, tzinfo=UTC))
    first.mark_true("A")
    before = [ConditionView.model_validate(c) for c in first.dump()]
    again = living.manage(before, now=datetime(2026, 1, 2, tzinfo=UTC))
    again.mark_unknown("A", "Deploying")
    again.mark_true("A")
    assert again.dump() == first.dump()
