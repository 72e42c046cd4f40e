"""The kinds of webhook configurations."""

from __future__ import annotations

from tanebi.api.meta import unknown_fields
from tanebi.apiserver.webhooks.types import MUTATING
from tests.tanebi.apiserver.webhooks.answering import configuration, hook


def test_all_that_a_configuration_says_is_known() -> None:
    condition = {"name": "x", "expression": "true"}
    one = hook(
        {"service": {"namespace": "a", "name": "b", "path": "/c", "port": 1}, "caBundle": "eA=="},
        matchConditions=[condition],
        objectSelector={"matchExpressions": [{"key": "a", "operator": "Exists"}]},
        reinvocationPolicy="IfNeeded",
    )
    view = MUTATING.view(configuration("Mutating", "m", one))
    assert unknown_fields(view) == []
    assert view.webhooks[0].client_config.ca_bundle == "eA=="
