"""The Service that selects a revision's pods: what it is called, and whose pods a slice of it lists."""

from __future__ import annotations

from typing import Final

from autoscaler.api.serverlessservice_types import LABEL_SKS
from tanebi.api.meta import Key, Obj, key_of, labels_of
from tanebi.api.names import child_name

LABEL_SERVICE_NAME: Final = "kubernetes.io/service-name"
PRIVATE_SUFFIX: Final = "-private"


def private_service(revision: str) -> str:
    """`<revision>-private`, shortened when that would be longer than a Service's name may be."""
    return child_name(revision, PRIVATE_SUFFIX)


def revision_of_slice(obj: Obj) -> Key | None:
    """The revision whose pods an EndpointSlice lists; None for the slices of other Services.

    Slices inherit the labels of their Service, which name the revision even where the Service's own name is shortened.
    """
    labels = labels_of(obj)
    service = labels.get(LABEL_SERVICE_NAME, "")
    revision = labels.get(LABEL_SKS) or service.removesuffix(PRIVATE_SUFFIX)
    if not service or private_service(revision) != service:
        return None
    return Key(key_of(obj).namespace, revision)
