"""Who a caller is, by what they show, and whom they may be taken for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tanebi.apiserver.authentication import Authenticator, RefusalLog, read_tokens
from tanebi.apiserver.user import ADMIN, ANONYMOUS, AUTHENTICATED, User
from tanebi.base.errors import UserError
from tanebi.kube.errors import Forbidden, Unauthorized
from tanebi.testing.clock import FakeClock
from tests.tanebi.apiserver.calling import Api

pytestmark = pytest.mark.anyio

JANE = User("jane", ("devs", AUTHENTICATED), "u1")


@pytest.fixture
def door(api: Api) -> Authenticator:
    known = {"secret-of-admin": ADMIN, "secret-of-jane": JANE}
    return Authenticator(known, api.server.tokens, api.server.authorizer)


def bearer(token: str, **more: str) -> list[tuple[bytes, bytes]]:
    others = [(f"impersonate-{k}".encode(), v.encode()) for k, v in more.items()]
    return [(b"authorization", f"Bearer {token}".encode()), *others]


async def test_tokens(door: Authenticator) -> None:
    assert door.user(bearer("secret-of-admin"), None) == ADMIN
    assert door.user(bearer("secret-of-jane"), None) == JANE
    assert door.user([(b"authorization", b"bearer  secret-of-jane")], None) == JANE
    assert door.user([], None) == ANONYMOUS


@pytest.mark.parametrize(
    "shown",
    [b"Bearer wrong", b"Bearer ", b"Basic secret-of-jane", b"", b"Bearer secret-of-jane\xff"],
)
async def test_what_is_not_good(door: Authenticator, shown: bytes) -> None:
    with pytest.raises(Unauthorized):
        door.user([(b"authorization", shown)], None)


async def test_certificates(door: Authenticator) -> None:
    subject = ((("commonName", "bob"),), (("organizationName", "ops"),))
    assert door.user([], {"subject": subject}) == User("bob", ("ops", AUTHENTICATED))
    assert door.user(bearer("secret-of-jane"), {"subject": subject}) == JANE
    with pytest.raises(Unauthorized):
        door.user([], {"subject": ((("organizationName", "ops"),),)})


async def test_impersonation(door: Authenticator) -> None:
    assert door.user(bearer("secret-of-admin", user="bob"), None) == User("bob", (AUTHENTICATED,))
    both = door.user(bearer("secret-of-admin", user="bob", group="ops", uid="7"), None)
    assert both == User("bob", ("ops", AUTHENTICATED), "7")
    account = door.user(bearer("secret-of-admin", user="system:serviceaccount:a:b"), None)
    assert "system:serviceaccounts:a" in account.groups
    nobody = door.user(bearer("secret-of-admin", user=ANONYMOUS.name), None)
    assert nobody == ANONYMOUS
    with pytest.raises(Forbidden, match='users "bob" is forbidden: User "jane" cannot impersonate'):
        door.user(bearer("secret-of-jane", user="bob"), None)
    with pytest.raises(Unauthorized):
        door.user(bearer("secret-of-admin", group="ops"), None)


def test_a_file_of_tokens(tmp_path: Path) -> None:
    path = tmp_path / "tokens.csv"
    assert read_tokens(path) == {}
    path.write_text('# people\ntok,jane,u1,"devs, qa"\n\nother,bob,u2\n')
    assert read_tokens(path) == {
        "tok": User("jane", ("devs", "qa", AUTHENTICATED), "u1"),
        "other": User("bob", (AUTHENTICATED,), "u2"),
    }
    path.write_text("tok,jane\n")
    with pytest.raises(UserError, match="line 1"):
        read_tokens(path)


def test_refusals_are_told_once_a_minute(capsys: pytest.CaptureFixture[str]) -> None:
    clock = FakeClock()
    log = RefusalLog(clock)
    for _ in range(3):
        log.refused("10.0.0.1")
    log.refused("10.0.0.2")
    clock.advance(61)
    log.refused("10.0.0.1")
    assert capsys.readouterr().out.count("credentials refused") <= 3
