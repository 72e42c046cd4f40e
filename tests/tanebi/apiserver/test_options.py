"""Query parameters and DeleteOptions."""

from __future__ import annotations

from typing import Any

import pytest

from tanebi.apiserver import options
from tanebi.kube.errors import BadRequest, InvalidObject


def test_write_options_and_their_defaults() -> None:
    wanted = options.write_options({}, "kubectl/v1.32 (linux)")
    assert (wanted.dry_run, wanted.manager, wanted.field_validation, wanted.force) == (
        False,
        "kubectl",
        "Warn",
        False,
    )
    given = {"dryRun": "All", "fieldManager": "me", "fieldValidation": "Strict", "force": "true"}
    wanted = options.write_options(given, "")
    assert (wanted.dry_run, wanted.manager, wanted.field_validation, wanted.force) == (
        True,
        "me",
        "Strict",
        True,
    )
    assert options.write_options({}, "").manager == "unknown"


@pytest.mark.parametrize(
    "query",
    [{"dryRun": "Some"}, {"fieldValidation": "Maybe"}, {"fieldManager": "x" * 129}],
)
def test_bad_write_options_are_422(query: dict[str, str]) -> None:
    with pytest.raises(InvalidObject):
        options.write_options(query, "")


def test_list_options() -> None:
    wanted = options.list_options(
        {
            "labelSelector": "a=b",
            "fieldSelector": "metadata.name=x",
            "limit": "5",
            "continue": "t",
            "resourceVersion": "7",
            "watch": "",
            "allowWatchBookmarks": "1",
            "timeoutSeconds": "3",
            "unknown": "ignored",
        }
    )
    assert str(wanted.labels) == "a=b"
    assert wanted.fields.matches({"metadata": {"name": "x"}})
    assert (wanted.limit, wanted.continue_, wanted.resource_version) == (5, "t", "7")
    assert (wanted.watch, wanted.bookmarks, wanted.timeout_s) == (True, True, 3.0)


@pytest.mark.parametrize(
    "query",
    [
        {"labelSelector": "a in"},
        {"fieldSelector": "nonsense"},
        {"limit": "--1"},
        {"limit": "many"},
        {"resourceVersion": "x"},
        {"watch": "perhaps"},
    ],
)
def test_bad_list_options_are_400(query: dict[str, str]) -> None:
    with pytest.raises(BadRequest):
        options.list_options(query)


def test_delete_options_come_from_body_before_query() -> None:
    body: dict[str, Any] = {
        "gracePeriodSeconds": 0,
        "propagationPolicy": "Orphan",
        "preconditions": {"uid": "u", "resourceVersion": "4"},
        "dryRun": ["All"],
    }
    wanted = options.delete_options({"gracePeriodSeconds": "9"}, body)
    assert (wanted.grace_s, wanted.propagation, wanted.uid) == (0, "Orphan", "u")
    assert (wanted.resource_version, wanted.dry_run) == ("4", True)
    wanted = options.delete_options({"gracePeriodSeconds": "9", "orphanDependents": "true"}, {})
    assert (wanted.grace_s, wanted.propagation) == (9, "Orphan")
    assert options.delete_options({}, {}).propagation is None
    assert options.delete_options({}, {"orphanDependents": False}).propagation == "Background"


@pytest.mark.parametrize(
    "body", [{"gracePeriodSeconds": -1}, {"gracePeriodSeconds": True}, {"gracePeriodSeconds": "1"}]
)
def test_a_bad_grace_period_is_400(body: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        options.delete_options({}, body)


def test_a_bad_propagation_is_422() -> None:
    with pytest.raises(InvalidObject, match="supported values"):
        options.delete_options({"propagationPolicy": "Sometimes"}, {})
