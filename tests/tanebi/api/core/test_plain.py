"""The typed views of Namespace, ConfigMap, Secret and Event."""

from __future__ import annotations

from tanebi.api.core.kinds import CONFIG_MAP, EVENT, NAMESPACE, SECRET
from tanebi.api.meta import unknown_fields


def test_views() -> None:
    assert CONFIG_MAP.view({"data": {"a": "b"}, "binaryData": {"c": "ZA=="}}).binary_data == {
        "c": "ZA=="
    }
    assert SECRET.view({"stringData": {"a": "b"}, "type": "Opaque"}).string_data == {"a": "b"}
    assert NAMESPACE.view({"status": {"phase": "Active"}}).status.phase == "Active"
    event = EVENT.view(
        {"involvedObject": {"kind": "Pod", "name": "p"}, "reason": "BackOff", "count": 3}
    )
    assert (event.involved_object.name, event.count) == ("p", 3)
    assert unknown_fields(event) == []


def test_empty_objects_are_readable() -> None:
    for kind in (CONFIG_MAP, SECRET, NAMESPACE, EVENT):
        assert unknown_fields(kind.view({})) == []
