"""What `go test -v` says becomes outcomes."""

from __future__ import annotations

from tests.suites.knative.reading import Outcome, outcomes

SAID = """\
=== RUN   TestPlain
=== PAUSE TestPlain
=== RUN   TestParent
=== RUN   TestParent/one
=== RUN   TestParent/two
=== RUN   TestSkipped
    some_test.go:12: Skipping: there is no such feature
=== RUN   TestOwnFault
=== RUN   TestOwnFault/fine
=== RUN   TestHangs
=== CONT  TestPlain
--- SKIP: TestSkipped (0.00s)
--- PASS: TestPlain (0.10s)
--- FAIL: TestParent (1.00s)
    --- PASS: TestParent/one (0.10s)
    --- FAIL: TestParent/two (0.20s)
--- FAIL: TestOwnFault (1.00s)
    --- PASS: TestOwnFault/fine (0.10s)
panic: test timed out after 1s
"""


def test_tests_subtests_skips_and_what_never_ended() -> None:
    assert list(outcomes("s", SAID.splitlines())) == [
        Outcome("s", "TestPlain", "passed"),
        Outcome("s", "TestParent/one", "passed"),
        Outcome("s", "TestParent/two", "failed"),
        Outcome("s", "TestSkipped", "skipped", "Skipping: there is no such feature"),
        Outcome("s", "TestOwnFault", "failed"),
        Outcome("s", "TestOwnFault/fine", "passed"),
        Outcome("s", "TestHangs", "failed"),
    ]
