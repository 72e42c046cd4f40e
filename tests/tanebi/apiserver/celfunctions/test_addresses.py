from __future__ import annotations

import pytest

from tanebi.apiserver.celfunctions.addresses import FUNCTIONS


@pytest.mark.parametrize("text", ["", "1.2.3", "fe80::1%eth0", "::ffff:1.2.3.4", "1.2.3.4/8"])
def test_no_address(text: str) -> None:
    assert not FUNCTIONS["isIP"](text)


@pytest.mark.parametrize(
    "text", ["", "1.2.3.4", "1.2.3.4/", "1.2.3.4/08", "1.2.3.4/255.0.0.0", "::/129"]
)
def test_no_network(text: str) -> None:
    assert not FUNCTIONS["isCIDR"](text)


def test_groups_of_the_link() -> None:
    assert FUNCTIONS["isLinkLocalMulticast"](FUNCTIONS["ip"]("ff02::1"))
    assert not FUNCTIONS["isLinkLocalMulticast"](FUNCTIONS["ip"]("ff05::1"))
