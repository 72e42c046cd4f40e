from __future__ import annotations

import os
import subprocess
import sys

from tanebi.up.handover import VARIABLE, Handover, leave, receive
from tanebi.up.sockets import listen


def test_a_first_start_is_handed_nothing() -> None:
    found = receive({})
    assert (found.taken("gateway"), found.children) == ([], {})


def test_sockets_and_children_come_through_an_exec() -> None:
    (sock,) = listen("127.0.0.1", 0, 1)
    with sock:
        env = dict(os.environ)
        leave(Handover({"gateway": [sock]}, {"a": 7}), env)
        code = (
            "import os\n"
            "from tanebi.up.handover import receive\n"
            "found = receive(os.environ)\n"
            "print(found.taken('gateway')[0].getsockname()[1], found.children['a'], len(os.environ.get('"
            + VARIABLE
            + "', '')))"
        )
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=env,
            pass_fds=[sock.fileno()],
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.split() == [str(sock.getsockname()[1]), "7", "0"]
