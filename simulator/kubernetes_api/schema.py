"""The shapes of the built-in types: which fields exist, of which type, and how their lists merge.

One compact table serves three readers. Decoding uses it to refuse a string where a number belongs and to find unknown
fields, so that everything behind it may rely on the shape; strategic merge and server-side apply use the merge keys.
In the table a line is a type and its fields; a field without a type is a string; `[]T` is a list that a patch replaces,
`[]T!key` one merged by that key, `[]string!` a set, `{}T` a map, `T!` a struct with the retainKeys strategy. `any` is
not looked into. A kind without a line is served all the same, unchecked below its metadata.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

_TABLE = """
ObjectMeta name generateName namespace selfLink uid resourceVersion generation:int creationTimestamp:time deletionTimestamp:time
ObjectMeta deletionGracePeriodSeconds:int labels:{}string annotations:{}string ownerReferences:[]OwnerReference!uid finalizers:[]string! managedFields:any
OwnerReference apiVersion kind name uid controller:bool blockOwnerDeletion:bool
LabelSelector matchLabels:{}string matchExpressions:[]LabelSelectorRequirement
LabelSelectorRequirement key operator values:[]string
Condition type status reason message lastTransitionTime:time lastUpdateTime:time lastProbeTime:time lastHeartbeatTime:time observedGeneration:int
LocalObjectReference name
ObjectReference kind namespace name uid apiVersion resourceVersion fieldPath
TypedReference apiGroup kind name namespace

Namespace spec:NamespaceSpec status:NamespaceStatus
NamespaceSpec finalizers:[]string
NamespaceStatus phase conditions:[]Condition!type
Node spec:NodeSpec status:NodeStatus
NodeSpec podCIDR podCIDRs:[]string! providerID externalID unschedulable:bool taints:[]Taint configSource:any
Taint key value effect timeAdded:time
NodeStatus capacity:{}quantity allocatable:{}quantity phase conditions:[]Condition!type addresses:[]NodeAddress!type daemonEndpoints:any nodeInfo:any
NodeStatus images:any volumesInUse:[]string volumesAttached:any config:any runtimeHandlers:any features:any
NodeAddress type address

Pod spec:PodSpec status:PodStatus
PodTemplateSpec metadata:ObjectMeta spec:PodSpec
PodSpec volumes:[]Volume!name initContainers:[]Container!name containers:[]Container!name ephemeralContainers:[]Container!name restartPolicy
PodSpec terminationGracePeriodSeconds:int activeDeadlineSeconds:int dnsPolicy nodeSelector:{}string serviceAccountName serviceAccount
PodSpec automountServiceAccountToken:bool nodeName hostNetwork:bool hostPID:bool hostIPC:bool hostUsers:bool shareProcessNamespace:bool
PodSpec securityContext:any imagePullSecrets:[]LocalObjectReference!name hostname subdomain affinity:any schedulerName tolerations:[]Toleration
PodSpec hostAliases:[]HostAlias!ip priorityClassName priority:int dnsConfig:any readinessGates:any runtimeClassName enableServiceLinks:bool
PodSpec preemptionPolicy overhead:{}quantity topologySpreadConstraints:[]TopologySpread!topologyKey setHostnameAsFQDN:bool os:any
PodSpec schedulingGates:[]LocalObjectReference!name resourceClaims:any resources:ResourceRequirements
Toleration key operator value effect tolerationSeconds:int
HostAlias ip hostnames:[]string
TopologySpread maxSkew:int topologyKey whenUnsatisfiable labelSelector:LabelSelector minDomains:int nodeAffinityPolicy nodeTaintsPolicy matchLabelKeys:[]string
Volume name hostPath:any emptyDir:any gcePersistentDisk:any awsElasticBlockStore:any secret:any nfs:any iscsi:any glusterfs:any rbd:any
Volume persistentVolumeClaim:any flexVolume:any cinder:any cephfs:any downwardAPI:any fc:any azureFile:any configMap:any vsphereVolume:any
Volume azureDisk:any photonPersistentDisk:any projected:any portworxVolume:any scaleIO:any storageos:any csi:any ephemeral:any image:any
Container name image command:[]string args:[]string workingDir ports:[]ContainerPort!containerPort envFrom:[]EnvFromSource env:[]EnvVar!name
Container resources:ResourceRequirements resizePolicy:any restartPolicy volumeMounts:[]VolumeMount!mountPath volumeDevices:[]VolumeDevice!devicePath
Container livenessProbe:Probe readinessProbe:Probe startupProbe:Probe lifecycle:any terminationMessagePath terminationMessagePolicy imagePullPolicy
Container securityContext:any stdin:bool stdinOnce:bool tty:bool targetContainerName
ContainerPort name hostPort:int containerPort:int protocol hostIP
EnvFromSource prefix configMapRef:any secretRef:any
EnvVar name value valueFrom:any
ResourceRequirements limits:{}quantity requests:{}quantity claims:any
VolumeMount name readOnly:bool recursiveReadOnly mountPath subPath mountPropagation subPathExpr
VolumeDevice name devicePath
Probe exec:ExecAction httpGet:HTTPGetAction tcpSocket:TCPSocketAction grpc:GRPCAction initialDelaySeconds:int timeoutSeconds:int periodSeconds:int
Probe successThreshold:int failureThreshold:int terminationGracePeriodSeconds:int
ExecAction command:[]string
HTTPGetAction path port:intstr host scheme httpHeaders:any
TCPSocketAction port:intstr host
GRPCAction port:int service
PodStatus phase conditions:[]Condition!type message reason nominatedNodeName hostIP hostIPs:[]PodIP podIP podIPs:[]PodIP!ip startTime:time
PodStatus initContainerStatuses:[]ContainerStatus containerStatuses:[]ContainerStatus ephemeralContainerStatuses:[]ContainerStatus qosClass resize
PodStatus resourceClaimStatuses:any observedGeneration:int
PodIP ip
ContainerStatus name state:ContainerState lastState:ContainerState ready:bool restartCount:int image imageID containerID started:bool
ContainerStatus allocatedResources:{}quantity resources:any volumeMounts:any user:any allocatedResourcesStatus:any
ContainerState waiting:StateWaiting running:StateRunning terminated:StateTerminated
StateWaiting reason message
StateRunning startedAt:time
StateTerminated exitCode:int signal:int reason message startedAt:time finishedAt:time containerID

