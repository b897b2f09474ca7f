"""The kinds the API serves: one table that routing, discovery and the OpenAPI listing read.

`events.k8s.io` shows the same stored Events as the core group in the newer shape, so that kind has two entries and the
store one: `RESOURCES_BY_KIND` gives the one whose shape is stored.
"""

from __future__ import annotations

from dataclasses import dataclass

READ_VERBS = ("get", "list", "watch")
ALL_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True, slots=True)
class Resource:
    kind: str
    group: str
    version: str
    plural: str
    namespaced: bool = True
    short_names: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ALL_VERBS

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def singular(self) -> str:
        return self.kind.lower()

    @property
    def qualified(self) -> str:
        """As error messages name the resource: `deployments.apps`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def has_status(self) -> bool:
        return "status" in self.subresources


def _core(
    kind: str, plural: str, short: str = "", sub: str = "", namespaced: bool = True, all_: bool = False
) -> Resource:
    return _in("", "v1", kind, plural, short, sub, namespaced, all_)


def _in(
    group: str,
    version: str,
    kind: str,
    plural: str,
    short: str = "",
    sub: str = "",
    namespaced: bool = True,
    all_: bool = False,
) -> Resource:
    categories = ("all",) if all_ else ()
    return Resource(kind, group, version, plural, namespaced, tuple(short.split()), tuple(sub.split()), categories)


def _asked(group: str, kind: str, plural: str, namespaced: bool = False) -> Resource:
    """A question: it can be created, and nothing remains of it."""
    return Resource(kind, group, "v1", plural, namespaced, verbs=("create",))


def _measured(kind: str, plural: str, namespaced: bool) -> Resource:
    return Resource(kind, "metrics.k8s.io", "v1beta1", plural, namespaced, verbs=("get", "list"))


_ADMISSION = "admissionregistration.k8s.io"
_RBAC = "rbac.authorization.k8s.io"

RESOURCES: tuple[Resource, ...] = (
    _core("Namespace", "namespaces", "ns", "status finalize", namespaced=False),
    _core("Node", "nodes", "no", "status", namespaced=False),
    _core("Pod", "pods", "po", "status log eviction binding", all_=True),
    _core("Service", "services", "svc", "status", all_=True),
    _core("Endpoints", "endpoints", "ep"),
    _core("Event", "events", "ev"),
    _core("ConfigMap", "configmaps", "cm"),
    _core("Secret", "secrets"),
    _core("ServiceAccount", "serviceaccounts", "sa", "token"),
    _core("PersistentVolume", "persistentvolumes", "pv", "status", namespaced=False),
    _core("PersistentVolumeClaim", "persistentvolumeclaims", "pvc", "status"),
    _core("ResourceQuota", "resourcequotas", "quota", "status"),
    _core("LimitRange", "limitranges", "limits"),
    _core("ReplicationController", "replicationcontrollers", "rc", "status scale", all_=True),
    _in("apps", "v1", "Deployment", "deployments", "deploy", "status scale", all_=True),
    _in("apps", "v1", "ReplicaSet", "replicasets", "rs", "status scale", all_=True),
    _in("apps", "v1", "StatefulSet", "statefulsets", "sts", "status scale", all_=True),
    _in("apps", "v1", "DaemonSet", "daemonsets", "ds", "status", all_=True),
    _in("apps", "v1", "ControllerRevision", "controllerrevisions"),
    _in("batch", "v1", "Job", "jobs", "", "status", all_=True),
    _in("batch", "v1", "CronJob", "cronjobs", "cj", "status", all_=True),
    _in("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", "hpa", "status", all_=True),
    _in("autoscaling", "v1", "HorizontalPodAutoscaler", "horizontalpodautoscalers", "hpa", "status", all_=True),
    _in("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets", "pdb", "status"),
    _in("networking.k8s.io", "v1", "Ingress", "ingresses", "ing", "status"),
    _in("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies", "netpol"),
    _in(_RBAC, "v1", "Role", "roles"),
    _in(_RBAC, "v1", "RoleBinding", "rolebindings"),
    _in(_RBAC, "v1", "ClusterRole", "clusterroles", namespaced=False),
    _in(_RBAC, "v1", "ClusterRoleBinding", "clusterrolebindings", namespaced=False),
    _in("storage.k8s.io", "v1", "StorageClass", "storageclasses", "sc", namespaced=False),
    _in("storage.k8s.io", "v1", "VolumeAttachment", "volumeattachments", "", "status", namespaced=False),
    _in("storage.k8s.io", "v1", "CSIDriver", "csidrivers", namespaced=False),
    _in("storage.k8s.io", "v1", "CSINode", "csinodes", namespaced=False),
    _in("networking.k8s.io", "v1", "IngressClass", "ingressclasses", namespaced=False),
    _in("node.k8s.io", "v1", "RuntimeClass", "runtimeclasses", namespaced=False),
    _in("security.istio.io", "v1", "PeerAuthentication", "peerauthentications", "pa"),
    _in("scheduling.k8s.io", "v1", "PriorityClass", "priorityclasses", "pc", namespaced=False),
    _in("security.istio.io", "v1", "PeerAuthentication", "peerauthentications", "pa"),
    _in("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices"),
    _in("events.k8s.io", "v1", "Event", "events", "ev"),
    _in(_ADMISSION, "v1", "ValidatingWebhookConfiguration", "validatingwebhookconfigurations", namespaced=False),
    _in(_ADMISSION, "v1", "MutatingWebhookConfiguration", "mutatingwebhookconfigurations", namespaced=False),
    _in("coordination.k8s.io", "v1", "Lease", "leases"),
    _asked("authorization.k8s.io", "SelfSubjectAccessReview", "selfsubjectaccessreviews"),
    _asked("authorization.k8s.io", "SelfSubjectRulesReview", "selfsubjectrulesreviews"),
    _asked("authorization.k8s.io", "SubjectAccessReview", "subjectaccessreviews"),
    _asked("authorization.k8s.io", "LocalSubjectAccessReview", "localsubjectaccessreviews", namespaced=True),
    _asked("authentication.k8s.io", "SelfSubjectReview", "selfsubjectreviews"),
    _measured("NodeMetrics", "nodes", namespaced=False),
    _measured("PodMetrics", "pods", namespaced=True),
)

RESOURCES_BY_KIND: dict[str, Resource] = {}
for _resource in RESOURCES:
    RESOURCES_BY_KIND.setdefault(_resource.kind, _resource)

_BY_PATH = {(resource.group, resource.version, resource.plural): resource for resource in RESOURCES}


def find_resource(group: str, version: str, plural: str) -> Resource | None:
    return _BY_PATH.get((group, version, plural))


def groups() -> dict[str, list[str]]:
    """Each named API group with its versions, in serving order; the core group is not among them."""
    found: dict[str, list[str]] = {}
    for resource in RESOURCES:
        if resource.group and resource.version not in found.setdefault(resource.group, []):
            found[resource.group].append(resource.version)
    return found


def resources_of(group: str, version: str) -> list[Resource]:
    return [resource for resource in RESOURCES if (resource.group, resource.version) == (group, version)]
