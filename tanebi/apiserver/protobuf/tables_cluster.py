"""Field tables: Node, volumes, quotas, networking, events.k8s.io. The form is told in messages.py, the only caller."""

from __future__ import annotations

from typing import Final

MESSAGES: Final[dict[str, str]] = {
    "EndpointsPort": "1 name string, 2 port int32!, 3 protocol string, 4 appProtocol string?",
    "PersistentVolumeClaim": (
        "1 metadata ObjectMeta, 2 spec PersistentVolumeClaimSpec, 3 status "
        "PersistentVolumeClaimStatus"
    ),
    "PersistentVolumeClaimStatus": (
        "1 phase string, 2 accessModes []string, 3 capacity map:Quantity, 4 conditions "
        "[]PersistentVolumeClaimCondition, 5 allocatedResources map:Quantity, 7 "
        "allocatedResourceStatuses map:string, 8 currentVolumeAttributesClassName string?, 9 "
        "modifyVolumeStatus ModifyVolumeStatus"
    ),
    "PersistentVolumeClaimCondition": (
        "1 type string!, 2 status string!, 3 lastProbeTime Time, 4 lastTransitionTime Time, 5 "
        "reason string, 6 message string"
    ),
    "ModifyVolumeStatus": "1 targetVolumeAttributesClassName string, 2 status string!",
    "Endpoints": "1 metadata ObjectMeta, 2 subsets []EndpointSubset",
    "EndpointSubset": (
        "1 addresses []EndpointAddress, 2 notReadyAddresses []EndpointAddress, 3 ports "
        "[]EndpointsPort"
    ),
    "EndpointAddress": (
        "1 ip string!, 2 targetRef ObjectReference, 3 hostname string, 4 nodeName string?"
    ),
    "Node": "1 metadata ObjectMeta, 2 spec NodeSpec, 3 status NodeStatus",
    "NodeSpec": (
        "1 podCIDR string, 2 externalID string, 3 providerID string, 4 unschedulable bool, 5 "
        "taints []Taint, 6 configSource NodeConfigSource, 7 podCIDRs []string"
    ),
    "Taint": "1 key string!, 2 value string, 3 effect string!, 4 timeAdded Time",
    "NodeConfigSource": "2 configMap ConfigMapNodeConfigSource",
    "ConfigMapNodeConfigSource": (
        "1 namespace string!, 2 name string!, 3 uid string, 4 resourceVersion string, 5 "
        "kubeletConfigKey string!"
    ),
    "NodeStatus": (
        "1 capacity map:Quantity, 2 allocatable map:Quantity, 3 phase string, 4 conditions "
        "[]NodeCondition, 5 addresses []NodeAddress, 6 daemonEndpoints NodeDaemonEndpoints, 7 "
        "nodeInfo NodeSystemInfo, 8 images []ContainerImage, 9 volumesInUse []string, 10 "
        "volumesAttached []AttachedVolume, 11 config NodeConfigStatus, 12 runtimeHandlers "
        "[]NodeRuntimeHandler, 13 features NodeFeatures"
    ),
    "NodeCondition": (
        "1 type string!, 2 status string!, 3 lastHeartbeatTime Time, 4 lastTransitionTime Time, "
        "5 reason string, 6 message string"
    ),
    "NodeAddress": "1 type string!, 2 address string!",
    "NodeDaemonEndpoints": "1 kubeletEndpoint DaemonEndpoint",
    "DaemonEndpoint": "1 Port int32!",
    "NodeSystemInfo": (
        "1 machineID string!, 2 systemUUID string!, 3 bootID string!, 4 kernelVersion string!, "
        "5 osImage string!, 6 containerRuntimeVersion string!, 7 kubeletVersion string!, 8 "
        "kubeProxyVersion string!, 9 operatingSystem string!, 10 architecture string!"
    ),
    "ContainerImage": "1 names []string, 2 sizeBytes int64",
    "AttachedVolume": "1 name string!, 2 devicePath string!",
    "NodeConfigStatus": (
        "1 assigned NodeConfigSource, 2 active NodeConfigSource, 3 lastKnownGood "
        "NodeConfigSource, 4 error string"
    ),
    "NodeRuntimeHandler": "1 name string!, 2 features NodeRuntimeHandlerFeatures",
    "NodeRuntimeHandlerFeatures": "1 recursiveReadOnlyMounts bool?, 2 userNamespaces bool?",
    "NodeFeatures": "1 supplementalGroupsPolicy bool?",
    "PersistentVolume": (
        "1 metadata ObjectMeta, 2 spec PersistentVolumeSpec, 3 status PersistentVolumeStatus"
    ),
    "PersistentVolumeSpec": (
        "1 capacity map:Quantity, 2 - PersistentVolumeSource, 3 accessModes []string, 4 "
        "claimRef ObjectReference, 5 persistentVolumeReclaimPolicy string, 6 storageClassName "
        "string, 7 mountOptions []string, 8 volumeMode string?, 9 nodeAffinity "
        "VolumeNodeAffinity, 10 volumeAttributesClassName string?"
    ),
    "PersistentVolumeSource": (
        "1 gcePersistentDisk GCEPersistentDiskVolumeSource, 2 awsElasticBlockStore "
        "AWSElasticBlockStoreVolumeSource, 3 hostPath HostPathVolumeSource, 4 glusterfs "
        "GlusterfsPersistentVolumeSource, 5 nfs NFSVolumeSource, 6 rbd "
        "RBDPersistentVolumeSource, 7 iscsi ISCSIPersistentVolumeSource, 8 cinder "
        "CinderPersistentVolumeSource, 9 cephfs CephFSPersistentVolumeSource, 10 fc "
        "FCVolumeSource, 11 flocker FlockerVolumeSource, 12 flexVolume "
        "FlexPersistentVolumeSource, 13 azureFile AzureFilePersistentVolumeSource, 14 "
        "vsphereVolume VsphereVirtualDiskVolumeSource, 15 quobyte QuobyteVolumeSource, 16 "
        "azureDisk AzureDiskVolumeSource, 17 photonPersistentDisk "
        "PhotonPersistentDiskVolumeSource, 18 portworxVolume PortworxVolumeSource, 19 scaleIO "
        "ScaleIOPersistentVolumeSource, 20 local LocalVolumeSource, 21 storageos "
        "StorageOSPersistentVolumeSource, 22 csi CSIPersistentVolumeSource"
    ),
    "GlusterfsPersistentVolumeSource": (
        "1 endpoints string!, 2 path string!, 3 readOnly bool, 4 endpointsNamespace string?"
    ),
    "RBDPersistentVolumeSource": (
        "1 monitors []string, 2 image string!, 3 fsType string, 4 pool string, 5 user string, 6 "
        "keyring string, 7 secretRef SecretReference, 8 readOnly bool"
    ),
    "SecretReference": "1 name string, 2 namespace string",
    "ISCSIPersistentVolumeSource": (
        "1 targetPortal string!, 2 iqn string!, 3 lun int32!, 4 iscsiInterface string, 5 fsType "
        "string, 6 readOnly bool, 7 portals []string, 8 chapAuthDiscovery bool, 10 secretRef "
        "SecretReference, 11 chapAuthSession bool, 12 initiatorName string?"
    ),
    "CinderPersistentVolumeSource": (
        "1 volumeID string!, 2 fsType string, 3 readOnly bool, 4 secretRef SecretReference"
    ),
    "CephFSPersistentVolumeSource": (
        "1 monitors []string, 2 path string, 3 user string, 4 secretFile string, 5 secretRef "
        "SecretReference, 6 readOnly bool"
    ),
    "FlexPersistentVolumeSource": (
        "1 driver string!, 2 fsType string, 3 secretRef SecretReference, 4 readOnly bool, 5 "
        "options map:string"
    ),
    "AzureFilePersistentVolumeSource": (
        "1 secretName string!, 2 shareName string!, 3 readOnly bool, 4 secretNamespace string?"
    ),
    "ScaleIOPersistentVolumeSource": (
        "1 gateway string!, 2 system string!, 3 secretRef SecretReference, 4 sslEnabled bool, 5 "
        "protectionDomain string, 6 storagePool string, 7 storageMode string, 8 volumeName "
        "string, 9 fsType string, 10 readOnly bool"
    ),
    "LocalVolumeSource": "1 path string!, 2 fsType string?",
    "StorageOSPersistentVolumeSource": (
        "1 volumeName string, 2 volumeNamespace string, 3 fsType string, 4 readOnly bool, 5 "
        "secretRef ObjectReference"
    ),
    "CSIPersistentVolumeSource": (
        "1 driver string!, 2 volumeHandle string!, 3 readOnly bool, 4 fsType string, 5 "
        "volumeAttributes map:string, 6 controllerPublishSecretRef SecretReference, 7 "
        "nodeStageSecretRef SecretReference, 8 nodePublishSecretRef SecretReference, 9 "
        "controllerExpandSecretRef SecretReference, 10 nodeExpandSecretRef SecretReference"
    ),
    "VolumeNodeAffinity": "1 required NodeSelector",
    "PersistentVolumeStatus": (
        "1 phase string, 2 message string, 3 reason string, 4 lastPhaseTransitionTime Time"
    ),
    "ResourceQuota": (
        "1 metadata ObjectMeta, 2 spec ResourceQuotaSpec, 3 status ResourceQuotaStatus"
    ),
    "ResourceQuotaSpec": "1 hard map:Quantity, 2 scopes []string, 3 scopeSelector ScopeSelector",
    "ScopeSelector": "1 matchExpressions []ScopedResourceSelectorRequirement",
    "ScopedResourceSelectorRequirement": (
        "1 scopeName string!, 2 operator string!, 3 values []string"
    ),
    "ResourceQuotaStatus": "1 hard map:Quantity, 2 used map:Quantity",
    "LimitRange": "1 metadata ObjectMeta, 2 spec LimitRangeSpec",
    "LimitRangeSpec": "1 limits []LimitRangeItem",
    "LimitRangeItem": (
        "1 type string!, 2 max map:Quantity, 3 min map:Quantity, 4 default map:Quantity, 5 "
        "defaultRequest map:Quantity, 6 maxLimitRequestRatio map:Quantity"
    ),
    "StorageClass": (
        "1 metadata ObjectMeta, 2 provisioner string!, 3 parameters map:string, 4 reclaimPolicy "
        "string?, 5 mountOptions []string, 6 allowVolumeExpansion bool?, 7 volumeBindingMode "
        "string?, 8 allowedTopologies []TopologySelectorTerm"
    ),
    "TopologySelectorTerm": "1 matchLabelExpressions []TopologySelectorLabelRequirement",
    "TopologySelectorLabelRequirement": "1 key string!, 2 values []string",
    "PriorityClass": (
        "1 metadata ObjectMeta, 2 value int32!, 3 globalDefault bool, 4 description string, 5 "
        "preemptionPolicy string?"
    ),
    "Ingress": "1 metadata ObjectMeta, 2 spec IngressSpec, 3 status IngressStatus",
    "IngressSpec": (
        "1 defaultBackend IngressBackend, 2 tls []IngressTLS, 3 rules []IngressRule, 4 "
        "ingressClassName string?"
    ),
    "IngressBackend": "3 resource TypedLocalObjectReference, 4 service IngressServiceBackend",
    "IngressServiceBackend": "1 name string!, 2 port ServiceBackendPort",
    "ServiceBackendPort": "1 name string, 2 number int32",
    "IngressTLS": "1 hosts []string, 2 secretName string",
    "IngressRule": "1 host string, 2 - IngressRuleValue",
    "IngressRuleValue": "1 http HTTPIngressRuleValue",
    "HTTPIngressRuleValue": "1 paths []HTTPIngressPath",
    "HTTPIngressPath": "1 path string, 2 backend IngressBackend, 3 pathType string?",
    "IngressStatus": "1 loadBalancer IngressLoadBalancerStatus",
    "IngressLoadBalancerStatus": "1 ingress []IngressLoadBalancerIngress",
    "IngressLoadBalancerIngress": "1 ip string, 2 hostname string, 4 ports []IngressPortStatus",
    "IngressPortStatus": "1 port int32!, 2 protocol string!, 3 error string?",
    "IngressClass": "1 metadata ObjectMeta, 2 spec IngressClassSpec",
    "IngressClassSpec": "1 controller string, 2 parameters IngressClassParametersReference",
    "IngressClassParametersReference": (
        "1 apiGroup string?, 2 kind string!, 3 name string!, 4 scope string?, 5 namespace string?"
    ),
    "NetworkPolicy": "1 metadata ObjectMeta, 2 spec NetworkPolicySpec",
    "NetworkPolicySpec": (
        "1 podSelector LabelSelector, 2 ingress []NetworkPolicyIngressRule, 3 egress "
        "[]NetworkPolicyEgressRule, 4 policyTypes []string"
    ),
    "NetworkPolicyIngressRule": "1 ports []NetworkPolicyPort, 2 from []NetworkPolicyPeer",
    "NetworkPolicyPort": "1 protocol string?, 2 port IntOrString, 3 endPort int32?",
    "NetworkPolicyPeer": (
        "1 podSelector LabelSelector, 2 namespaceSelector LabelSelector, 3 ipBlock IPBlock"
    ),
    "IPBlock": "1 cidr string!, 2 except []string",
    "NetworkPolicyEgressRule": "1 ports []NetworkPolicyPort, 2 to []NetworkPolicyPeer",
    "EventsEvent": (
        "1 metadata ObjectMeta, 2 eventTime MicroTime, 3 series EventsEventSeries, 4 "
        "reportingController string, 5 reportingInstance string, 6 action string, 7 reason "
        "string, 8 regarding ObjectReference, 9 related ObjectReference, 10 note string, 11 "
        "type string, 12 deprecatedSource EventSource, 13 deprecatedFirstTimestamp Time, 14 "
        "deprecatedLastTimestamp Time, 15 deprecatedCount int32"
    ),
    "EventsEventSeries": "1 count int32!, 2 lastObservedTime MicroTime",
}
