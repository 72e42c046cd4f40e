"""What makes a DomainMapping wrong (reference/knative-serving.md §1.4)."""

from __future__ import annotations

from serving.api.domainmapping_types import DomainMapping
from serving.api.names import CLUSTER_DOMAIN
from serving.api.user_info import validate_user_info
from tanebi.api.addressable import validate_reference
from tanebi.api.fielderrors import FieldError, disallowed, via
from tanebi.api.kind import Admission
from tanebi.api.meta import ObjectMeta
from tanebi.api.names import dns1123_label, dns1123_subdomain


def validate_domainmapping(
    mapping: DomainMapping, old: DomainMapping | None, admission: Admission
) -> list[FieldError]:
    """Every error of a DomainMapping."""
    if admission.subresource or mapping.deleting:
        return []
    meta = mapping.metadata
    errors = via("metadata", _metadata(meta))
    if old is not None:
        found = validate_user_info(
            old.spec, mapping.spec, before=old.metadata.annotations, after=meta.annotations
        )
        errors += via("metadata.annotations", found)
    found = validate_reference(mapping.spec.ref, namespace=meta.namespace)
    return errors + via("spec.ref", found)


def _metadata(meta: ObjectMeta) -> list[FieldError]:
    errors = [disallowed("generateName")] if meta.generate_name else []
    if problem := _not_a_domain(meta.name):
        errors.append(FieldError(f'invalid name "{meta.name}": {problem}', ("name",)))
    if meta.name.endswith(f".{CLUSTER_DOMAIN}"):
        text = f'must not be a subdomain of cluster local domain "{CLUSTER_DOMAIN}"'
        errors.append(FieldError(f'invalid name "{meta.name}": {text}', ("name",)))
    return errors


def _not_a_domain(name: str) -> str:
    """Kubernetes' words for what is no fully qualified domain name."""
    if not name:
        return "name: Required value"
    name = name.removesuffix(".")
    if problems := dns1123_subdomain(name):
        return f'name: Invalid value: "{name}": {",".join(problems)}'
    if "." not in name:
        text = "should be a domain with at least two segments separated by dots"
        return f'name: Invalid value: "{name}": {text}'
    for label in name.split("."):
        if problems := dns1123_label(label):
            return f'name: Invalid value: "{label}": {",".join(problems)}'
    return ""
