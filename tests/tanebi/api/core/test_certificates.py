from __future__ import annotations

import base64
from typing import Any

import pytest

from tanebi.api.core.certificates import REQUEST_COLUMNS, approval_of, decided, status_of
from tanebi.api.core.kinds_administration import CERTIFICATE_REQUEST as KIND
from tanebi.api.meta import Obj

PEM = base64.b64encode(b"-----BEGIN CERTIFICATE REQUEST-----\n").decode()
GOOD = {"request": PEM, "signerName": "example.com/a", "usages": ["client auth"]}
APPROVED, DENIED = {"type": "Approved", "status": "True"}, {"type": "Denied", "status": "True"}


def told(spec: Obj, old: Obj | None = None, *conditions: Obj) -> list[str]:
    made = KIND.view({"metadata": {}, "spec": spec, "status": {"conditions": list(conditions)}})
    before = KIND.view(old) if old else None
    admission: Any = type("Admission", (), {"subresource": "approval" if conditions else ""})
    return [error.paths[0] for error in KIND.validate(made, before, admission)]


@pytest.mark.parametrize(
    ("spec", "paths"),
    [
        (GOOD, []),
        ({**GOOD, "request": "bm8="}, ["spec.request"]),
        ({**GOOD, "request": "?"}, ["spec.request"]),
        ({**GOOD, "usages": []}, ["spec.usages"]),
        ({**GOOD, "signerName": ""}, ["spec.signerName"]),
        ({**GOOD, "signerName": "a"}, ["spec.signerName"]),
        ({**GOOD, "expirationSeconds": 5}, ["spec.expirationSeconds"]),
    ],
)
def test_refusals(spec: Obj, paths: list[str]) -> None:
    assert told(spec) == paths


def test_what_stays() -> None:
    old = {"metadata": {}, "spec": GOOD, "status": {"conditions": [APPROVED]}}
    assert told({**GOOD, "usages": ["server auth"]}, old | {"status": {}}) == ["spec"]
    assert told(GOOD, old, APPROVED, DENIED) == ["status.conditions"]
    assert told(GOOD, old, {"type": "Other"}) == ["status.conditions"]


def test_doors() -> None:
    old: Obj = {"status": {"certificate": "c", "conditions": [APPROVED]}}
    new: Obj = {"status": {"certificate": "d", "conditions": [DENIED]}}
    assert approval_of(new, old) == {"certificate": "c", "conditions": [DENIED]}
    assert status_of(new, old) == {"certificate": "d", "conditions": [APPROVED]}
    assert decided(new, old)
    assert not decided(old, old)


@pytest.mark.parametrize(
    ("obj", "shown"),
    [
        ({}, "Pending"),
        ({"status": {"conditions": [APPROVED], "certificate": "c"}}, "Approved,Issued"),
        ({"status": {"conditions": [DENIED, {"type": "Failed"}]}}, "Denied,Failed"),
    ],
)
def test_the_column(obj: Obj, shown: str) -> None:
    (column,) = (c for c in REQUEST_COLUMNS if c.name == "Condition")
    assert column.cell is not None
    assert column.cell(obj, None) == shown  # type: ignore[arg-type]  # ages are not asked for
