from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanebi.base.errors import UserError
from tanebi.cli.manifests import FILE_MAX_BYTES, parse, read

TWO = """\
# a comment
apiVersion: v1
kind: ConfigMap
metadata:
  name: one
data:
  a: "1"
---
---
apiVersion: v1
kind: Pod
metadata: {name: two}
spec:
  containers:
    - name: a
      image: x
    - name: b
      image: y
"""


def test_documents_know_where_they_stand() -> None:
    one, two = parse(TWO, "f.yaml")
    assert (one.index, one.line, one.obj["metadata"]["name"]) == (1, 2, "one")
    assert (two.index, two.line) == (3, 10)
    assert two.where == "f.yaml: document 3 (line 10)"


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("spec.containers[1].image", 18),
        ("spec.containers[0]", 15),
        ("spec.containers[1].nothing.there", 17),
        ("spec", 13),
        ("status", 10),
        ("", 10),
    ],
)
def test_a_path_has_a_line(path: str, line: int) -> None:
    assert parse(TWO, "f")[1].line_of(path) == line


def test_lists_unfold_and_keep_their_lines() -> None:
    text = (
        "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n  metadata: {name: a}\n"
    )
    (item,) = parse(text, "f")
    assert (item.obj["kind"], item.line, item.line_of("metadata.name")) == ("Pod", 4, 6)


def test_json_is_yaml() -> None:
    (one,) = parse('{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}}', "f.json")
    assert one.obj["kind"] == "Pod"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: [1\n", "malformed YAML at line 2"),
        ("a: 1\nb:\n\t- x\n", "line 3"),
        ("*nothing\n", "malformed YAML at line 1"),
        ("!!python/object:os.system {}\n", "malformed YAML at line 1"),
        ("just text\n", "is a str, not an object"),
        ("a: &a\n  b: *a\n", "nested too deeply"),
        ("[" * 2000, "f: "),
    ],
)
def test_what_is_malformed_is_named(text: str, says: str) -> None:
    with pytest.raises(UserError) as raised:
        parse(text, "f")
    assert says in raised.value.message


def test_an_alias_bomb_is_refused() -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for level in range(1, 9):
        bomb += f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]\n"
    with pytest.raises(UserError, match="members in one document"):
        parse(bomb, "f")


@given(st.text(max_size=200))
def test_any_text_gives_documents_or_a_clear_error(text: str) -> None:
    with suppress(UserError):
        parse(text, "f")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\xfa")
    with (tmp_path / "large.yaml").open("wb") as file:
        file.truncate(FILE_MAX_BYTES + 1)
    for name, says in (
        ("gone.yaml", "cannot read"),
        ("empty", "no YAML or JSON files"),
        ("bytes.yaml", "not UTF-8"),
        ("large.yaml", "more than"),
    ):
        with pytest.raises(UserError, match=says):
            read([str(tmp_path / name)])
