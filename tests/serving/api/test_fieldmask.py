"""Which fields say something, and which of them are refused."""

from __future__ import annotations

from typing import Any

import pytest

from serving.api.config_features import CONFIG_FEATURES
from serving.api.fieldmask import CONTAINER, pod_mask, refused, set_fields
from tanebi.api.core.pod import Container, PodSpec
from tanebi.api.fielderrors import render


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": "", "args": [], "stdin": False}, []),
        ({"name": "a", "args": ["x"], "stdin": True}, ["name", "args", "stdin"]),
        ({"resources": {}}, ["resources"]),
    ],
)
def test_zero_values_say_nothing(fields: Any, said: list[str]) -> None:
    found = [name for name, _ in set_fields(Container.model_validate(fields))]
    assert sorted(found) == sorted(said)


def test_pointers_say_something_even_when_false() -> None:
    spec = PodSpec.model_validate({"shareProcessNamespace": False, "hostNetwork": False})
    assert [name for name, _ in set_fields(spec)] == ["shareProcessNamespace"]


def test_all_refused_fields_are_one_error() -> None:
    container = Container.model_validate({"image": "x", "stdin": True, "tty": True})
    assert render(refused(container, CONTAINER)) == "must not set the field(s): stdin, tty"
    assert refused(None, CONTAINER) == []


def test_a_token_may_be_refused_but_not_demanded() -> None:
    off = CONFIG_FEATURES.parse({})
    no = PodSpec.model_validate({"automountServiceAccountToken": False})
    yes = PodSpec.model_validate({"automountServiceAccountToken": True})
    assert "automountServiceAccountToken" in pod_mask(no, off)
    assert "automountServiceAccountToken" not in pod_mask(yes, off)
