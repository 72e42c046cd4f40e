from datetime import UTC, datetime, timedelta, timezone

import pytest
from pydantic import ValidationError

from tanebi.api.core.pod import Pod
from tanebi.api.meta import (
    Destination,
    Key,
    KStatus,
    Resource,
    controller_of,
    drop_nulls,
    key_of,
    owner_reference,
    parse_time,
    rfc3339,
    unknown_fields,
)

POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "p", "namespace": "ns", "uid": "u", "labels": {"a": "b"}},
    "spec": {"containers": [{"name": "c", "image": "i", "hostPort": 1}], "hostPID": True},
    "extra": 1,
}


def test_a_view_reads_camel_case_and_keeps_what_it_does_not_know() -> None:
    pod = Pod.model_validate(POD)
    assert pod.key == Key("ns", "p")
    assert pod.spec.host_pid is True
    assert unknown_fields(pod) == ["extra", "spec.containers[0].hostPort"]


def test_views_are_strict_and_frozen() -> None:
    with pytest.raises(ValidationError, match="containerPort"):
        Pod.model_validate({"spec": {"containers": [{"ports": [{"containerPort": "80"}]}]}})
    with pytest.raises(ValidationError, match="frozen"):
        Pod.model_validate(POD).spec.hostname = "x"  # type: ignore[misc]


def test_the_unusual_capitals_of_a_destination() -> None:
    assert Destination.model_validate({"CACerts": "pem"}).ca_certs == "pem"


def test_an_owner_reference_names_the_controller() -> None:
    owner = Resource.model_validate(POD)
    child = {"metadata": {"ownerReferences": [{"name": "other"}, owner_reference(owner)]}}
    found = controller_of(child)
    assert found is not None
    assert (found["kind"], found["name"], found["uid"], found["controller"]) == (
        "Pod",
        "p",
        "u",
        True,
    )
    assert controller_of({}) is None


def test_keys() -> None:
    assert key_of(POD) == Key("ns", "p")
    assert str(Key("ns", "p")) == "ns/p"
    assert str(Key("", "p")) == "p"
    assert key_of({}) == Key("", "")


def test_nulls_mean_absent_but_stay_in_lists() -> None:
    assert drop_nulls({"a": None, "b": {"c": None, "d": [None, {"e": None}]}}) == {
        "b": {"d": [None, {}]}
    }


def test_conditions_are_found_by_type() -> None:
    status = KStatus.model_validate({"conditions": [{"type": "Ready", "status": "True"}]})
    assert status.is_true("Ready")
    assert not status.is_false("Ready")
    assert status.condition("Other") is None


def test_times_are_written_in_utc() -> None:
    stamp = datetime(2026, 1, 1, 9, 0, 0, 123456, tzinfo=timezone(timedelta(hours=9)))
    assert rfc3339(stamp) == "2026-01-01T00:00:00Z"
    assert rfc3339(stamp, micro=True) == "2026-01-01T00:00:00.123456Z"


def test_times_are_read_strictly() -> None:
    assert parse_time("2026-01-01T00:00:00Z") == datetime(2026, 1, 1, tzinfo=UTC)
    assert parse_time("2026-01-01T09:00:00.5+09:00") == datetime(
        2026, 1, 1, 0, 0, 0, 500000, tzinfo=UTC
    )
    for bad in ("2026-01-01", "2026-01-01 00:00:00Z", "2026-01-01T00:00:00", "now"):
        with pytest.raises(ValueError, match="RFC 3339"):
            parse_time(bad)