Service spec:ServiceSpec status:ServiceStatus
ServiceSpec ports:[]ServicePort!port selector:{}string clusterIP clusterIPs:[]string type externalIPs:[]string sessionAffinity loadBalancerIP
ServiceSpec loadBalancerSourceRanges:[]string externalName externalTrafficPolicy healthCheckNodePort:int publishNotReadyAddresses:bool
ServiceSpec sessionAffinityConfig:any ipFamilies:[]string ipFamilyPolicy allocateLoadBalancerNodePorts:bool loadBalancerClass internalTrafficPolicy trafficDistribution
ServicePort name protocol appProtocol port:int targetPort:intstr nodePort:int
ServiceStatus loadBalancer:LoadBalancerStatus conditions:[]Condition!type
LoadBalancerStatus ingress:[]LoadBalancerIngress
LoadBalancerIngress ip hostname ipMode ports:any
Endpoints subsets:[]EndpointSubset
EndpointSubset addresses:[]EndpointAddress notReadyAddresses:[]EndpointAddress ports:[]EndpointPort
EndpointAddress ip hostname nodeName targetRef:ObjectReference
EndpointPort name port:int protocol appProtocol
EndpointSlice addressType endpoints:[]Endpoint ports:[]EndpointPort
Endpoint addresses:[]string conditions:EndpointConditions hostname targetRef:ObjectReference nodeName zone hints:any deprecatedTopology:any
EndpointConditions ready:bool serving:bool terminating:bool
Event involvedObject:ObjectReference reason message source:EventSource firstTimestamp:time lastTimestamp:time count:int type eventTime:time series:any
Event action related:ObjectReference reportingComponent reportingInstance
EventSource component host
ConfigMap data:{}string binaryData:{}string immutable:bool
Secret data:{}string stringData:{}string type immutable:bool
ServiceAccount secrets:[]ObjectReference!name imagePullSecrets:[]LocalObjectReference!name automountServiceAccountToken:bool
PersistentVolume spec:PersistentVolumeSpec status:PersistentVolumeStatus
PersistentVolumeSpec capacity:{}quantity accessModes:[]string claimRef:ObjectReference persistentVolumeReclaimPolicy storageClassName mountOptions:[]string
PersistentVolumeSpec volumeMode nodeAffinity:any volumeAttributesClassName hostPath:any nfs:any csi:any local:any iscsi:any fc:any rbd:any cephfs:any
PersistentVolumeSpec awsElasticBlockStore:any gcePersistentDisk:any azureDisk:any azureFile:any cinder:any vsphereVolume:any glusterfs:any flexVolume:any
PersistentVolumeSpec portworxVolume:any scaleIO:any storageos:any quobyte:any flocker:any photonPersistentDisk:any
PersistentVolumeStatus phase message reason lastPhaseTransitionTime:time
PersistentVolumeClaim spec:ClaimSpec status:ClaimStatus
ClaimSpec accessModes:[]string selector:LabelSelector resources:ResourceRequirements volumeName storageClassName volumeMode dataSource:any dataSourceRef:any
ClaimSpec volumeAttributesClassName
ClaimStatus phase accessModes:[]string capacity:{}quantity conditions:[]Condition!type allocatedResources:{}quantity allocatedResourceStatuses:any
ResourceQuota spec:QuotaSpec status:QuotaStatus
QuotaSpec hard:{}quantity scopes:[]string scopeSelector:any
QuotaStatus hard:{}quantity used:{}quantity
LimitRange spec:LimitRangeSpec
LimitRangeSpec limits:[]LimitRangeItem
LimitRangeItem type max:{}quantity min:{}quantity default:{}quantity defaultRequest:{}quantity maxLimitRequestRatio:{}quantity
ReplicationController spec:ReplicationControllerSpec status:ReplicaStatus
ReplicationControllerSpec replicas:int minReadySeconds:int selector:{}string template:PodTemplateSpec

