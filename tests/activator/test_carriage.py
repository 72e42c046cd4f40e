"""What an exchange starts from, and what a developer sees of it."""

from __future__ import annotations

from typing import Any, cast

import pytest

from activator.carriage import Carriage, Surroundings
from activator.proxy import Exchange
from tanebi.http.sides import ClientStream


class Backend:
    key = "default/hello-00001"


def make(kind: type[Carriage]) -> Carriage:
    return kind(cast(ClientStream, None), cast(Any, Backend()), cast(Surroundings, None), b"", b"")


def test_it_tells_its_state_and_its_revision() -> None:
    assert repr(make(Exchange)) == "Exchange(HEAD default/hello-00001)"


def test_the_table_is_the_subclass_business() -> None:
    with pytest.raises(NotImplementedError):
        make(Carriage)._feed(0)
