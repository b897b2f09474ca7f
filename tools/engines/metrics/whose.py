"""Whose a series is, from its labels: the many spellings of namespace, pod, node, service and of the two ends of a call, made one.

`exported_` labels win, because they name the thing and the plain ones then name the exporter. A Service's full name gives its namespace
too. A label that is missing stays missing: what the labels do not say, the objects may, later.
"""

import re
from collections.abc import Mapping

Labels = Mapping[str, str]
ENTITY = ("namespace", "pod", "container", "node", "service", "workload", "client", "server")
_TABLE = """
namespace: exported_namespace namespace kubernetes_namespace k8s_namespace_name k8s_namespace pod_namespace namespace_name
    kube_namespace destination_workload_namespace destination_service_namespace workload_namespace ns
pod: exported_pod pod pod_name kubernetes_pod_name k8s_pod_name podname k8s_pod kubernetes_pod pod_id podName
container: exported_container container container_name k8s_container_name container_label_io_kubernetes_container_name
node: exported_node node node_name nodename kubernetes_node kubernetes_io_hostname k8s_node_name hostname host_name nodeName
    kubernetes_node_name host
service: exported_service destination_service_name service service_name svc k8s_service_name app_kubernetes_io_name app
    application destination_app destination_canonical_service destination_service kubernetes_service_name kubernetes_name app_name
    serviceName microservice component cmdb_id target_service cluster_name upstream authority dst_service
workload: deployment statefulset daemonset exported_deployment destination_workload workload workload_name owner_name
    k8s_deployment_name k8s_statefulset_name k8s_daemonset_name horizontalpodautoscaler hpa controller_name created_by_name
    replicaset
client: client source_node src_node from_node node_from goldpinger_instance
    source_workload source_app source_canonical_service source caller client_service src_service src source_service
    from src_pod client_pod source_pod client_name src_workload
server: target_node destination_node dest_node dst_node to_node node_to
    server callee server_service dst destination to peer_service target dst_pod server_pod destination_pod server_name remote
    dst_workload dst_deployment dst_statefulset dst_daemonset uri_host net_peer_name server_address client_to peer_node peer
"""
_SPELLINGS = {
    row.partition(":")[0]: row.partition(":")[2].split() for row in _TABLE.strip().replace("\n    ", " ").splitlines()
}
_HOST = re.compile(r"^(?:[a-z]+://)?([a-z0-9][a-z0-9-]*)\.([a-z0-9][a-z0-9-]*)(?:\.svc(?:\.[a-z0-9.-]+)?)(?::\d+)?$")
_URL = re.compile(r"^(?:[a-z]+://)?[^/]+")
_ENVOY = re.compile(r"^(?:outbound|inbound)_?\|?\|?\d+\|*_*[^|]*\|+(.+)$")
_PATH = re.compile(r"^/k8s(?:-cronjob)?/(?P<namespace>[^/]+)/(?P<pod>[^/]+)(?:/(?P<container>[^/]+))?$")
_MADE_NAME = re.compile(r"^k8s_(?P<container>[^_]+)_(?P<pod>[^_]+)_(?P<namespace>[^_]+)_[0-9a-f-]+_\d+$")
_PORT = re.compile(r":\d+$")
_NOBODY = {"", "unknown", "none", "null", "POD", "<none>"}


def whose(labels: Labels) -> dict[str, str]:
    """The labels of `ENTITY` that are told, each under its one name; `instance` and `job` as they are where nothing better is."""
    found = _in_one(labels)
    for key, spellings in _SPELLINGS.items():
        value = next((labels[name] for name in spellings if labels.get(name, "") not in _NOBODY), "")
        if value:
            found.setdefault(key, value)
    for key in ("service", "client", "server", "workload"):
        if key in found:
            _take_apart(found, key)
    _sides(found, labels)
    _probed(found, labels)
    for key in ("instance", "job", "interface", "device", "quantile", "route", "uri", "method", "reporter", "scope"):
        if labels.get(key):
            found.setdefault(key, labels[key])
    return found


def _probed(found: dict[str, str], labels: Labels) -> None:
    """A prober names the address that it asked as the instance; the namespace beside it is the prober's own."""
    asked = _URL.match(labels.get("instance", ""))
    cut = _HOST.match(asked[0]) if asked else None
    if cut and "pod" not in found and "service" not in found:
        found.update(service=cut[1], namespace=cut[2])


def _in_one(labels: Labels) -> dict[str, str]:
    """Exporters that look at the runtime tell everything in one label: a path, or the name that the kubelet gives."""
    cut = _PATH.match(labels.get("container_id", "")) or _MADE_NAME.match(labels.get("name", ""))
    return {key: value for key, value in cut.groupdict().items() if value} if cut else {}


def _take_apart(found: dict[str, str], key: str) -> None:
    value = found[key]
    if cut := _ENVOY.match(value):
        value = cut[1]
    if cut := _HOST.match(value):
        value = cut[1]
        if key != "client":
            found.setdefault("namespace", cut[2])
    found[key] = _PORT.sub("", value) if not re.match(r"^\d+\.\d+\.\d+\.\d+", value) else value


def _sides(found: dict[str, str], labels: Labels) -> None:
    """Of a call that the mesh saw, the server is who served it; what a proxy sends outwards comes from the program beside it."""
    if labels.get("direction") == "outbound" and found.get("server") and "client" not in found:
        client = found.pop("workload", "") or found.get("pod", "")
        found.pop("pod", None)
        if client:
            found["client"] = client
    if "client" in found and "server" not in found:
        server = found.get("workload") or found.get("service")
        if server:
            found["server"] = server
    if labels.get("goldpinger_instance"):
        found.setdefault("server", labels.get("host_ip") or labels.get("pod_ip", ""))
    if labels.get("client_service_namespace") and "namespace" not in found:
        found["client_namespace"] = labels["client_service_namespace"]
    if labels.get("server_service_namespace"):
        found.setdefault("server_namespace", labels["server_service_namespace"])


def node_of(labels: Labels) -> str:
    """A machine's name as its exporter tells it: a node label, or the instance without its port."""
    return labels.get("node") or _PORT.sub("", labels.get("instance", ""))


def same(labels: Labels) -> tuple[tuple[str, str], ...]:
    """What two series of one thing have in common."""
    return tuple((key, labels[key]) for key in (*ENTITY, "instance", "reporter") if labels.get(key))
