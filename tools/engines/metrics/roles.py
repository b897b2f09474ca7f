"""What the metrics of well-known exporters measure: one row a name, in words that the engines reason with.

A row gives the name, the signal, how the numbers come (`gauge`, `counter`, `bucket` of a histogram, `sum` and `count` of one), and the
factor to the base unit (seconds, bytes, cores, shares of one, a second). `?label=value` narrows a row to some of a name's series. Names
that are missing here are read by their words; this table is for those whose words would mislead.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from tools.engines.snapshot import Signal

Form = Literal["gauge", "counter", "bucket", "sum", "count", "ignored"]


@dataclass(frozen=True, slots=True)
class Role:
    signal: Signal
    form: Form = "gauge"
    scale: float = 1.0
    wanted: tuple[tuple[str, str], ...] = ()
    """Labels and their values, without which a series is not meant."""

    def means(self, labels: Mapping[str, str]) -> bool:
        return all(labels.get(key, "").lower() == value for key, value in self.wanted)


_TABLE = """
container_cpu_usage_seconds_total cpu_usage counter
k8s_pod_cpu_utilization cpu_usage
k8s_pod_cpu_utilization_ratio cpu_usage
k8s_pod_cpu_usage cpu_usage
container_cpu_utilization cpu_usage
container_cpu_utilization_ratio cpu_usage
k8s_pod_cpu_limit_utilization cpu_share
k8s_pod_cpu_limit_utilization_ratio cpu_share
k8s_container_cpu_limit_utilization cpu_share
k8s_container_cpu_limit_utilization_ratio cpu_share
k8s_container_cpu_limit cpu_limit
k8s_container_cpu_request cpu_request
container_cpu_cfs_periods_total cpu_periods counter
container_cpu_cfs_throttled_periods_total cpu_held_periods counter
container_cpu_cfs_throttled_seconds_total cpu_held_seconds counter
container_cpu_system_seconds_total - ignored
container_cpu_user_seconds_total - ignored
container_cpu_load_average_10s - ignored
container_pressure_cpu_waiting_seconds_total cpu_waiting counter
container_pressure_io_waiting_seconds_total io_waiting counter
container_pressure_memory_waiting_seconds_total memory_waiting counter
container_spec_cpu_quota cpu_quota gauge 0.00001
container_spec_cpu_period - ignored
container_spec_cpu_shares - ignored
container_spec_memory_limit_bytes memory_limit
container_memory_working_set_bytes memory
container_memory_usage_bytes memory_all
container_memory_rss memory_rss
container_memory_cache - ignored
container_memory_max_usage_bytes - ignored
container_memory_failcnt memory_hits counter
container_oom_events_total oom_kills counter
container_network_receive_bytes_total network_in counter
container_network_transmit_bytes_total network_out counter
container_network_receive_packets_total packets_in counter
container_network_transmit_packets_total packets_out counter
container_network_receive_packets_dropped_total drops counter
container_network_transmit_packets_dropped_total drops counter
container_network_receive_errors_total drops counter
container_network_transmit_errors_total drops counter
container_fs_reads_bytes_total disk_read counter
container_fs_writes_bytes_total disk_written counter
container_fs_io_time_seconds_total disk_busy counter
container_fs_usage_bytes disk_used
container_threads threads
container_threads_max threads_most
container_processes processes
container_file_descriptors open_files
container_ulimits_soft open_files_most gauge 1 ?ulimit=max_open_files
container_sockets sockets
container_start_time_seconds started
container_last_seen - ignored
container_tasks_state - ignored
kube_pod_container_resource_limits cpu_limit gauge 1 ?resource=cpu
kube_pod_container_resource_limits memory_limit gauge 1 ?resource=memory
kube_pod_container_resource_limits_cpu_cores cpu_limit
kube_pod_container_resource_limits_memory_bytes memory_limit
kube_pod_container_resource_requests cpu_request gauge 1 ?resource=cpu
kube_pod_container_resource_requests memory_request gauge 1 ?resource=memory
kube_pod_container_status_restarts_total restarts
kube_pod_container_status_ready ready
kube_pod_container_status_waiting_reason waiting
kube_pod_container_status_terminated_reason ended
kube_pod_container_status_last_terminated_reason ended_last
kube_pod_status_ready pod_ready gauge 1 ?condition=true
kube_pod_status_phase pod_phase
kube_deployment_spec_replicas replicas
kube_deployment_status_replicas_available replicas_available
kube_deployment_status_replicas_ready replicas_available
kube_deployment_status_replicas_unavailable replicas_missing
kube_statefulset_replicas replicas
kube_statefulset_status_replicas_ready replicas_available
kube_horizontalpodautoscaler_status_current_replicas scaler_now
kube_horizontalpodautoscaler_status_desired_replicas scaler_wanted
kube_horizontalpodautoscaler_spec_max_replicas scaler_most
kube_hpa_status_current_replicas scaler_now
kube_hpa_status_desired_replicas scaler_wanted
kube_hpa_spec_max_replicas scaler_most
kube_node_status_condition node_ready gauge 1 ?condition=Ready&status=true
kube_node_status_allocatable - ignored
kube_node_status_capacity - ignored
kube_node_spec_unschedulable node_cordoned
node_cpu_seconds_total node_cpu_modes counter
node_load1 node_load
node_load5 - ignored
node_load15 - ignored
node_memory_MemTotal_bytes node_memory_total
node_memory_MemAvailable_bytes node_memory_free
node_memory_MemFree_bytes - ignored
node_memory_Cached_bytes - ignored
node_memory_Buffers_bytes - ignored
node_filesystem_size_bytes node_disk_total
node_filesystem_avail_bytes node_disk_free
node_filesystem_free_bytes - ignored
node_filesystem_files node_inodes_total
node_filesystem_files_free node_inodes_free
node_disk_io_time_seconds_total node_disk_busy counter
node_disk_io_time_weighted_seconds_total node_disk_queue counter
node_disk_read_time_seconds_total node_disk_time counter
node_disk_write_time_seconds_total node_disk_time counter
node_disk_reads_completed_total node_disk_operations counter
node_disk_writes_completed_total node_disk_operations counter
node_disk_read_bytes_total node_disk_bytes counter
node_disk_written_bytes_total node_disk_bytes counter
node_network_receive_bytes_total node_network_in counter
node_network_transmit_bytes_total node_network_out counter
node_network_receive_packets_total node_packets counter
node_network_transmit_packets_total node_packets counter
node_network_receive_drop_total node_drops counter
node_network_transmit_drop_total node_drops counter
node_network_receive_errs_total node_drops counter
node_network_transmit_errs_total node_drops counter
node_qdisc_drops_total node_drops counter
node_netstat_Tcp_RetransSegs node_retransmits counter
node_netstat_Tcp_OutSegs node_segments counter
node_netstat_Tcp_InSegs - ignored
node_netstat_TcpExt_TCPTimeouts node_retransmits counter
node_pressure_cpu_waiting_seconds_total node_cpu_waiting counter
node_pressure_io_waiting_seconds_total node_io_waiting counter
node_pressure_io_stalled_seconds_total - ignored
node_pressure_memory_waiting_seconds_total node_memory_waiting counter
node_pressure_memory_stalled_seconds_total - ignored
node_processes_pids node_processes
node_processes_threads node_processes
node_processes_max_processes node_processes_most
node_filefd_allocated node_open_files
node_filefd_maximum node_open_files_most
node_timex_offset_seconds node_clock_offset
node_timex_sync_status node_clock_synced
node_timex_maxerror_seconds - ignored
node_timex_estimated_error_seconds - ignored
node_time_seconds node_time
node_boot_time_seconds node_booted
node_ntp_offset_seconds node_clock_offset
chrony_tracking_last_offset_seconds node_clock_offset
chrony_tracking_system_time_seconds node_clock_offset
node_nf_conntrack_entries node_conntrack
node_nf_conntrack_entries_limit node_conntrack_most
kubelet_running_pods node_pods
kubelet_node_name - ignored
kubelet_runtime_operations_errors_total runtime_errors counter
kubelet_runtime_operations_duration_seconds runtime_latency bucket
kubelet_pleg_relist_duration_seconds pleg_latency bucket
kubelet_volume_stats_used_bytes volume_used
kubelet_volume_stats_capacity_bytes volume_size
kubelet_volume_stats_available_bytes volume_free
apiserver_request_total api_requests counter
apiserver_request_duration_seconds api_latency bucket
etcd_disk_wal_fsync_duration_seconds etcd_fsync bucket
scheduler_pending_pods pending_pods
scheduler_schedule_attempts_total schedule_attempts counter
workqueue_depth work_queue
workqueue_adds_total - ignored
coredns_dns_requests_total dns_requests counter
coredns_dns_responses_total dns_responses counter
coredns_dns_request_duration_seconds dns_latency bucket
kubeproxy_sync_proxy_rules_duration_seconds proxy_sync bucket
up up
probe_success probe
istio_requests_total requests counter
istio_request_duration_milliseconds latency bucket 0.001
istio_request_duration_seconds latency bucket
istio_tcp_connections_opened_total connections_opened counter
istio_tcp_sent_bytes_total - ignored
istio_tcp_received_bytes_total - ignored
istio_request_bytes - ignored
istio_response_bytes - ignored
response_total requests counter
request_total requests counter
response_latency_ms latency bucket 0.001
tcp_open_connections connections
envoy_cluster_upstream_rq_total requests counter
envoy_cluster_upstream_rq_xx requests counter
envoy_cluster_upstream_rq requests counter
envoy_cluster_upstream_rq_time latency bucket 0.001
envoy_cluster_upstream_rq_retry retries counter
envoy_cluster_upstream_rq_timeout timeouts counter
envoy_cluster_upstream_rq_pending_active pending
envoy_cluster_upstream_cx_connect_fail connect_failures counter
envoy_cluster_upstream_cx_connect_ms connect_time bucket 0.001
envoy_http_downstream_rq_total requests counter
envoy_http_downstream_rq_xx requests counter
envoy_http_downstream_rq_time latency bucket 0.001
traefik_service_requests_total requests counter
traefik_service_request_duration_seconds latency bucket
nginx_ingress_controller_requests edge_requests counter
nginx_ingress_controller_request_duration_seconds edge_latency bucket
nginx_ingress_controller_response_duration_seconds - ignored
nginx_ingress_controller_ssl_expire_time_seconds certificate_end
certmanager_certificate_expiration_timestamp_seconds certificate_end
probe_ssl_earliest_cert_expiry certificate_end
probe_duration_seconds probe_time
http_server_requests_seconds latency bucket
http_server_requests_seconds_max - ignored
http_server_request_duration_seconds latency bucket
http_server_duration_milliseconds latency bucket 0.001
http_server_duration latency bucket 0.001
http_client_requests_seconds call_latency bucket
http_client_request_duration_seconds call_latency bucket
http_client_duration_milliseconds call_latency bucket 0.001
http_client_duration call_latency bucket 0.001
rpc_server_duration_milliseconds latency bucket 0.001
rpc_client_duration_milliseconds call_latency bucket 0.001
http_requests_total requests counter
http_request_duration_seconds latency bucket
http_requests_received_total requests counter
grpc_server_handled_total requests counter
grpc_server_started_total - ignored
grpc_server_handling_seconds latency bucket
grpc_client_handled_total calls counter
grpc_client_handling_seconds call_latency bucket
traces_spanmetrics_calls_total requests counter
traces_spanmetrics_latency latency bucket
traces_spanmetrics_duration_seconds latency bucket
traces_spanmetrics_duration_milliseconds latency bucket 0.001
calls_total requests counter
duration_milliseconds latency bucket 0.001
traces_service_graph_request_total calls counter
traces_service_graph_request_failed_total failed_calls counter
traces_service_graph_request_server_seconds served_latency bucket
traces_service_graph_request_client_seconds call_latency bucket
jvm_threads_live_threads threads
jvm_threads_current threads
jvm_threads_daemon_threads - ignored
jvm_threads_peak_threads - ignored
jvm_threads_states_threads threads_blocked gauge 1 ?state=blocked
jvm_threads_deadlocked threads_deadlocked
jvm_memory_used_bytes heap gauge 1 ?area=heap
jvm_memory_bytes_used heap gauge 1 ?area=heap
jvm_memory_max_bytes heap_most gauge 1 ?area=heap
jvm_memory_bytes_max heap_most gauge 1 ?area=heap
jvm_gc_pause_seconds gc bucket
jvm_gc_collection_seconds gc bucket
jvm_classes_loaded_classes - ignored
system_cpu_usage node_cpu_seen
process_cpu_usage cpu_level
process_files_open_files open_files
process_files_max_files open_files_most
tomcat_threads_busy_threads workers_busy
tomcat_threads_config_max_threads workers_most
tomcat_threads_current_threads - ignored
hikaricp_connections_active pool_used
hikaricp_connections_pending pool_pending
hikaricp_connections_max pool_most
hikaricp_connections_timeout_total pool_timeouts counter
hikaricp_connections - ignored
db_client_connections_usage pool_used gauge 1 ?state=used
db_client_connections_pending_requests pool_pending
db_client_connections_max pool_most
http_requests_in_flight workers_busy
http_worker_pool_size workers_most
process_cpu_seconds_total cpu_process counter
process_resident_memory_bytes memory_rss
process_virtual_memory_bytes - ignored
process_open_fds open_files
process_max_fds open_files_most
process_threads threads
process_num_threads threads
process_start_time_seconds started
go_goroutines threads
go_threads - ignored
go_memstats_heap_inuse_bytes heap
go_memstats_alloc_bytes - ignored
go_memstats_heap_alloc_bytes - ignored
go_gc_duration_seconds - ignored
nodejs_eventloop_lag_seconds loop_lag
nodejs_active_handles_total handles
nodejs_heap_size_used_bytes heap
python_gc_objects_collected_total - ignored
dotnet_total_memory_bytes heap
mysql_global_status_threads_connected db_connections
mysql_global_variables_max_connections db_connections_most
mysql_global_status_threads_running db_running
mysql_global_status_queries db_queries counter
mysql_global_status_questions db_queries counter
mysql_global_status_slow_queries db_slow counter
mysql_global_status_connection_errors_total db_refused counter
mysql_global_status_aborted_connects db_refused counter
mysql_global_variables_read_only db_read_only
mysql_global_status_innodb_row_lock_current_waits db_locks
mysql_up up
pg_stat_activity_count db_connections
pg_settings_max_connections db_connections_most
pg_settings_default_transaction_read_only db_read_only
pg_stat_database_xact_commit db_queries counter
pg_stat_database_xact_rollback - ignored
pg_stat_database_deadlocks db_deadlocks counter
pg_stat_database_blks_read db_reads counter
pg_locks_count db_locks
pg_up up
mongodb_connections db_connections gauge 1 ?state=current
mongodb_up up
redis_connected_clients db_connections
redis_config_maxclients db_connections_most
redis_keyspace_hits_total cache_hits counter
redis_keyspace_misses_total cache_misses counter
redis_commands_processed_total db_queries counter
redis_evicted_keys_total cache_evicted counter
redis_expired_keys_total cache_expired counter
redis_memory_used_bytes heap
redis_memory_max_bytes heap_most
redis_db_keys cache_keys
redis_up up
memcached_commands_total db_queries counter
rabbitmq_queue_messages_ready queue
rabbitmq_queue_messages queue
rabbitmq_connections db_connections
kafka_consumergroup_lag queue
jobs_processed_total done counter
coroot_net_rtt rtt
node_tcp_rtt_seconds node_rtt
ping_rtt_mean_seconds rtt
ping_loss_ratio packet_loss
ping_loss_percent packet_loss gauge 0.01
smokeping_response_duration_seconds rtt bucket
kubenurse_httpclient_request_duration_seconds rtt bucket
"""


def _row(line: str) -> tuple[str, Role]:
    name, signal, *rest = line.split()
    given = [part for part in rest if not part.startswith("?")]
    pairs = [pair.partition("=") for part in rest if part.startswith("?") for pair in part[1:].split("&")]
    wanted = tuple((key, value.lower()) for key, _, value in pairs)
    form = given[0] if given else "gauge"
    scale = float(given[1]) if len(given) > 1 else 1.0
    if form == "ignored":
        return name, Role("", "ignored")
    return name, Role(signal, _FORMS[form], scale, wanted)


_FORMS: Mapping[str, Form] = {"gauge": "gauge", "counter": "counter", "bucket": "bucket"}
_HISTOGRAM_PARTS: Mapping[str, Form] = {"_bucket": "bucket", "_sum": "sum", "_count": "count"}


def _table() -> dict[str, list[Role]]:
    found: dict[str, list[Role]] = {}
    for line in _TABLE.strip().splitlines():
        name, role = _row(line)
        found.setdefault(name, []).append(role)
        if role.form == "bucket":
            for ending, form in _HISTOGRAM_PARTS.items():
                found.setdefault(name + ending, []).append(Role(role.signal, form, role.scale))
            # Without an ending it is a summary's quantile, or a quantile that somebody worked out already.
            found[name] = [Role(role.signal, "gauge", role.scale)]
    return found


ROLES: Mapping[str, list[Role]] = _table()


def known(name: str, labels: Mapping[str, str]) -> Role | None:
    """The role of a series by its exact name; one of form `ignored` where it says nothing of use."""
    roles = ROLES.get(name) or ROLES.get(name.removesuffix("_total")) or ROLES.get(f"{name}_total")
    if roles is None:
        return None
    return next((role for role in roles if role.means(labels)), Role("", "ignored"))
