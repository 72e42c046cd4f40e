from __future__ import annotations

import pytest

from tanebi.kubelet.failures import failure_notes


@pytest.mark.parametrize(
    ("reason", "want"),
    [
        (
            "ErrImagePull",
            [
                'Warning Failed Failed to pull image "a:1": why',
                "Warning Failed Error: ErrImagePull",
                'Normal BackOff Back-off pulling image "a:1"',
            ],
        ),
        (
            "ErrImageNeverPull",
            ["Warning ErrImageNeverPull why", "Warning Failed Error: ErrImageNeverPull"],
        ),
        (
            "InvalidImageName",
            [
                'Warning InspectFailed Failed to apply default image tag "a:1": why',
                "Warning Failed Error: InvalidImageName",
            ],
        ),
        ("CreateContainerConfigError", ["Warning Failed Error: why"]),
    ],
)
def test_the_kubelets_words(reason: str, want: list[str]) -> None:
    notes = failure_notes("a:1", reason, "why")
    assert [f"{one.type} {one.reason} {one.message}" for one in notes] == want
