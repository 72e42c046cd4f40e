"""Which fields can be selected."""

from __future__ import annotations

from typing import Any

import pytest

from tanebi.api.core.kinds import EVENT, NAMESPACE, POD, SECRET
from tanebi.api.kind import AnyKind
from tanebi.api.selectors import parse_fields
from tanebi.apiserver.fieldlabels import for_kind
from tanebi.kube.errors import BadRequest
from tests.tanebi.apiserver.calling import WIDGET


@pytest.mark.parametrize(
    ("kind", "text", "obj", "found"),
    [
        (POD, "spec.nodeName=a", {"spec": {"nodeName": "a"}}, True),
        (POD, "status.phase!=Failed", {"status": {"phase": "Running"}}, True),
        (POD, "spec.hostNetwork=false", {"spec": {}}, True),
        (POD, "spec.hostNetwork=false", {"spec": {"hostNetwork": True}}, False),
        (EVENT, "involvedObject.kind=Pod", {"involvedObject": {"kind": "Pod"}}, True),
        (EVENT, "source=kubelet", {"source": {"component": "kubelet"}}, True),
        (EVENT, "source=me", {"source": {}, "reportingComponent": "me"}, True),
        (SECRET, "type=Opaque", {"type": "Opaque"}, True),
        (NAMESPACE, "status.phase=Active", {"status": {"phase": "Active"}}, True),
        (NAMESPACE, "metadata.namespace=", {"metadata": {}}, True),
        (WIDGET, "metadata.namespace=ns", {"metadata": {"namespace": "ns"}}, True),
    ],
)
def test_fields(kind: AnyKind, text: str, obj: Any, found: bool) -> None:
    assert for_kind(kind, parse_fields(text)).matches(obj) is found


def test_other_fields_are_refused() -> None:
    with pytest.raises(
        BadRequest,
        match=r"\"spec\.size\" is not a known field selector: only \"metadata\.name\", \"metadata\.namespace\"",
    ):
        for_kind(WIDGET, parse_fields("spec.size=1"))
