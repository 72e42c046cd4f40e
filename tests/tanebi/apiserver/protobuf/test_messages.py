from __future__ import annotations

from tanebi.api.core.kinds import KINDS
from tanebi.apiserver.protobuf.messages import (
    DELETE_OPTIONS,
    MESSAGES,
    ROOTS,
    Field,
    fields_of,
    known,
    message_of,
)


def test_all_built_in_kinds_are_known() -> None:
    assert all(known(kind.api_version, kind.kind) for kind in KINDS)
    assert known("apps/v1", DELETE_OPTIONS)
    assert not known("apps/v1", "Pod")


def test_what_the_letters_mean() -> None:
    container = fields_of("Container")
    assert container[1] == Field("name", "string", zeros=True)
    assert container[3] == Field("command", "string", many=True)
    assert fields_of("ConfigMap")[3] == Field("binaryData", "bytes", mapped=True)
    assert fields_of("Volume")[2] == Field("", "VolumeSource")


def test_every_message_is_reached_and_only_schemas_contain_themselves() -> None:
    reached: set[str] = {"TypeMeta"}

    def visit(message: str, above: tuple[str, ...]) -> None:
        if message == "JSONSchemaProps" and message in above:
            return
        assert message not in above, above
        reached.add(message)
        for field in fields_of(message).values():
            if not field.is_plain:
                visit(field.type, (*above, message))

    for root in [*(message_of(*root) for root in ROOTS), DELETE_OPTIONS]:
        visit(root, ())
    assert reached == set(MESSAGES)
