"""Field tables: node.k8s.io, and what drivers keep in storage.k8s.io. The form is told in messages.py, the only caller."""

from __future__ import annotations

from typing import Final

MESSAGES: Final[dict[str, str]] = {
    "RuntimeClass": (
        "1 metadata ObjectMeta, 2 handler string!, 3 overhead Overhead, 4 scheduling RuntimeScheduling"
    ),
    "Overhead": "1 podFixed map:Quantity",
    "RuntimeScheduling": "1 nodeSelector map:string, 2 tolerations []Toleration",
    "CSIDriver": "1 metadata ObjectMeta, 2 spec CSIDriverSpec",
    "CSIDriverSpec": (
        "1 attachRequired bool?, 2 podInfoOnMount bool?, 3 volumeLifecycleModes []string, 4 "
        "storageCapacity bool?, 5 fsGroupPolicy string?, 6 tokenRequests []CSITokenRequest, 7 "
        "requiresRepublish bool?, 8 seLinuxMount bool?"
    ),
    "CSITokenRequest": "1 audience string!, 2 expirationSeconds int64?",
    "CSINode": "1 metadata ObjectMeta, 2 spec CSINodeSpec",
    "CSINodeSpec": "1 drivers []CSINodeDriver",
    "CSINodeDriver": (
        "1 name string!, 2 nodeID string!, 3 topologyKeys []string, 4 allocatable VolumeNodeResources"
    ),
    "VolumeNodeResources": "1 count int32?",
    "CSIStorageCapacity": (
        "1 metadata ObjectMeta, 2 nodeTopology LabelSelector, 3 storageClassName string!, 4 "
        "capacity Quantity, 5 maximumVolumeSize Quantity"
    ),
    "VolumeAttachment": (
        "1 metadata ObjectMeta, 2 spec VolumeAttachmentSpec, 3 status VolumeAttachmentStatus"
    ),
    "VolumeAttachmentSpec": (
        "1 attacher string!, 2 source VolumeAttachmentSource, 3 nodeName string!"
    ),
    "VolumeAttachmentSource": (
        "1 persistentVolumeName string?, 2 inlineVolumeSpec PersistentVolumeSpec"
    ),
    "VolumeAttachmentStatus": (
        "1 attached bool!, 2 attachmentMetadata map:string, 3 attachError VolumeError, 4 "
        "detachError VolumeError"
    ),
    "VolumeError": "1 time Time, 2 message string",
}
