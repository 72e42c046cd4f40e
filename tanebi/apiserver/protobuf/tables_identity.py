"""Field tables: ServiceAccount, roles, bindings, reviews, token requests. The form is told in messages.py, the only caller."""

from __future__ import annotations

from typing import Final

_REVIEW: Final = "1 metadata ObjectMeta, 2 spec {}Spec"

MESSAGES: Final[dict[str, str]] = {
    "ServiceAccount": (
        "1 metadata ObjectMeta, 2 secrets []ObjectReference, 3 imagePullSecrets []LocalObjectReference, "
        "4 automountServiceAccountToken bool?"
    ),
    "PolicyRule": (
        "1 verbs []string!, 2 apiGroups []string, 3 resources []string, 4 resourceNames []string, "
        "5 nonResourceURLs []string"
    ),
    "Role": "1 metadata ObjectMeta, 2 rules []PolicyRule!",
    "AggregationRule": "1 clusterRoleSelectors []LabelSelector",
    "ClusterRole": (
        "1 metadata ObjectMeta, 2 rules []PolicyRule!, 3 aggregationRule AggregationRule"
    ),
    "Subject": "1 kind string!, 2 apiGroup string, 3 name string!, 4 namespace string",
    "RoleRef": "1 apiGroup string!, 2 kind string!, 3 name string!",
    "RoleBinding": "1 metadata ObjectMeta, 2 subjects []Subject, 3 roleRef RoleRef",
    "ClusterRoleBinding": "1 metadata ObjectMeta, 2 subjects []Subject, 3 roleRef RoleRef",
    "TokenRequest": _REVIEW.format("TokenRequest"),
    "TokenRequestSpec": (
        "1 audiences []string, 3 boundObjectRef BoundObjectReference, 4 expirationSeconds int64?"
    ),
    "BoundObjectReference": "1 kind string, 2 apiVersion string, 3 name string, 4 uid string",
    "TokenReview": _REVIEW.format("TokenReview"),
    "TokenReviewSpec": "1 token string, 2 audiences []string",
    "SelfSubjectReview": "1 metadata ObjectMeta",
    "SubjectAccessReview": _REVIEW.format("SubjectAccessReview"),
    "LocalSubjectAccessReview": _REVIEW.format("SubjectAccessReview"),
    "SubjectAccessReviewSpec": (
        "1 resourceAttributes ResourceAttributes, 2 nonResourceAttributes NonResourceAttributes, "
        "3 user string, 4 groups []string, 6 uid string"
    ),
    "SelfSubjectAccessReview": _REVIEW.format("SelfSubjectAccessReview"),
    "SelfSubjectAccessReviewSpec": (
        "1 resourceAttributes ResourceAttributes, 2 nonResourceAttributes NonResourceAttributes"
    ),
    "ResourceAttributes": (
        "1 namespace string, 2 verb string, 3 group string, 4 version string, 5 resource string, "
        "6 subresource string, 7 name string"
    ),
    "NonResourceAttributes": "1 path string, 2 verb string",
    "SelfSubjectRulesReview": _REVIEW.format("SelfSubjectRulesReview"),
    "SelfSubjectRulesReviewSpec": "1 namespace string",
}
