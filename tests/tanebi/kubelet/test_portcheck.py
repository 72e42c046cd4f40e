"""Free ports of this machine."""

from __future__ import annotations

import socket

from tanebi.kubelet.portcheck import bindable


def test_bindable() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        assert not bindable(listener.getsockname()[1])
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert bindable(port)
