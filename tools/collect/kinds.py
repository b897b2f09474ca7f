"""Which kinds a diagnosis reads, and where. deploy/rbac grants exactly these, and a test compares the two."""

KINDS = (
    "Pod",
    "Deployment",
    "ReplicaSet",
    "StatefulSet",
    "DaemonSet",
    "Job",
    "CronJob",
    "Service",
    "EndpointSlice",
    "Endpoints",
    "Ingress",
    "NetworkPolicy",
    "Event",
    "HorizontalPodAutoscaler",
    "PodDisruptionBudget",
    "ConfigMap",
    "Secret",
    "ServiceAccount",
    "PersistentVolumeClaim",
    "ResourceQuota",
    "LimitRange",
)
"""Of the namespace that was asked about and of its neighbours. Of Secrets only the keys are kept; who may not list them gets a gap."""

CLUSTER_KINDS = (
    "Node",
    "Namespace",
    "PersistentVolume",
    "StorageClass",
    "VolumeAttachment",
    "CSIDriver",
    "CSINode",
    "IngressClass",
    "PriorityClass",
    "RuntimeClass",
    "ValidatingWebhookConfiguration",
    "MutatingWebhookConfiguration",
)

SYSTEM = "kube-system"
SYSTEM_KINDS = ("Pod", "Deployment", "DaemonSet", "Service", "EndpointSlice", "ConfigMap", "Event")
"""The control plane, the names and the network, without which nothing in any namespace is well."""
LEASES = (SYSTEM, "kube-node-lease")
