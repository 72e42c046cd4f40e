from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanebi.api import names


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (
            names.dns1035_label,
            ["a", "my-name", "a" * 63],
            ["", "1a", "A", "a-", "a.b", "a_b", "a" * 64],
        ),
        (names.dns1123_label, ["a", "1a", "a-1"], ["", "-a", "A", "a.b", "a" * 64]),
        (names.dns1123_subdomain, ["a", "a.b-c.1"], ["", "a..b", ".a", "A.b", "a" * 254]),
        (names.qualified_name, ["a", "A_b.c", "x.io/a"], ["", "x/", "/a", "X!/a", "a b", "a" * 64]),
        (names.label_value, ["", "a", "A_b.c"], ["-a", "a b", "a" * 64]),
    ],
)
def test_the_grammar_of_names(
    check: Callable[[str], list[str]], good: list[str], bad: list[str]
) -> None:
    assert [name for name in good if check(name)] == []
    assert [name for name in bad if not check(name)] == []


def test_the_wording_is_kubernetes_own() -> None:
    assert names.dns1035_label("Bad") == [
        "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an "
        "alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', "
        "regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"
    ]


# Recorded: knative.dev/pkg kmeta.ChildName.
@pytest.mark.parametrize(
    ("parent", "suffix", "expected"),
    [
        ("a" * 52, "-deployment", "a" * 52 + "-deployment"),
        ("a" * 53, "-deployment", "a" * 20 + "e9e7e260dce84ffa6e0e7eb5fd9d37fc-deployment"),
        ("b" * 63, "-private", "b" * 23 + "2270dd76c5ccd0f130993bf395915d06-private"),
        ("c" * 40, "-" * 30, "ceecf9a8994490a0587644a41dc508ed1" + "-" * 30),
        ("c" * 40, "d" * 31, "c" * 31 + "511d6abce3cee45404bc0e963b713561"),
        ("ab", "e" * 70, "ab2ebc6010b14b9f63b44966f8d2fa4f50" + "e" * 29),
        ("p" * 70, "", "p" * 31 + "262c75d6b2b934ab2466078f738a6bdd"),
    ],
)
def test_child_names_are_knatives(parent: str, suffix: str, expected: str) -> None:
    assert names.child_name(parent, suffix) == expected


@given(
    st.text("abcdefgh-", min_size=1, max_size=80), st.sampled_from(["-deployment", "-private", ""])
)
def test_child_names_fit_a_label_and_differ_with_their_parents(parent: str, suffix: str) -> None:
    child = names.child_name(parent, suffix)
    assert len(child) <= names.LABEL_MAX
    assert child != names.child_name(f"{parent}x", suffix)
    if len(parent + suffix) <= names.LABEL_MAX:
        assert child == parent + suffix


@pytest.mark.parametrize(
    ("name", "faults"),
    [("http-1", 0), ("a" * 16, 1), ("80", 1), ("a--b", 1), ("-a", 1), ("A_b", 1), ("-", 3)],
)
def test_names_of_ports(name: str, faults: int) -> None:
    assert len(names.port_name(name)) == faults
