from __future__ import annotations

import pytest

from tanebi.api.meta import Obj
from tanebi.kubelet.engine.pulling import LAYERS_MAX, Layers, advised, pulled


def line(name: str, status: str, current: int = 0, total: int = 0) -> Obj:
    detail = {"current": current, "total": total} if total else {}
    return {"id": name, "status": status, "progressDetail": detail}


@pytest.mark.parametrize(
    ("took_s", "waited_s", "want"),
    [
        (1.2, 1.2, "in 1.2s (1.2s including waiting)"),
        (0.5281, 61.5, "in 528ms (1m1.5s including waiting)"),
        (0, 2.0009, "in 0s (2s including waiting)"),
    ],
)
def test_a_pull_that_is_done(took_s: float, waited_s: float, want: str) -> None:
    said = pulled("a/b:1", took_s=took_s, waited_s=waited_s, size_bytes=7)
    assert (said.type, said.reason) == ("Normal", "Pulled")
    assert said.message == f'Successfully pulled image "a/b:1" {want}. Image size: 7 bytes.'


@pytest.mark.parametrize(
    ("why", "advice"),
    [
        ("reading manifest 1 in a/b: manifest unknown", "no image of this name and tag"),
        ("pull access denied for a/b", "imagePullSecrets"),
        ("unauthorized: incorrect username or password", "imagePullSecrets"),
        ("toomanyrequests: slow down", "how often it is asked"),
        ("http: server gave HTTP response to HTTPS client", "does not trust"),
        ("dial tcp: lookup nobody.example on 192.0.2.1:53: no such host", "does not answer"),
        ("invalid character '<' looking for beginning of value", "no registry"),
    ],
)
def test_what_went_wrong_is_followed_by_what_to_do(why: str, advice: str) -> None:
    assert advised(why).startswith(f"{why} (")
    assert advice in advised(why)


def test_what_nobody_knows_stays_as_it_is() -> None:
    assert advised("the moon is full") == "the moon is full"
    assert advised("mkdir /var/lib/x: permission denied").endswith(": permission denied")
    assert advised("") == ""


def test_how_far_dockers_layers_are() -> None:
    layers = Layers()
    layers.take(line("latest", "Pulling from library/app"))
    assert layers.words() == ""
    layers.take(line("a", "Pulling fs layer"))
    layers.take(line("b", "Already exists"))
    assert layers.words() == "1 of 2 layers"
    layers.take(line("a", "Downloading", 1 << 20, 4 << 20))
    assert layers.words() == "1 of 2 layers, 1.0 of 4.0 MiB"
    layers.take(line("a", "Verifying Checksum"))
    layers.take(line("a", "Download complete"))
    layers.take(line("a", "Extracting", 1, 9))
    assert layers.words() == "2 of 2 layers, 4.0 of 4.0 MiB"


def test_a_stream_without_end_is_not_kept() -> None:
    layers = Layers()
    for number in range(LAYERS_MAX + 5):
        layers.take(line(str(number), "Pulling fs layer"))
    assert layers.words() == f"0 of {LAYERS_MAX} layers"


@pytest.mark.parametrize("odd", [{}, {"id": None, "status": None}, {"stream": "x"}])
def test_odd_messages(odd: Obj) -> None:
    layers = Layers()
    layers.take(odd)
    layers.take({"id": "a", "status": "Downloading", "progressDetail": "x"})
    assert layers.words() == "0 of 1 layers"
