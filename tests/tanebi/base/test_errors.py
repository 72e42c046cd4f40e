from tanebi.base.errors import Bug, PeerError, TanebiError, Unavailable, UserError


def test_the_hint_follows_the_message() -> None:
    error = UserError("bad-port", "port 99999 is out of range", hint="use 0..65535")
    assert str(error) == "port 99999 is out of range\nuse 0..65535"
    assert str(UserError("x", "only this")) == "only this"
    assert error.code == "bad-port"


def test_one_tree() -> None:
    for family in (UserError, Unavailable, PeerError, Bug):
        assert issubclass(family, TanebiError)
    assert Unavailable("busy", "later", retry_after_s=3).retry_after_s == 3
