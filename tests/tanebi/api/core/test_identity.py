"""The shapes of accounts, roles and reviews."""

from __future__ import annotations

from tanebi.api.core.identity import Binding, ClusterRole


def test_a_path_rule_keeps_its_odd_name() -> None:
    role = ClusterRole.model_validate(
        {"metadata": {"name": "r"}, "rules": [{"verbs": ["get"], "nonResourceURLs": ["/x"]}]}
    )
    assert role.rules is not None
    assert role.rules[0].non_resource_urls == ["/x"]


def test_a_binding_without_subjects_binds_nobody() -> None:
    assert Binding.model_validate({"metadata": {"name": "b"}}).subjects == []
