"""Names of images."""

from __future__ import annotations

import pytest

from serving.api.image_reference import is_reference

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    "text",
    [
        "hello",
        "dev.local/hello",
        "dev.local/hello:v1",
        "localhost:5000/a/b",
        "ghcr.io/knative/helloworld-go:latest",
        f"dev.local/hello@{DIGEST}",
        f"dev.local/hello:v1@{DIGEST}",
        "[::1]:5000/a/b",
    ],
)
def test_good(text: str) -> None:
    assert is_reference(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "Hello",
        "foo bar",
        "dev.local/",
        "hello:",
        "hello:" + "t" * 129,
        "hello@sha256:1",
        f"hello@md5:{'a' * 32}",
        "foo:bar:baz",
        "http://x/y",
        "dev.local:x/hello",
    ],
)
def test_bad(text: str) -> None:
    assert not is_reference(text)
