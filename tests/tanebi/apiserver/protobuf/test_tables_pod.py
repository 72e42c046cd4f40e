from __future__ import annotations

from tanebi.apiserver.protobuf.messages import fields_of
from tanebi.apiserver.protobuf.tables_pod import MESSAGES


def test_every_field_has_a_number_of_its_own() -> None:
    for message, text in MESSAGES.items():
        assert len(fields_of(message)) == len(text.split(",")), message


def test_a_number_that_clients_send() -> None:
    assert fields_of("PodSpec")[2].name == "containers"
