"""What a live Prometheus is asked for a diagnosis: one range query a signal, each bounded by what it sums over.

The names are those of the exporters that most clusters run: the kubelet's cAdvisor, kube-state-metrics, node-exporter, the client libraries
of the usual languages, service meshes, tracing collectors. `%s` takes the namespaces; a query without it is asked once for the whole
cluster. Where programs of different languages name one thing differently, `or` takes whichever is there. The labels that come back are
those that the engines know: namespace, pod, container, service, node, client and server.
"""

from tools.engines.snapshot import Signal

_CONTAINER = 'container!="",container!="POD"'
_BY_CONTAINER = "sum by (namespace, pod, container)"
_BY_POD = "sum by (namespace, pod)"
_BY_NODE = "by (instance, node)"
_MESH = 'reporter="destination"'


def _of_mesh(expression: str) -> str:
    return f'label_replace({expression}, "service", "$1", "destination_service_name", "(.*)")'


_MESH_REQUESTS = _of_mesh(f"sum by (namespace, destination_service_name) (rate(istio_requests_total{{{_MESH}%s}}[2m]))")
_MESH_ERRORS = _of_mesh(
    f'sum by (namespace, destination_service_name) (rate(istio_requests_total{{{_MESH},response_code=~"5.."%s}}[2m]))'
)
_MESH_LATENCY = _of_mesh(
    "histogram_quantile(0.95, sum by (namespace, destination_service_name, le) "
    f"(rate(istio_request_duration_milliseconds_bucket{{{_MESH}%s}}[2m]))) / 1000"
)
QUERIES: dict[Signal, str] = {
    # of containers and pods
    "cpu_usage": f"{_BY_CONTAINER} (rate(container_cpu_usage_seconds_total{{{_CONTAINER}%s}}[2m]))",
    "cpu_throttled": (
        f"{_BY_CONTAINER} (rate(container_cpu_cfs_throttled_periods_total{{{_CONTAINER}%s}}[2m]))"
        f" / {_BY_CONTAINER} (rate(container_cpu_cfs_periods_total{{{_CONTAINER}%s}}[2m]))"
    ),
    "cpu_waiting": f"{_BY_CONTAINER} (rate(container_pressure_cpu_waiting_seconds_total{{{_CONTAINER}%s}}[2m]))",
    "memory": f"max by (namespace, pod, container) (container_memory_working_set_bytes{{{_CONTAINER}%s}})",
    "threads": f"max by (namespace, pod, container) (container_threads{{{_CONTAINER}%s}})",
    "open_files": f"max by (namespace, pod, container) (container_file_descriptors{{{_CONTAINER}%s}})",
    "drops": (
        f'{_BY_POD} (rate(container_network_receive_packets_dropped_total{{pod!=""%s}}[2m]))'
        f' + {_BY_POD} (rate(container_network_transmit_packets_dropped_total{{pod!=""%s}}[2m]))'
    ),
    # of Services
    "requests": (
        'sum by (namespace, service) (rate(http_requests_total{service!=""%s}[2m]))'
        ' or sum by (namespace, service) (rate(http_server_requests_seconds_count{service!=""%s}[2m]))'
        f" or {_MESH_REQUESTS}"
    ),
    "errors": (
        'sum by (namespace, service) (rate(http_requests_total{code=~"5..",service!=""%s}[2m]))'
        ' or sum by (namespace, service) (rate(http_server_requests_seconds_count{status=~"5..",service!=""%s}[2m]))'
        f" or {_MESH_ERRORS}"
    ),
    "latency": (
        "histogram_quantile(0.95, sum by (namespace, service, le) "
        '(rate(http_request_duration_seconds_bucket{service!=""%s}[2m])))'
        " or histogram_quantile(0.95, sum by (namespace, service, le) "
        '(rate(http_server_requests_seconds_bucket{service!=""%s}[2m])))'
        f" or {_MESH_LATENCY}"
    ),
    "queue": 'sum by (namespace, service, queue) (rabbitmq_queue_messages_ready{queue!=""%s})',
    "cache_misses": 'sum by (namespace, service, pod) (rate(redis_keyspace_misses_total{job!=""%s}[2m]))',
    "cache_hits": 'sum by (namespace, service, pod) (rate(redis_keyspace_hits_total{job!=""%s}[2m]))',
    # of calls
    "calls": "sum by (client, server) (rate(traces_service_graph_request_total[2m]))",
    "failed_calls": "sum by (client, server) (rate(traces_service_graph_request_failed_total[2m]))",
    "call_latency": (
        "histogram_quantile(0.95, sum by (client, server, le) "
        "(rate(traces_service_graph_request_client_seconds_bucket[2m])))"
    ),
    "served_latency": (
        "histogram_quantile(0.95, sum by (client, server, le) "
        "(rate(traces_service_graph_request_server_seconds_bucket[2m])))"
    ),
    # of workloads and nodes
    "replicas": 'max by (namespace, deployment) (kube_deployment_spec_replicas{deployment!=""%s})',
    "reserved": 'sum by (node, resource) (kube_pod_container_resource_requests{node!=""})',
    "busiest": (
        "topk(8, sum by (namespace, pod, node) "
        f"(rate(container_cpu_usage_seconds_total{{{_CONTAINER}}}[5m])))"
    ),
    "node_cpu": f'1 - avg {_BY_NODE} (rate(node_cpu_seconds_total{{mode="idle"}}[2m]))',
    "node_retransmit_share": (
        f"sum {_BY_NODE} (rate(node_netstat_Tcp_RetransSegs[2m])) / sum {_BY_NODE} (rate(node_netstat_Tcp_OutSegs[2m]))"
    ),
    "node_disk_busy": f"max {_BY_NODE} (rate(node_disk_io_time_seconds_total[2m]))",
    "node_clock_offset": f"max {_BY_NODE} (node_timex_offset_seconds)",
}  # fmt: skip
