"""Field tables: admission policies, certificates, flow control. The form is told in messages.py, the only caller."""

from __future__ import annotations

from typing import Final

MESSAGES: Final[dict[str, str]] = {
    "AdmissionParamKind": "1 apiVersion string, 2 kind string",
    "AdmissionParamRef": (
        "1 name string, 2 namespace string, 3 selector LabelSelector, 4 parameterNotFoundAction "
        "string?"
    ),
    "AdmissionValidation": (
        "1 expression string!, 2 message string, 3 reason string?, 4 messageExpression string"
    ),
    "AdmissionVariable": "1 name string!, 2 expression string!",
    "AuditAnnotation": "1 key string!, 2 valueExpression string!",
    "CertificateSigningRequest": (
        "1 metadata ObjectMeta, 2 spec CertificateSigningRequestSpec, 3 status "
        "CertificateSigningRequestStatus"
    ),
    "CertificateSigningRequestCondition": (
        "1 type string!, 2 reason string, 3 message string, 4 lastUpdateTime Time, 5 "
        "lastTransitionTime Time, 6 status string!"
    ),
    "CertificateSigningRequestSpec": (
        "1 request bytes!, 2 username string, 3 uid string, 4 groups []string, 5 usages "
        "[]string, 7 signerName string!, 8 expirationSeconds int32?"
    ),
    "CertificateSigningRequestStatus": (
        "1 conditions []CertificateSigningRequestCondition, 2 certificate bytes"
    ),
    "ExemptPriorityLevelConfiguration": (
        "1 nominalConcurrencyShares int32?, 2 lendablePercent int32?"
    ),
    "ExpressionWarning": "2 fieldRef string!, 3 warning string!",
    "FlowDistinguisherMethod": "1 type string!",
    "FlowSchema": "1 metadata ObjectMeta, 2 spec FlowSchemaSpec, 3 status FlowSchemaStatus",
    "FlowSchemaCondition": (
        "1 type string, 2 status string, 3 lastTransitionTime Time, 4 reason string, 5 message "
        "string"
    ),
    "FlowSchemaSpec": (
        "1 priorityLevelConfiguration PriorityLevelConfigurationReference, 2 matchingPrecedence "
        "int32!, 3 distinguisherMethod FlowDistinguisherMethod, 4 rules "
        "[]PolicyRulesWithSubjects"
    ),
    "FlowSchemaStatus": "1 conditions []FlowSchemaCondition",
    "FlowSubject": (
        "1 kind string!, 2 user UserSubject, 3 group GroupSubject, 4 serviceAccount "
        "ServiceAccountSubject"
    ),
    "GroupSubject": "1 name string!",
    "LimitResponse": "1 type string!, 2 queuing QueuingConfiguration",
    "LimitedPriorityLevelConfiguration": (
        "1 nominalConcurrencyShares int32?, 2 limitResponse LimitResponse, 3 lendablePercent "
        "int32?, 4 borrowingLimitPercent int32?"
    ),
    "MatchResources": (
        "1 namespaceSelector LabelSelector, 2 objectSelector LabelSelector, 3 resourceRules "
        "[]NamedRuleWithOperations, 4 excludeResourceRules []NamedRuleWithOperations, 7 "
        "matchPolicy string?"
    ),
    "NamedRuleWithOperations": "1 resourceNames []string, 2 - RuleWithOperations",
    "NonResourcePolicyRule": "1 verbs []string!, 6 nonResourceURLs []string!",
    "PolicyRulesWithSubjects": (
        "1 subjects []FlowSubject!, 2 resourceRules []ResourcePolicyRule, 3 nonResourceRules "
        "[]NonResourcePolicyRule"
    ),
    "PriorityLevelConfiguration": (
        "1 metadata ObjectMeta, 2 spec PriorityLevelConfigurationSpec, 3 status "
        "PriorityLevelConfigurationStatus"
    ),
    "PriorityLevelConfigurationCondition": (
        "1 type string, 2 status string, 3 lastTransitionTime Time, 4 reason string, 5 message "
        "string"
    ),
    "PriorityLevelConfigurationReference": "1 name string!",
    "PriorityLevelConfigurationSpec": (
        "1 type string!, 2 limited LimitedPriorityLevelConfiguration, 3 exempt "
        "ExemptPriorityLevelConfiguration"
    ),
    "PriorityLevelConfigurationStatus": "1 conditions []PriorityLevelConfigurationCondition",
    "QueuingConfiguration": "1 queues int32!, 2 handSize int32!, 3 queueLengthLimit int32!",
    "ResourcePolicyRule": (
        "1 verbs []string!, 2 apiGroups []string!, 3 resources []string!, 4 clusterScope bool, "
        "5 namespaces []string!"
    ),
    "ServiceAccountSubject": "1 namespace string!, 2 name string!",
    "TypeChecking": "1 expressionWarnings []ExpressionWarning",
    "UserSubject": "1 name string!",
    "ValidatingAdmissionPolicy": (
        "1 metadata ObjectMeta, 2 spec ValidatingAdmissionPolicySpec, 3 status "
        "ValidatingAdmissionPolicyStatus"
    ),
    "ValidatingAdmissionPolicyBinding": (
        "1 metadata ObjectMeta, 2 spec ValidatingAdmissionPolicyBindingSpec"
    ),
    "ValidatingAdmissionPolicyBindingSpec": (
        "1 policyName string, 2 paramRef AdmissionParamRef, 3 matchResources MatchResources, 4 "
        "validationActions []string"
    ),
    "ValidatingAdmissionPolicySpec": (
        "1 paramKind AdmissionParamKind, 2 matchConstraints MatchResources, 3 validations "
        "[]AdmissionValidation, 4 failurePolicy string?, 5 auditAnnotations []AuditAnnotation, "
        "6 matchConditions []MatchCondition, 7 variables []AdmissionVariable"
    ),
    "ValidatingAdmissionPolicyStatus": (
        "1 observedGeneration int64, 2 typeChecking TypeChecking, 3 conditions []Condition"
    ),
}
