from __future__ import annotations

import pytest

from tanebi.base.errors import Unavailable
from tanebi.cli.client import Api, ApiFailure
from tanebi.cli.platform import Access, access
from tests.tanebi.cli.driving import Shell
from tests.tanebi.cli.test_get import config_map


def test_a_refusal_keeps_status_reason_and_words(shell: Shell) -> None:
    api = shell.api
    with pytest.raises(ApiFailure) as raised:
        api.get("/api/v1/namespaces/default/configmaps/gone")
    assert (raised.value.status, raised.value.reason) == (404, "NotFound")
    assert raised.value.text == 'configmaps "gone" not found'
    api.close()


def test_the_connection_is_kept_and_reopened(shell: Shell) -> None:
    api = shell.api
    assert api.get("/version")["gitVersion"]
    api.close()
    assert api.get("/version")["gitVersion"]
    api.close()


def test_a_command_that_waited_begins_a_new_connection(shell: Shell) -> None:
    api = shell.api
    assert api.get("/version")["gitVersion"]
    first = api._connection
    api._used_at -= 60
    assert api.get("/version")["gitVersion"]
    assert api._connection is not first
    api.close()


def test_a_wrong_token_and_a_wrong_authority(shell: Shell) -> None:
    good = access(shell.home)
    api = Api(Access(good.server, good.ca_pem, "wrong"), shell.home)
    with pytest.raises(ApiFailure) as raised:
        api.get("/api/v1/namespaces")
    assert raised.value.status == 401
    api.close()


def test_nobody_listens(shell: Shell) -> None:
    good = access(shell.home)
    api = Api(Access("https://127.0.0.1:1", good.ca_pem, good.token), shell.home)
    with pytest.raises(Unavailable, match="no platform is running"):
        api.get("/version")
    with pytest.raises(Unavailable, match="no platform is running"):
        next(api.stream("/version"))


def test_a_watch_ends_with_silence(shell: Shell, ns: str) -> None:
    shell.apply(config_map(ns, "m"))
    api = shell.api
    found = []
    with pytest.raises(TimeoutError):
        for event, obj in api.watch(f"/api/v1/namespaces/{ns}/configmaps", {}, timeout_s=0.3):
            found.append((event, obj["metadata"]["name"]))
    assert found == [("ADDED", "m")]
    api.close()