Deployment spec:DeploymentSpec status:ReplicaStatus
DeploymentSpec replicas:int selector:LabelSelector template:PodTemplateSpec strategy:UpdateStrategy! minReadySeconds:int revisionHistoryLimit:int
DeploymentSpec paused:bool progressDeadlineSeconds:int
UpdateStrategy type rollingUpdate:RollingUpdate
RollingUpdate maxUnavailable:intstr maxSurge:intstr partition:int
ReplicaStatus observedGeneration:int replicas:int updatedReplicas:int readyReplicas:int availableReplicas:int unavailableReplicas:int
ReplicaStatus fullyLabeledReplicas:int terminatingReplicas:int conditions:[]Condition!type collisionCount:int currentReplicas:int currentRevision updateRevision
ReplicaSet spec:ReplicaSetSpec status:ReplicaStatus
ReplicaSetSpec replicas:int minReadySeconds:int selector:LabelSelector template:PodTemplateSpec
StatefulSet spec:StatefulSetSpec status:ReplicaStatus
StatefulSetSpec replicas:int selector:LabelSelector template:PodTemplateSpec volumeClaimTemplates:[]PersistentVolumeClaim serviceName podManagementPolicy
StatefulSetSpec updateStrategy:UpdateStrategy revisionHistoryLimit:int minReadySeconds:int persistentVolumeClaimRetentionPolicy:any ordinals:any
DaemonSet spec:DaemonSetSpec status:DaemonSetStatus
DaemonSetSpec selector:LabelSelector template:PodTemplateSpec updateStrategy:UpdateStrategy minReadySeconds:int revisionHistoryLimit:int
DaemonSetStatus currentNumberScheduled:int numberMisscheduled:int desiredNumberScheduled:int numberReady:int observedGeneration:int
DaemonSetStatus updatedNumberScheduled:int numberAvailable:int numberUnavailable:int collisionCount:int conditions:[]Condition!type
ControllerRevision data:any revision:int
Job spec:JobSpec status:JobStatus
JobSpec parallelism:int completions:int activeDeadlineSeconds:int podFailurePolicy:any successPolicy:any backoffLimit:int backoffLimitPerIndex:int
JobSpec maxFailedIndexes:int selector:LabelSelector manualSelector:bool template:PodTemplateSpec ttlSecondsAfterFinished:int completionMode
JobSpec suspend:bool podReplacementPolicy managedBy
JobStatus conditions:[]Condition!type startTime:time completionTime:time active:int succeeded:int failed:int terminating:int ready:int
JobStatus completedIndexes failedIndexes uncountedTerminatedPods:any
CronJob spec:CronJobSpec status:CronJobStatus
CronJobSpec schedule timeZone startingDeadlineSeconds:int concurrencyPolicy suspend:bool jobTemplate:JobTemplateSpec
CronJobSpec successfulJobsHistoryLimit:int failedJobsHistoryLimit:int
JobTemplateSpec metadata:ObjectMeta spec:JobSpec
CronJobStatus active:[]ObjectReference lastScheduleTime:time lastSuccessfulTime:time
HorizontalPodAutoscaler spec:AutoscalerSpec status:AutoscalerStatus
AutoscalerSpec scaleTargetRef:ScaleTarget minReplicas:int maxReplicas:int metrics:[]Metric behavior:any
Metric type resource:ResourceMetric containerResource:any pods:any object:any external:any
ResourceMetric name target:MetricValue current:MetricValue
MetricValue type value:quantity averageValue:quantity averageUtilization:int
ScaleTarget kind name apiVersion
AutoscalerStatus observedGeneration:int lastScaleTime:time currentReplicas:int desiredReplicas:int currentMetrics:[]Metric conditions:[]Condition!type
PodDisruptionBudget spec:BudgetSpec status:BudgetStatus
BudgetSpec minAvailable:intstr selector:LabelSelector maxUnavailable:intstr unhealthyPodEvictionPolicy
BudgetStatus observedGeneration:int disruptedPods:any disruptionsAllowed:int currentHealthy:int desiredHealthy:int expectedPods:int conditions:[]Condition!type
Ingress spec:IngressSpec status:ServiceStatus
IngressSpec ingressClassName defaultBackend:IngressBackend tls:[]IngressTLS rules:[]IngressRule
IngressTLS hosts:[]string secretName
IngressRule host http:IngressHTTP
IngressHTTP paths:[]IngressPath
IngressPath path pathType backend:IngressBackend
IngressBackend service:IngressService resource:TypedReference
IngressService name port:IngressPort
IngressPort name number:int
NetworkPolicy spec:NetworkPolicySpec
NetworkPolicySpec podSelector:LabelSelector ingress:[]PolicyRule egress:[]PolicyRule policyTypes:[]string
PolicyRule ports:[]PolicyPort from:[]PolicyPeer to:[]PolicyPeer
PolicyPort protocol port:intstr endPort:int
PolicyPeer podSelector:LabelSelector namespaceSelector:LabelSelector ipBlock:any
Role rules:[]RoleRule
ClusterRole rules:[]RoleRule aggregationRule:any
RoleRule verbs:[]string apiGroups:[]string resources:[]string resourceNames:[]string nonResourceURLs:[]string
RoleBinding subjects:[]TypedReference roleRef:TypedReference
ClusterRoleBinding subjects:[]TypedReference roleRef:TypedReference
StorageClass provisioner parameters:{}string reclaimPolicy mountOptions:[]string allowVolumeExpansion:bool volumeBindingMode allowedTopologies:any
PriorityClass value:int globalDefault:bool description preemptionPolicy
ValidatingWebhookConfiguration webhooks:[]Webhook!name
MutatingWebhookConfiguration webhooks:[]Webhook!name
Webhook name clientConfig:WebhookClient rules:[]WebhookRule failurePolicy matchPolicy namespaceSelector:LabelSelector objectSelector:LabelSelector
Webhook sideEffects timeoutSeconds:int admissionReviewVersions:[]string reinvocationPolicy matchConditions:any
WebhookClient url service:WebhookService caBundle
WebhookService namespace name path port:int
WebhookRule operations:[]string apiGroups:[]string apiVersions:[]string resources:[]string scope
Lease spec:LeaseSpec
LeaseSpec holderIdentity leaseDurationSeconds:int acquireTime:time renewTime:time leaseTransitions:int strategy preferredHolder
Scale spec:ScaleSpec status:ScaleStatus
ScaleSpec replicas:int
ScaleStatus replicas:int selector
"""  # noqa: E501  (a table: one type reads best on as few lines as it can)

SCALARS = frozenset({"string", "int", "bool", "quantity", "intstr", "time", "any"})


@dataclass(frozen=True, slots=True)
class Field:
    """`shape` is one of: value, list, map. `key` is None for an atomic list, "" for a set, else the merge key."""

    type: str
    shape: str = "value"
    key: str | None = None
    retain_keys: bool = False


ANY = Field("any")


def _fields(words: list[str]) -> Iterator[tuple[str, Field]]:
    for word in words:
        name, _, type_name = word.partition(":")
        yield name, _field(type_name or "string")


def _field(text: str) -> Field:
    if text.startswith("{}"):
        return Field(text[2:], "map")
    if text.startswith("[]"):
        item, marked, key = text[2:].partition("!")
        return Field(item, "list", key if marked else None, retain_keys=item == "Volume")
    return Field(text.removesuffix("!"), retain_keys=text.endswith("!"))


def _read(table: str) -> dict[str, dict[str, Field]]:
    types: dict[str, dict[str, Field]] = {}
    for line in table.splitlines():
        if line.strip():
            name, *words = line.split()
            types.setdefault(name, {}).update(_fields(words))
    return types


TYPES = _read(_TABLE)
_ROOT = {"apiVersion": Field("string"), "kind": Field("string"), "metadata": Field("ObjectMeta")}


@lru_cache(maxsize=256)
def root_fields(kind: str) -> dict[str, Field] | None:
    """The fields of a whole object of this kind; None when the kind's shape is not in the table."""
    own = TYPES.get(kind)
    return None if own is None else {**_ROOT, **own}


def fields_of(type_name: str) -> dict[str, Field] | None:
    """The fields of a struct; None for a scalar and for `any`. A kind used inside another is a whole object."""
    if type_name in SCALARS:
        return None
    return root_fields(type_name) if type_name == "PersistentVolumeClaim" else TYPES[type_name]
