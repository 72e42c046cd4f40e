"""Who asks."""

from __future__ import annotations

from tanebi.apiserver.user import ADMIN, ANONYMOUS, CONTROLLER, User


def test_users_are_values() -> None:
    assert User("a") == User("a", ())
    assert len({ADMIN, CONTROLLER, ANONYMOUS}) == 3
    assert "system:masters" in ADMIN.groups
