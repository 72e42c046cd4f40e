"""Bodies, both ways."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanebi.apiserver import codec
from tanebi.kube.errors import BadRequest, NotAcceptable, UnsupportedMediaType

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(), JSON_VALUES, max_size=5), st.booleans())
def test_what_is_encoded_comes_back(obj: dict[str, object], as_yaml: bool) -> None:
    body = codec.encode(obj, as_yaml=as_yaml)
    kind = codec.YAML if as_yaml else codec.JSON
    assert codec.decode(body, kind) == (obj, [])


@pytest.mark.parametrize(
    ("body", "content_type", "text"),
    [
        (b"{", "application/json", "json parse error"),
        (b"[]", "application/json", "not an object"),
        (b"", "application/json", "json parse error"),
        (b"{\xff}", "", "json parse error"),
        (b"a: [", "application/yaml", "error parsing YAML"),
        (b"a: 1\n---\nb: 2\n", "application/yaml", "error parsing YAML"),
        (b"? [a]\n: 1\n", "application/yaml", "a key is not a scalar"),
        (b"a: !!binary aGk=", "application/yaml", "error parsing YAML"),
        (b"a: !!python/object:os.system {}", "application/yaml", "error parsing YAML"),
        (b"just text", "application/yaml", "not an object"),
        (b"a: " + b"[" * 5000, "application/yaml", "error parsing YAML"),
    ],
)
def test_nonsense_is_refused_with_what_is_wrong(body: bytes, content_type: str, text: str) -> None:
    with pytest.raises(BadRequest, match=text):
        codec.decode(body, content_type)


def test_aliases_that_explode_are_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 10)]
    with pytest.raises(BadRequest, match="aliases expand"):
        codec.decode("\n".join(lines).encode(), codec.YAML)


def test_an_alias_to_itself_is_refused() -> None:
    with pytest.raises(BadRequest):
        codec.decode(b"a: &x [*x]", codec.YAML)


def test_yaml_is_read_as_kubernetes_reads_it() -> None:
    obj, twice = codec.decode(
        b"time: 2026-01-01T00:00:00Z\non: 'yes'\n1: a\nx: 1\nx: 2\nbase: &b {k: v}\nm: {<<: *b}\n",
        codec.YAML,
    )
    assert obj["time"] == "2026-01-01T00:00:00Z"
    assert obj["1"] == "a"
    assert obj["m"] == {"k": "v"}
    assert (obj["x"], twice) == (2, ["x"])


def test_names_that_stand_twice_in_json() -> None:
    assert codec.duplicates(b'{"a": 1, "b": {"c": 1, "c": 2}, "a": 2}') == ["a", "b.c"]
    assert codec.duplicates(b'{"l": [{}, {"x": 1, "x": 1}]}') == ["l[1].x"]
    with pytest.raises(BadRequest):
        codec.duplicates(b"{")


def test_protobuf_is_read_and_the_unknown_is_415() -> None:
    namespace = b"k8s\0\x0a\x0f\x0a\x02v1\x12\x09Namespace\x12\x05\x0a\x03\x0a\x01n"
    wanted = {"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": "n"}}
    assert codec.decode(namespace, codec.PROTOBUF) == (wanted, [])
    with pytest.raises(BadRequest, match="protobuf"):
        codec.decode(b"{}", codec.PROTOBUF)
    with pytest.raises(UnsupportedMediaType, match="accepted media types"):
        codec.decode(b"a,b", "text/csv")


def test_accept() -> None:
    assert codec.wants_yaml("application/yaml")
    assert not codec.wants_yaml("application/json, application/yaml")
    assert not codec.wants_yaml("text/csv")
    codec.check_accept("")
    codec.check_accept("text/csv, */*")
    with pytest.raises(NotAcceptable, match="only the following"):
        codec.check_accept("text/csv")


def test_yaml_to_json() -> None:
    assert codec.yaml_to_json(b"a: 1") == b'{"a":1}'
    assert codec.yaml_to_json(b' {"a": 1}') == b' {"a": 1}'
    assert codec.yaml_to_json(b"{a: 1}") == b'{"a":1}'
