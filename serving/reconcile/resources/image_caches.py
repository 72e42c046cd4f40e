"""The Image objects of a Revision: one for each container, by the digest that its pods run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from serving.api.caching import IMAGE
from serving.api.revision_types import Revision
from serving.reconcile.resources.deployments import annotations_of_children, labels_of_children
from tanebi.api.meta import Obj, owner_reference
from tanebi.api.names import child_name


def make_image_caches(revision: Revision, digests: Mapping[str, str]) -> Iterator[Obj]:
    """`digests`: container name → image by digest."""
    meta, spec = revision.metadata, revision.spec
    for container in spec.original_containers:
        yield {
            "apiVersion": IMAGE.api_version,
            "kind": IMAGE.kind,
            "metadata": {
                "name": child_name(meta.name, f"-cache-{container.name}"),
                "namespace": meta.namespace,
                "labels": labels_of_children(revision),
                "annotations": annotations_of_children(revision),
                "ownerReferences": [owner_reference(revision)],
            },
            "spec": {
                "image": digests.get(container.name) or container.image,
                **({"serviceAccountName": name} if (name := spec.service_account_name) else {}),
                **(
                    {"imagePullSecrets": [{"name": secret} for secret in secrets]}
                    if (secrets := _secrets(revision))
                    else {}
                ),
            },
        }


def _secrets(revision: Revision) -> list[str]:
    return [one.name for one in revision.spec.image_pull_secrets]
