"""What an exchange starts from, and what a developer sees of it."""

from __future__ import annotations

from typing import Any, cast

import pytest

from activator.carriage import Carriage
from activator.proxy import Exchange
from activator.times import Times
from tanebi.http.sides import ClientStream


class Backend:
    key = "default/hello-00001"


def make(kind: type[Carriage], around: Any = None) -> Carriage:
    return kind(cast(ClientStream, None), cast(Any, Backend()), around, b"", b"", 10.0)


def test_it_tells_its_state_and_its_revision() -> None:
    assert repr(make(Exchange)) == "Exchange(HEAD default/hello-00001)"


def test_the_table_is_the_subclass_business() -> None:
    with pytest.raises(NotImplementedError):
        make(Carriage)._feed(0)


def test_the_times_of_a_request_that_waited() -> None:
    class Around:
        at = 11.0

        def now(self) -> float:
            return self.at

    around = Around()
    carriage = make(Exchange, around)
    assert carriage.times == Times()
    carriage._routed_at = 10.5
    carriage._cold = True
    carriage._waits()
    around.at = 13.0
    carriage._waited()
    carriage._waited()  # over is over
    carriage._cold = False
    carriage._waits()
    around.at = 14.0
    carriage._waited()
    carriage._head_at = 16.0
    assert carriage.times == Times(route_s=0.5, queue_s=1.0, wake_s=2.0, app_s=2.5)
    assert (carriage.times.total_s, carriage.times.waited_s) == (6.0, 3.0)
