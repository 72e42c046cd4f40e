import socket

import pytest

from tanebi.base.errors import UserError
from tanebi.up.sockets import listen


def test_several_share_one_port_and_hold_who_comes_early() -> None:
    made = listen("127.0.0.1", 0, 2)
    try:
        ports = {sock.getsockname()[1] for sock in made}
        assert len(ports) == 1
        with socket.create_connection(("127.0.0.1", ports.pop()), timeout=1) as early:
            assert early.getpeername()
    finally:
        for sock in made:
            sock.close()


def test_a_port_that_is_taken_is_refused_alone_and_shared() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        for count in (1, 2):
            with pytest.raises(UserError, match="cannot listen on"):
                listen("127.0.0.1", taken.getsockname()[1], count)


def test_a_port_that_others_share_is_not_ours() -> None:
    made = listen("127.0.0.1", 0, 2)
    try:
        with pytest.raises(UserError):
            listen("127.0.0.1", made[0].getsockname()[1], 2)
    finally:
        for sock in made:
            sock.close()
