from __future__ import annotations

from tanebi.apiserver.protobuf.messages import fields_of
from tanebi.apiserver.protobuf.tables_policies import MESSAGES


def test_every_field_has_a_number_of_its_own() -> None:
    for message, text in MESSAGES.items():
        parts = [part for part in text.split(",") if part]
        assert len(fields_of(message)) == len(parts), message


def test_a_number_that_clients_send() -> None:
    assert fields_of("FlowSchemaSpec")[2].name == "matchingPrecedence"
