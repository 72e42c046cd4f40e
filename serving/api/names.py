"""The labels, annotations and names of Knative Serving (reference/knative-serving.md §1.8): constants for everyone."""

from __future__ import annotations

from typing import Final

from tanebi.api.names import child_name

GROUP: Final = "serving.knative.dev"
VERSION: Final = "v1"
SYSTEM_NAMESPACE: Final = "knative-serving"

# --- labels ---
LABEL_SERVICE: Final = "serving.knative.dev/service"
LABEL_SERVICE_UID: Final = "serving.knative.dev/serviceUID"
LABEL_CONFIGURATION: Final = "serving.knative.dev/configuration"
LABEL_CONFIGURATION_UID: Final = "serving.knative.dev/configurationUID"
LABEL_CONFIGURATION_GENERATION: Final = "serving.knative.dev/configurationGeneration"
LABEL_REVISION: Final = "serving.knative.dev/revision"
LABEL_REVISION_UID: Final = "serving.knative.dev/revisionUID"
LABEL_ROUTE: Final = "serving.knative.dev/route"
LABEL_ROUTE_NAMESPACE: Final = "serving.knative.dev/routeNamespace"
LABEL_ROUTING_STATE: Final = "serving.knative.dev/routingState"
LABEL_DOMAIN_MAPPING_UID: Final = "serving.knative.dev/domainMappingUID"
LABEL_DOMAIN_MAPPING_NAMESPACE: Final = "serving.knative.dev/domainMappingNamespace"
LABEL_APP: Final = "app"
LABEL_VISIBILITY: Final = "networking.knative.dev/visibility"

# --- annotations ---
CREATOR: Final = "serving.knative.dev/creator"
LAST_MODIFIER: Final = "serving.knative.dev/lastModifier"
ROUTES: Final = "serving.knative.dev/routes"
ROUTING_STATE_MODIFIED: Final = "serving.knative.dev/routingStateModified"
NO_GC: Final = "serving.knative.dev/no-gc"
ROLLOUT_DURATION: Final = "serving.knative.dev/rollout-duration"
ROLLOUT_DURATION_OLD: Final = "serving.knative.dev/rolloutDuration"
ROLLOUT_STATE: Final = "networking.internal.knative.dev/rollout"
PROGRESS_DEADLINE: Final = "serving.knative.dev/progress-deadline"
DEFAULT_CONTAINER: Final = "kubectl.kubernetes.io/default-container"
LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
INGRESS_CLASS: Final = "networking.knative.dev/ingress-class"
INGRESS_CLASS_OLD: Final = "networking.knative.dev/ingress.class"
HTTP_PROTOCOL: Final = "networking.knative.dev/http-protocol"
HTTP_PROTOCOL_OLD: Final = "networking.knative.dev/httpOption"
CERTIFICATE_CLASS: Final = "networking.knative.dev/certificate-class"
CERTIFICATE_CLASS_OLD: Final = "networking.knative.dev/certificate.class"
DISABLE_TLS: Final = "networking.knative.dev/disable-external-domain-tls"
DISABLE_TLS_OLD: Final = "networking.knative.dev/disableExternalDomainTLS"
FULL_DUPLEX: Final = "features.knative.dev/http-full-duplex"
QUEUE_PROXY_PODINFO: Final = "features.knative.dev/queueproxy-podinfo"
QUEUE_SIDECAR_PREFIX: Final = "queue.sidecar.serving.knative.dev/"
AUTOSCALING_PREFIX: Final = "autoscaling.knative.dev/"
WHY: Final = "tanebi.dev/why"
SHOWN_ONLY: Final = "tanebi.dev/shown-only"
"""On a pod: containers that the kubelet lists and does not run."""

# --- values ---
CLUSTER_LOCAL: Final = "cluster-local"
ROUTING_ACTIVE: Final = "active"
ROUTING_RESERVE: Final = "reserve"
ROUTING_PENDING: Final = "pending"
CLUSTER_DOMAIN: Final = "cluster.local"

# --- names inside pods and at the gateway ---
USER_CONTAINER: Final = "user-container"
QUEUE_CONTAINER: Final = "queue-proxy"
USER_PORT_NAME: Final = "user-port"
H2C_PORT_NAME: Final = "h2c"
HTTP1_PORT_NAME: Final = "http1"
DEFAULT_PORT: Final = 8080
HEADER_REVISION: Final = "Knative-Serving-Revision"
HEADER_NAMESPACE: Final = "Knative-Serving-Namespace"
HEADER_TAG: Final = "Knative-Serving-Tag"
HEADER_ORIGINAL_HOST: Final = "K-Original-Host"
HEADER_DEFAULT_ROUTE: Final = "Knative-Serving-Default-Route"
ACTIVATOR_SERVICE: Final = "activator-service"
GATEWAY_SERVICE: Final = "tanebi-gateway"
GATEWAY_HOST: Final = f"{GATEWAY_SERVICE}.{SYSTEM_NAMESPACE}.svc.{CLUSTER_DOMAIN}"
"""Where placeholder Services point (ExternalName): the gateway, seen from inside."""

# --- webhooks ---
WEBHOOK: Final = "webhook.serving.knative.dev"
VALIDATION_WEBHOOK: Final = "validation.webhook.serving.knative.dev"


def deployment_name(revision: str) -> str:
    return child_name(revision, "-deployment")


def revision_name(configuration: str, generation: int) -> str:
    """The name of the revision made from one generation of a configuration: `hello-00001`."""
    return child_name(configuration, f"-{generation:05d}")


def tag_host(tag: str, route: str) -> str:
    """The name of a tag's placeholder Service; the tag-template of config-network names the external host."""
    return child_name(tag, f"-{route}")
