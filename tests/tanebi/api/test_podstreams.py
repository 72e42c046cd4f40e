"""The words of the seam to running containers."""

from __future__ import annotations

from tanebi.api.podstreams import NoStream, Wish


def test_only_the_output_is_connected_by_default() -> None:
    assert Wish() == Wish(stdin=False, stdout=True, stderr=True, tty=False)


def test_a_refusal_says_whose_it_is() -> None:
    assert not NoStream("no").ours
    assert NoStream("no", pod_unknown=True).pod_unknown
