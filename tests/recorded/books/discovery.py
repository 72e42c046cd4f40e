"""What a server says it has: names, short names, singular names, categories, verbs."""

from __future__ import annotations

from typing import Final

from tests.recorded.steps import Step, Stories, get


def _discovery() -> list[Step]:
    groups = (
        "apps/v1",
        "batch/v1",
        "autoscaling/v2",
        "networking.k8s.io/v1",
        "policy/v1",
        "coordination.k8s.io/v1",
        "discovery.k8s.io/v1",
        "rbac.authorization.k8s.io/v1",
        "authentication.k8s.io/v1",
        "authorization.k8s.io/v1",
        "events.k8s.io/v1",
        "scheduling.k8s.io/v1",
        "apiextensions.k8s.io/v1",
    )
    return [get("/api/v1"), *(get(f"/apis/{group}") for group in groups)]


STORIES: Final[Stories] = {"discovery": _discovery()}
