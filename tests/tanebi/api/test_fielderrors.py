from tanebi.api.fielderrors import (
    FieldError,
    disallowed,
    immutable,
    invalid,
    invalid_key,
    missing,
    one_of_both,
    one_of_neither,
    out_of_bounds,
    render,
    via,
)


def test_paths_grow_from_the_leaf_to_the_root() -> None:
    error = missing("image").via_index("containers", 0).via("spec").via("template").via("spec")
    assert render([error]) == "missing field(s): spec.template.spec.containers[0].image"


def test_an_index_at_the_leaf_joins_without_a_dot() -> None:
    assert render([invalid("x", "").via_index("traffic", 2)]) == "invalid value: x: traffic[2]"
    assert (
        render([invalid("x", "").via_key("annotations", "a/b")])
        == "invalid value: x: annotations[a/b]"
    )
    assert render([invalid("x", "[3]").via("items")]) == "invalid value: x: items[3]"


def test_equal_messages_share_a_line_and_lines_are_sorted() -> None:
    errors = [
        missing("b"),
        out_of_bounds(700, 0, 600, "timeoutSeconds"),
        missing("a"),
        disallowed("lifecycle"),
    ]
    assert render(via("spec", errors)) == (
        "expected 0 <= 700 <= 600: spec.timeoutSeconds\n"
        "missing field(s): spec.a, spec.b\n"
        "must not set the field(s): spec.lifecycle"
    )


def test_details_follow_on_their_own_line() -> None:
    assert render([immutable('-"a"\n+"b"', "spec")]) == (
        'Immutable fields changed (-old +new): spec\n-"a"\n+"b"'
    )


def test_knative_words() -> None:
    assert one_of_both("ref", "uri").message == "expected exactly one, got both"
    assert one_of_neither("ref", "uri").message == "expected exactly one, got neither"
    assert invalid_key("K", "spec").message == 'invalid key name "K"'
    assert render([FieldError("plain")]) == "plain"


def test_warnings_keep_their_place() -> None:
    assert missing("a").as_warning().via("spec") == FieldError(
        "missing field(s)", ("spec.a",), level="warning"
    )
