"""Field tables: Service and EndpointSlice. The form is told in messages.py, the only caller."""

from __future__ import annotations

from typing import Final

MESSAGES: Final[dict[str, str]] = {
    "Service": "1 metadata ObjectMeta, 2 spec ServiceSpec, 3 status ServiceStatus",
    "ServiceSpec": (
        "1 ports []ServicePort, 2 selector map:string, 3 clusterIP string, 4 type string, "
        "5 externalIPs []string, 7 sessionAffinity string, 8 loadBalancerIP string, "
        "9 loadBalancerSourceRanges []string, 10 externalName string, "
        "11 externalTrafficPolicy string, 12 healthCheckNodePort int32, "
        "13 publishNotReadyAddresses bool, 14 sessionAffinityConfig SessionAffinityConfig, "
        "17 ipFamilyPolicy string?, 18 clusterIPs []string, 19 ipFamilies []string, "
        "20 allocateLoadBalancerNodePorts bool?, 21 loadBalancerClass string?, "
        "22 internalTrafficPolicy string?, 23 trafficDistribution string?"
    ),
    "ServicePort": (
        "1 name string, 2 protocol string, 3 port int32!, 4 targetPort IntOrString, "
        "5 nodePort int32, 6 appProtocol string?"
    ),
    "SessionAffinityConfig": "1 clientIP ClientIPConfig",
    "ClientIPConfig": "1 timeoutSeconds int32?",
    "ServiceStatus": "1 loadBalancer LoadBalancerStatus, 2 conditions []Condition",
    "LoadBalancerStatus": "1 ingress []LoadBalancerIngress",
    "LoadBalancerIngress": (
        "1 ip string, 2 hostname string, 3 ipMode string?, 4 ports []PortStatus"
    ),
    "PortStatus": "1 port int32!, 2 protocol string!, 3 error string?",
    "EndpointSlice": (
        "1 metadata ObjectMeta, 2 endpoints []Endpoint, 3 ports []EndpointPort, "
        "4 addressType string!"
    ),
    "Endpoint": (
        "1 addresses []string, 2 conditions EndpointConditions, 3 hostname string?, "
        "4 targetRef ObjectReference, 5 deprecatedTopology map:string, 6 nodeName string?, "
        "7 zone string?, 8 hints EndpointHints"
    ),
    "EndpointConditions": "1 ready bool?, 2 serving bool?, 3 terminating bool?",
    "EndpointHints": "1 forZones []ForZone",
    "ForZone": "1 name string!",
    "EndpointPort": "1 name string?, 2 protocol string?, 3 port int32?, 4 appProtocol string?",
}
