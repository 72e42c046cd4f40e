import pytest

from serving.api.queue_depth import QUEUE_DEPTH_DEFAULT, QUEUE_DEPTH_MAX, parse_queue_depth


@pytest.mark.parametrize(
    ("text", "depth"),
    [("", QUEUE_DEPTH_DEFAULT), ("1", 1), ("500", 500), ("1000000", QUEUE_DEPTH_MAX)],
)
def test_the_bound(text: str, depth: int) -> None:
    assert parse_queue_depth(text) == depth


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "many", "1000001", "99999999999", "٣"])
def test_what_is_no_bound(text: str) -> None:
    with pytest.raises(ValueError, match="queue-depth"):
        parse_queue_depth(text)
