"""What is known about metrics and targets beyond their samples, for Prometheus's metadata and targets pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from simulator.prometheus_api.catalogue import MetricMetadata, Target
from simulator.telemetry.descriptions import DESCRIPTIONS, type_of
from simulator.telemetry.labels import Sample

_COUNTERS = {
    "http_requests_total": "Requests handled, by route and status code.",
    "jobs_processed_total": "Jobs taken from the queue, by outcome.",
    "traces_service_graph_request_total": "Requests between two services.",
    "traces_service_graph_request_failed_total": "Failed requests between two services.",
    "container_cpu_usage_seconds_total": "Cumulative cpu time consumed",
    "container_cpu_cfs_periods_total": "Number of elapsed enforcement period intervals.",
    "container_cpu_cfs_throttled_periods_total": "Number of throttled period intervals.",
    "container_cpu_cfs_throttled_seconds_total": "Total time duration the container has been throttled.",
    "container_network_receive_bytes_total": "Cumulative count of bytes received",
    "container_network_transmit_bytes_total": "Cumulative count of bytes transmitted",
    "container_memory_failcnt": "Number of memory usage hits limits",
    "container_oom_events_total": "Count of out of memory events observed for the container",
    "kube_pod_container_status_restarts_total": "The number of container restarts per container.",
    "node_cpu_seconds_total": "Seconds the CPUs spent in each mode.",
    "node_network_receive_bytes_total": "Network device statistic receive_bytes.",
    "node_network_transmit_bytes_total": "Network device statistic transmit_bytes.",
}
_HISTOGRAMS = {
    "http_request_duration_seconds": "Latency of handled requests.",
    "traces_service_graph_request_server_seconds": "Latency between two services as the server sees it.",
    "traces_service_graph_request_client_seconds": "Latency between two services as the client sees it.",
}
_GAUGES = {
    "up": "1 if the last scrape of the target worked, 0 if not.",
    "process_start_time_seconds": "Start time of the process since unix epoch in seconds.",
    "rabbitmq_queue_messages_ready": "Messages ready to be delivered to consumers.",
    "container_memory_working_set_bytes": "Current working set.",
    "container_memory_usage_bytes": "Current memory usage, including all memory regardless of when it was accessed",
    "container_memory_rss": "Size of RSS",
    "container_spec_memory_limit_bytes": "Memory limit for the container.",
    "container_spec_cpu_quota": "CPU quota of the container.",
    "container_spec_cpu_period": "CPU period of the container.",
    "kube_pod_info": "Information about pod.",
    "kube_pod_owner": "Information about the Pod's owner.",
    "kube_pod_status_phase": "The pods current phase.",
    "kube_pod_status_ready": "Describes whether the pod is ready to serve requests.",
    "kube_pod_status_scheduled": "Describes the status of the scheduling process for the pod.",
    "kube_pod_container_info": "Information about a container in a pod.",
    "kube_pod_container_resource_requests": "The number of requested request resource by a container.",
    "kube_pod_container_resource_limits": "The number of requested limit resource by a container.",
    "kube_pod_container_status_ready": "Describes whether the containers readiness check succeeded.",
    "kube_pod_container_status_running": "Describes whether the container is currently in running state.",
    "kube_pod_container_status_waiting": "Describes whether the container is currently in waiting state.",
    "kube_pod_container_status_terminated": "Describes whether the container is currently in terminated state.",
    "kube_pod_container_status_waiting_reason": "Describes the reason the container is currently in waiting state.",
    "kube_pod_container_status_terminated_reason": "Describes the reason the container is in terminated state.",
    "kube_pod_container_status_last_terminated_reason": "Describes the last reason the container was terminated.",
    "kube_pod_container_status_last_terminated_exitcode": "Describes the exit code for the last container in terminated state.",
    "kube_deployment_spec_replicas": "Number of desired pods for a deployment.",
    "kube_deployment_status_replicas": "The number of replicas per deployment.",
    "kube_deployment_status_replicas_ready": "The number of ready replicas per deployment.",
    "kube_deployment_status_replicas_available": "The number of available replicas per deployment.",
    "kube_deployment_status_replicas_unavailable": "The number of unavailable replicas per deployment.",
    "kube_deployment_status_replicas_updated": "The number of updated replicas per deployment.",
    "kube_deployment_status_condition": "The current status conditions of a deployment.",
    "kube_deployment_metadata_generation": "Sequence number of the desired state.",
    "kube_deployment_status_observed_generation": "The generation observed by the deployment controller.",
    "kube_replicaset_spec_replicas": "Number of desired pods for a ReplicaSet.",
    "kube_replicaset_status_replicas": "The number of replicas per ReplicaSet.",
    "kube_replicaset_status_ready_replicas": "The number of ready replicas per ReplicaSet.",
    "kube_replicaset_owner": "Information about the ReplicaSet's owner.",
    "kube_service_info": "Information about service.",
    "kube_service_spec_type": "Type about service.",
    "kube_endpoint_info": "Information about endpoint.",
    "kube_endpoint_address": "Information about Endpoint available and non available addresses.",
    "kube_endpoint_address_available": "Number of addresses available in endpoint.",
    "kube_endpoint_address_not_ready": "Number of addresses not ready in endpoint",
    "kube_node_info": "Information about a cluster node.",
    "kube_node_spec_unschedulable": "Whether a node can schedule new pods.",
    "kube_node_spec_taint": "The taint of a cluster node.",
    "kube_node_status_condition": "The condition of a cluster node.",
    "kube_node_status_allocatable": "The allocatable for different resources of a node that are available for scheduling.",
    "kube_node_status_capacity": "The capacity for different resources of a node.",
    "kube_namespace_status_phase": "kubernetes namespace status phase.",
    "node_memory_MemTotal_bytes": "Memory information field MemTotal_bytes.",
    "node_memory_MemAvailable_bytes": "Memory information field MemAvailable_bytes.",
    "node_filesystem_size_bytes": "Filesystem size in bytes.",
    "node_filesystem_avail_bytes": "Filesystem space available to non-root users in bytes.",
    "node_load1": "1m load average.",
    "node_load5": "5m load average.",
    "node_load15": "15m load average.",
}
METADATA: dict[str, MetricMetadata] = {
    **{name: MetricMetadata("counter", text) for name, text in _COUNTERS.items()},
    **{name: MetricMetadata("histogram", text) for name, text in _HISTOGRAMS.items()},
    **{name: MetricMetadata("gauge", text) for name, text in _GAUGES.items()},
    **{name: MetricMetadata(type_of(name), text) for name, text in DESCRIPTIONS.items()},
}


class Catalogue:
    """`targets` gives the `up` samples as they are now; `scraped_at` the time of the last scrape."""

    def __init__(self, targets: Callable[[], list[Sample]], scraped_at: Callable[[], datetime]) -> None:
        self._targets = targets
        self._scraped_at = scraped_at

    def metadata(self) -> Mapping[str, MetricMetadata]:
        return METADATA

    def targets(self) -> Sequence[Target]:
        return [self._target(dict(labels), value) for labels, value in self._targets()]

    def _target(self, labels: dict[str, str], up: float) -> Target:
        shown = {key: value for key, value in labels.items() if key != "__name__"}
        url = f"http://{shown['instance']}{shown.get('metrics_path', '/metrics')}"
        if up:
            return Target(shown["job"], url, shown, "up", self._scraped_at(), last_scrape_seconds=0.012)
        error = f'Get "{url}": dial tcp {shown["instance"]}: connect: connection refused'
        return Target(shown["job"], url, shown, "down", self._scraped_at(), error)
