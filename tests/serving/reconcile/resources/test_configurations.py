"""The Configuration of a Service."""

from __future__ import annotations

from serving.api import CONFIGURATION, SERVICE
from serving.reconcile.resources.configurations import make_configuration


def test_the_template_is_taken_over_word_for_word() -> None:
    template = {
        "metadata": {"labels": {"a": "b"}},
        "spec": {"containers": [{"image": "i", "odd": 1}]},
    }
    meta = {"name": "s", "namespace": "n", "uid": "u", "generation": 4}
    made = make_configuration(SERVICE.view({"metadata": meta, "spec": {"template": template}}))
    CONFIGURATION.view(made)
    assert made["spec"] == {"template": template}
    assert made["metadata"]["annotations"] == {"tanebi.dev/parent-generation": "4"}
