"""Image (caching.internal.knative.dev): an image that a revision will need again. Whoever caches images may read it."""

from __future__ import annotations

from typing import Final

from pydantic import Field

from tanebi.api.fielderrors import FieldError, missing
from tanebi.api.kind import Admission, Column, Kind
from tanebi.api.meta import KStatus, Model, Resource


class LocalReference(Model):
    name: str = ""


class ImageSpec(Model):
    image: str = ""
    service_account_name: str = ""
    image_pull_secrets: list[LocalReference] = Field(default_factory=list)


class Image(Resource):
    spec: ImageSpec = Field(default_factory=ImageSpec)
    status: KStatus = Field(default_factory=KStatus)


def validate_image(image: Image, old: Image | None, admission: Admission) -> list[FieldError]:
    if admission.subresource or image.deleting or image.spec.image:
        return []
    return [missing("spec.image")]


IMAGE: Final = Kind(
    "caching.internal.knative.dev",
    "v1alpha1",
    "Image",
    "images",
    Image,
    short_names=("img",),
    categories=("knative-internal", "caching"),
    columns=(Column("Image", ".spec.image"),),
    labels={"knative.dev/crd-install": "true"},
    webhook="validation.webhook.serving.knative.dev",
    validate=validate_image,
)
