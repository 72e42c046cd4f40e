import contextlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanebi.api.selectors import EVERYTHING, from_labels, from_object, parse, parse_fields

LABELS = {"app": "hello", "tier": "web"}


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("", True),
        ("app=hello", True),
        ("app==hello", True),
        ("app=other", False),
        ("app!=other", True),
        ("missing!=x", True),
        ("app", True),
        ("missing", False),
        ("!missing", True),
        ("!app", False),
        ("app in (hello, other)", True),
        ("app notin (hello)", False),
        ("missing notin (x)", True),
        ("app=hello,tier in (db)", False),
        ("app=hello, tier=web", True),
        ("app=", False),
        ("serving.knative.dev/service=x", False),
    ],
)
def test_label_selectors(text: str, matches: bool) -> None:
    assert parse(text).matches(LABELS) is matches


@pytest.mark.parametrize("text", ["app in hello", "=x", "a b", "app in (x", "a=b=c,"])
def test_bad_label_selectors_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected:"):
        parse(text)


@given(
    st.dictionaries(
        st.text("abc/.", min_size=1, max_size=5), st.text("xyz", min_size=0, max_size=3), max_size=4
    )
)
def test_a_selector_made_of_labels_matches_them_and_reads_back(labels: dict[str, str]) -> None:
    selector = from_labels(labels)
    assert selector.matches(labels)
    assert parse(str(selector)) == selector


def test_selector_objects() -> None:
    selector = from_object(
        {
            "matchLabels": {"app": "hello"},
            "matchExpressions": [
                {"key": "tier", "operator": "In", "values": ["web", "api"]},
                {"key": "gone", "operator": "DoesNotExist"},
                {"key": "app", "operator": "Exists"},
                {"key": "app", "operator": "NotIn", "values": ["x"]},
            ],
        }
    )
    assert selector.matches(LABELS)
    assert not selector.matches({"app": "hello"})
    assert str(selector) == "app=hello,tier in (api,web),!gone,app,app!=x"


def test_an_unknown_operator_is_named() -> None:
    with pytest.raises(ValueError, match="'Near' is not a valid label selector operator"):
        from_object({"matchExpressions": [{"key": "a", "operator": "Near"}]})


def test_everything_matches_nothing_at_all() -> None:
    assert EVERYTHING.matches({})


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("", True),
        ("metadata.name=a", True),
        ("metadata.name==a", True),
        ("metadata.name!=a", False),
        ("status.phase=", True),
        ("spec.paused=true", True),
        ("metadata.name=a,spec.count=3", True),
        ("spec.count=4", False),
    ],
)
def test_field_selectors(text: str, matches: bool) -> None:
    obj = {"metadata": {"name": "a"}, "spec": {"paused": True, "count": 3}}
    assert parse_fields(text).matches(obj) is matches


def test_field_selectors_refuse_bad_grammar_and_unsupported_paths() -> None:
    with pytest.raises(ValueError, match="understand"):
        parse_fields("metadata.name")
    with pytest.raises(ValueError, match=r"field label not supported: spec\.x"):
        parse_fields("spec.x=1", supported=lambda path: path == "metadata.name")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("n in", "unable to parse requirement: found '' expected: '('"),
        ("n in (x", "unable to parse requirement: found '', expected: ',' or ')'"),
        ("n in (x y)", "unable to parse requirement: found 'y', expected: ',' or ')'"),
        ("n notin (x=y)", "unable to parse requirement: found '=', expected: ',' or ')'"),
        ("a b=c", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"),
        ("n=not valid!", "found 'valid', expected: ',' or 'end of string'"),
        ("n==(", "unable to parse requirement: found '(', expected: identifier"),
        ("=x", "found '=', expected: !, identifier, or 'end of string'"),
        ("!", "unable to parse requirement: found '', expected: identifier"),
        ("!=x", "found '!=', expected: !, identifier, or 'end of string'"),
        ("!a=b", "found '=', expected: ',' or 'end of string'"),
        ("a=b,", "found '', expected: identifier after ','"),
    ],
)
def test_what_is_wrong_is_said_in_kubernetes_words(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words) + "$"):
        parse(text)


@given(st.text("ab=!,() in", max_size=12))
def test_whatever_comes_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(ValueError):
        parse(text)
