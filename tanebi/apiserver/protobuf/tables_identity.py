"""Field tables: ServiceAccount, roles, bindings, reviews, token requests. The form is told in messages.py, the only caller."""

from __future__ import annotations

from typing import Final

_REVIEW: Final = "1 metadata ObjectMeta, 2 spec {}Spec"
_VERDICT: Final = "3 status SubjectAccessReviewStatus"

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
    "TokenRequest": f"{_REVIEW.format('TokenRequest')}, 3 status TokenRequestStatus",
    "TokenRequestSpec": (
        "1 audiences []string!, 3 boundObjectRef BoundObjectReference, 4 expirationSeconds int64?"
    ),
    "TokenRequestStatus": "1 token string!, 2 expirationTimestamp Time",
    "BoundObjectReference": "1 kind string, 2 apiVersion string, 3 name string, 4 uid string",
    "TokenReview": f"{_REVIEW.format('TokenReview')}, 3 status TokenReviewStatus",
    "TokenReviewSpec": "1 token string, 2 audiences []string",
    "TokenReviewStatus": "1 authenticated bool, 2 user UserInfo, 3 error string, 4 audiences []string",
    "UserInfo": "1 username string, 2 uid string, 3 groups []string, 4 extra map:ExtraValue",
    "ExtraValue": "1 items []string",
    "SelfSubjectReview": "1 metadata ObjectMeta, 2 status SelfSubjectReviewStatus",
    "SelfSubjectReviewStatus": "1 userInfo UserInfo",
    "SubjectAccessReview": f"{_REVIEW.format('SubjectAccessReview')}, {_VERDICT}",
    "LocalSubjectAccessReview": f"{_REVIEW.format('SubjectAccessReview')}, {_VERDICT}",
    "SubjectAccessReviewSpec": (
        "1 resourceAttributes ResourceAttributes, 2 nonResourceAttributes NonResourceAttributes, "
        "3 user string, 4 groups []string, 5 extra map:ExtraValue, 6 uid string"
    ),
    "SubjectAccessReviewStatus": (
        "1 allowed bool!, 2 reason string, 3 evaluationError string, 4 denied bool"
    ),
    "SelfSubjectAccessReview": f"{_REVIEW.format('SelfSubjectAccessReview')}, {_VERDICT}",
    "SelfSubjectAccessReviewSpec": (
        "1 resourceAttributes ResourceAttributes, 2 nonResourceAttributes NonResourceAttributes"
    ),
    "ResourceAttributes": (
        "1 namespace string, 2 verb string, 3 group string, 4 version string, 5 resource string, "
        "6 subresource string, 7 name string, 8 fieldSelector FieldSelectorAttributes, "
        "9 labelSelector LabelSelectorAttributes"
    ),
    "FieldSelectorAttributes": "1 rawSelector string, 2 requirements []FieldSelectorRequirement",
    "FieldSelectorRequirement": "1 key string!, 2 operator string!, 3 values []string",
    "LabelSelectorAttributes": "1 rawSelector string, 2 requirements []LabelSelectorRequirement",
    "NonResourceAttributes": "1 path string, 2 verb string",
    "SelfSubjectRulesReview": (
        f"{_REVIEW.format('SelfSubjectRulesReview')}, 3 status SubjectRulesReviewStatus"
    ),
    "SelfSubjectRulesReviewSpec": "1 namespace string",
    "SubjectRulesReviewStatus": (
        "1 resourceRules []ResourceRule!, 2 nonResourceRules []NonResourceRule!, "
        "3 incomplete bool!, 4 evaluationError string"
    ),
    "ResourceRule": (
        "1 verbs []string!, 2 apiGroups []string, 3 resources []string, 4 resourceNames []string"
    ),
    "NonResourceRule": "1 verbs []string!, 2 nonResourceURLs []string",
}
