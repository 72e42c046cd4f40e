from autoscaler.api.wake import Wake
from tanebi.api.meta import Key


def test_a_wake_is_a_value() -> None:
    assert Wake(Key("n", "r"), 1, 2, 3, 4, 5) == Wake(Key("n", "r"), 1, 2, 3, 4, 5)
