"""Generated files."""

from __future__ import annotations

from dataclasses import replace

import yaml

from tanebi.apiserver.configs import checksum
from tanebi.apiserver.crd import HEADER, configmap_files, crd_files
from tests.tanebi.apiserver.calling import KINDS, SHOP


def test_crds_are_for_kinds_that_are_not_kubernetes_own() -> None:
    files = crd_files(KINDS)
    assert list(files) == ["widgets.tanebi.dev.yaml"]
    text = files["widgets.tanebi.dev.yaml"]
    assert text.startswith(HEADER)
    assert text == crd_files(reversed(KINDS))["widgets.tanebi.dev.yaml"]
    assert "&id" not in text
    crd = yaml.safe_load(text)
    assert crd["metadata"]["name"] == "widgets.tanebi.dev"
    assert crd["spec"]["names"] == {
        "kind": "Widget",
        "listKind": "WidgetList",
        "plural": "widgets",
        "singular": "widget",
        "shortNames": ["wd"],
        "categories": ["all"],
    }
    version = crd["spec"]["versions"][0]
    assert version["subresources"] == {
        "status": {},
        "scale": {
            "specReplicasPath": ".spec.replicas",
            "statusReplicasPath": ".status.replicas",
            "labelSelectorPath": ".status.selector",
        },
    }
    assert version["additionalPrinterColumns"][0] == {
        "name": "Size",
        "type": "integer",
        "jsonPath": ".spec.size",
    }
    spec = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    assert spec["properties"]["size"]["type"] == "integer"


def test_config_maps_carry_their_example_and_its_checksum() -> None:
    files = configmap_files([SHOP])
    text = files["config-shop.yaml"]
    assert "_example: |\n    # colour: red\n" in text
    found = yaml.safe_load(text)
    annotations = found["metadata"]["annotations"]
    assert annotations == {"knative.dev/example-checksum": checksum(SHOP.example)}
    assert found["data"]["_example"] == SHOP.example


def test_equal_names_in_two_namespaces_are_told_apart() -> None:
    other = replace(SHOP, namespace="knative-eventing")
    assert list(configmap_files([SHOP, other])) == [
        "knative-eventing.config-shop.yaml",
        "knative-serving.config-shop.yaml",
    ]
