"""Defaults of a Configuration."""

from __future__ import annotations

import copy
from typing import Any

from serving.api import CONFIGURATION


def configuration(**template: Any) -> Any:
    return {
        "metadata": {"name": "c"},
        "spec": {"template": {"spec": {"containers": [{}]}, **template}},
    }


def test_the_template_is_completed_and_the_maker_known(admission: Any) -> None:
    found = CONFIGURATION.defaults(configuration(), None, admission(user="me"))
    assert found["spec"]["template"]["spec"]["timeoutSeconds"] == 300
    assert found["metadata"]["annotations"] == {
        "serving.knative.dev/creator": "me",
        "serving.knative.dev/lastModifier": "me",
    }


def test_an_owned_one_has_its_owners_maker(admission: Any) -> None:
    obj = configuration()
    obj["metadata"]["ownerReferences"] = [{"name": "s"}]
    assert "annotations" not in CONFIGURATION.defaults(obj, None, admission())["metadata"]


def test_a_template_that_keeps_its_own_name_is_not_touched(admission: Any) -> None:
    named = configuration(metadata={"name": "c-one"})
    later = admission("UPDATE", configs={"config-defaults": {"revision-timeout-seconds": "9"}})
    found = CONFIGURATION.defaults(copy.deepcopy(named), named, later)
    assert "timeoutSeconds" not in found["spec"]["template"]["spec"]
    renamed = configuration(metadata={"name": "c-two"})
    found = CONFIGURATION.defaults(renamed, named, later)
    assert found["spec"]["template"]["spec"]["timeoutSeconds"] == 9


def test_service_links_are_decided_at_creation(admission: Any) -> None:
    old = configuration()
    found = CONFIGURATION.defaults(configuration(), old, admission("UPDATE"))
    assert "enableServiceLinks" not in found["spec"]["template"]["spec"]


def test_status_is_left_alone(admission: Any) -> None:
    obj = configuration()
    assert (
        CONFIGURATION.defaults(copy.deepcopy(obj), obj, admission("UPDATE", subresource="status"))
        == obj
    )


def test_a_label_makes_no_other_template_when_defaults_have_changed(admission: Any) -> None:
    stored = CONFIGURATION.defaults(configuration(), None, admission())
    labelled = copy.deepcopy(stored)
    labelled["metadata"]["labels"] = {"a": "b"}
    idle = {"config-defaults": {"revision-idle-timeout-seconds": "9"}}
    later = admission("UPDATE", configs=idle)
    assert CONFIGURATION.defaults(labelled, stored, later)["spec"] == stored["spec"]
    changed = copy.deepcopy(stored)
    changed["spec"]["template"]["spec"]["timeoutSeconds"] = 20
    found = CONFIGURATION.defaults(changed, stored, later)
    assert found["spec"]["template"]["spec"]["idleTimeoutSeconds"] == 9
