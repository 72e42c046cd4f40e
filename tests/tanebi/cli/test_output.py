from __future__ import annotations

import json

import pytest
import yaml

from tanebi.cli.output import dump, print_objects

OBJ = {"kind": "Pod", "data": {"b": "é\n", "a": 1}}


def test_both_formats_keep_order_and_content() -> None:
    assert yaml.safe_load(dump(OBJ, "yaml")) == OBJ
    assert json.loads(dump(OBJ, "json")) == OBJ
    assert dump(OBJ, "yaml").index("  b:") < dump(OBJ, "yaml").index("  a:")


def test_several_are_a_list(capsys: pytest.CaptureFixture[str]) -> None:
    print_objects([OBJ, OBJ], "json", single=False)
    shown = json.loads(capsys.readouterr().out)
    assert (shown["kind"], shown["items"]) == ("List", [OBJ, OBJ])
