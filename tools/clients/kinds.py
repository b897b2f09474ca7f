"""Kinds of objects: what a person calls them, and where the API server keeps them.

The built-in kinds are a table, because asking a server for its own list costs one request a group and the answer has not changed in
years. Whatever is not in the table (a custom resource) is found by discovery in `kubernetes.py` and becomes a Kind like any other. A
Kind answers to its name, its plural and its short names, in any case: `Deployment`, `deployments` and `deploy` are one.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Kind:
    name: str
    group: str
    version: str
    plural: str
    namespaced: bool = True
    short: tuple[str, ...] = ()

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str | None = None, name: str = "", subresource: str = "") -> str:
        """Where it is on the server; the parts are checked by the caller."""
        parts = [f"/apis/{self.api_version}" if self.group else f"/api/{self.version}"]
        if self.namespaced and namespace:
            parts.append(f"namespaces/{namespace}")
        parts.extend(part for part in (self.plural, name, subresource) if part)
        return "/".join(parts)

    def words(self) -> set[str]:
        return {self.name.lower(), self.plural, *self.short}


def _kinds(api_version: str, namespaced: bool, rows: str) -> list[Kind]:
    group, _, version = api_version.rpartition("/")
    found = []
    for row in rows.split(","):
        name, plural, *short = row.split()
        found.append(Kind(name, group, version, plural, namespaced, tuple(short)))
    return found


BUILT_IN: tuple[Kind, ...] = (
    *_kinds(
        "v1",
        True,
        "Pod pods po, Service services svc, ConfigMap configmaps cm, Secret secrets, Event events ev, Endpoints endpoints ep, "
        "PersistentVolumeClaim persistentvolumeclaims pvc, ServiceAccount serviceaccounts sa, ResourceQuota resourcequotas quota, "
        "LimitRange limitranges limits, ReplicationController replicationcontrollers rc",
    ),
    *_kinds("v1", False, "Node nodes no, Namespace namespaces ns, PersistentVolume persistentvolumes pv"),
    *_kinds(
        "apps/v1",
        True,
        "Deployment deployments deploy, ReplicaSet replicasets rs, StatefulSet statefulsets sts, DaemonSet daemonsets ds, "
        "ControllerRevision controllerrevisions",
    ),
    *_kinds("batch/v1", True, "Job jobs, CronJob cronjobs cj"),
    *_kinds("autoscaling/v2", True, "HorizontalPodAutoscaler horizontalpodautoscalers hpa"),
    *_kinds("networking.k8s.io/v1", True, "Ingress ingresses ing, NetworkPolicy networkpolicies netpol"),
    *_kinds("networking.k8s.io/v1", False, "IngressClass ingressclasses"),
    *_kinds("discovery.k8s.io/v1", True, "EndpointSlice endpointslices"),
    *_kinds("policy/v1", True, "PodDisruptionBudget poddisruptionbudgets pdb"),
    *_kinds(
        "storage.k8s.io/v1",
        False,
        "StorageClass storageclasses sc, VolumeAttachment volumeattachments, CSIDriver csidrivers, CSINode csinodes",
    ),
    *_kinds("rbac.authorization.k8s.io/v1", True, "Role roles, RoleBinding rolebindings"),
    *_kinds("rbac.authorization.k8s.io/v1", False, "ClusterRole clusterroles, ClusterRoleBinding clusterrolebindings"),
    *_kinds("scheduling.k8s.io/v1", False, "PriorityClass priorityclasses pc"),
    *_kinds("node.k8s.io/v1", False, "RuntimeClass runtimeclasses"),
    *_kinds("coordination.k8s.io/v1", True, "Lease leases"),
    *_kinds(
        "admissionregistration.k8s.io/v1",
        False,
        "ValidatingWebhookConfiguration validatingwebhookconfigurations, "
        "MutatingWebhookConfiguration mutatingwebhookconfigurations",
    ),
    *_kinds("apiextensions.k8s.io/v1", False, "CustomResourceDefinition customresourcedefinitions crd crds"),
)


class KindTable:
    """The kinds known so far, by every word that means them; the first to claim a word keeps it."""

    def __init__(self, kinds: Iterable[Kind] = BUILT_IN) -> None:
        self._by_word: dict[str, Kind] = {}
        self._names: dict[str, Kind] = {}
        for kind in kinds:
            self.add(kind)

    def add(self, kind: Kind) -> None:
        self._names.setdefault(kind.name, kind)
        for word in kind.words():
            self._by_word.setdefault(word, kind)

    def get(self, word: str) -> Kind | None:
        return self._by_word.get(word.strip().lower())

    def names(self) -> list[str]:
        return sorted(self._names)


def from_discovery(resource_list: dict[str, Any]) -> list[Kind]:
    """The kinds of one APIResourceList, without its subresources."""
    group, _, version = str(resource_list.get("groupVersion", "")).rpartition("/")
    return [
        Kind(
            name=str(item.get("kind", "")),
            group=group,
            version=version,
            plural=str(item.get("name", "")),
            namespaced=bool(item.get("namespaced")),
            short=tuple(str(word) for word in item.get("shortNames") or ()),
        )
        for item in resource_list.get("resources") or ()
        if "/" not in str(item.get("name", "")) and item.get("kind")
    ]
