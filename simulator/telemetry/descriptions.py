"""What each metric counts, in a few words; the kind of a metric follows from its name but for the few that say otherwise."""

from __future__ import annotations

from typing import Literal

_CONTAINERS = """
container_fs_reads_bytes_total: Bytes a container has read from a disk.
container_fs_writes_bytes_total: Bytes a container has written to a disk.
container_fs_usage_bytes: Bytes of the node's disk that a container's own layer and logs take up.
container_memory_cache: Page cache of a container.
container_network_receive_packets_total: Packets a pod has received.
container_network_transmit_packets_total: Packets a pod has sent.
container_network_receive_packets_dropped_total: Packets to a pod that were dropped at its interface.
container_network_transmit_packets_dropped_total: Packets from a pod that were dropped at its interface.
container_network_receive_errors_total: Errors while a pod received.
container_network_transmit_errors_total: Errors while a pod sent.
container_pressure_cpu_waiting_seconds_total: Time in which some task of the container waited for a CPU.
container_threads: Threads that run inside a container.
container_processes: Processes that run inside a container.
container_file_descriptors: Open file descriptors of a container.
container_sockets: Open sockets of a container.
container_spec_cpu_shares: Weight of a container when CPUs are short.
container_start_time_seconds: When a container started, in seconds since 1970.
container_ulimits_soft: Soft limit of a container's main process.
"""
_NODES = """
node_boot_time_seconds: When the machine started, in seconds since 1970.
node_time_seconds: What the machine's clock shows, in seconds since 1970.
node_timex_offset_seconds: How far the machine's clock is from its reference.
node_timex_sync_status: Whether the machine's clock is kept in step with a reference.
node_disk_io_time_seconds_total: Time in which a disk had something to do.
node_disk_io_time_weighted_seconds_total: That time, weighted by how many requests stood in the queue.
node_disk_read_time_seconds_total: Time that all reads took together.
node_disk_write_time_seconds_total: Time that all writes took together.
node_disk_reads_completed_total: Reads that a disk has completed.
node_disk_writes_completed_total: Writes that a disk has completed.
node_disk_read_bytes_total: Bytes read from a disk.
node_disk_written_bytes_total: Bytes written to a disk.
node_filesystem_files: Inodes of a file system.
node_filesystem_files_free: Inodes that are free.
node_filesystem_readonly: Whether a file system can only be read.
node_filefd_allocated: File descriptors that are open on the machine.
node_filefd_maximum: File descriptors that may be open on the machine.
node_memory_MemFree_bytes: Memory that nobody uses.
node_memory_Cached_bytes: Memory that holds pages of files.
node_netstat_Tcp_InSegs: TCP segments received.
node_netstat_Tcp_OutSegs: TCP segments sent.
node_netstat_Tcp_RetransSegs: TCP segments sent again.
node_network_receive_packets_total: Packets a network device has received.
node_network_transmit_packets_total: Packets a network device has sent.
node_network_receive_errs_total: Errors while a network device received.
node_network_transmit_errs_total: Errors while a network device sent.
node_network_receive_drop_total: Received packets that a network device dropped.
node_network_transmit_drop_total: Packets to be sent that a network device dropped.
node_pressure_cpu_waiting_seconds_total: Time in which some task waited for a CPU.
node_pressure_io_waiting_seconds_total: Time in which some task waited for a disk.
node_pressure_io_stalled_seconds_total: Time in which no task could run because all waited for a disk.
node_pressure_memory_waiting_seconds_total: Time in which some task waited for memory.
node_pressure_memory_stalled_seconds_total: Time in which no task could run because all waited for memory.
node_processes_pids: Process ids in use.
node_processes_max_processes: Process ids that may be in use.
node_procs_blocked: Tasks that wait for a disk.
node_procs_running: Tasks that run or could.
"""
_OBJECTS = """
kube_configmap_info: A ConfigMap that exists.
kube_configmap_metadata_resource_version: Version of a ConfigMap; it grows with each change.
kube_cronjob_created: When a CronJob was created, in seconds since 1970.
kube_cronjob_info: A CronJob with its schedule.
kube_cronjob_spec_suspend: Whether a CronJob makes no Jobs for now.
kube_cronjob_status_active: Jobs of a CronJob that run.
kube_cronjob_status_last_schedule_time: When a CronJob last made a Job, in seconds since 1970.
kube_cronjob_status_last_successful_time: When a Job of a CronJob last ended well, in seconds since 1970.
kube_daemonset_created: When a DaemonSet was created, in seconds since 1970.
kube_daemonset_metadata_generation: Number of the wanted state.
kube_daemonset_status_current_number_scheduled: Nodes with a pod of the DaemonSet that should have one.
kube_daemonset_status_desired_number_scheduled: Nodes that should have a pod of the DaemonSet.
kube_daemonset_status_number_available: Nodes whose pod of the DaemonSet is available.
kube_daemonset_status_number_misscheduled: Nodes with a pod of the DaemonSet that should have none.
kube_daemonset_status_number_ready: Nodes whose pod of the DaemonSet is ready.
kube_daemonset_status_number_unavailable: Nodes that lack an available pod of the DaemonSet.
kube_daemonset_status_observed_generation: Generation that the controller has seen.
kube_daemonset_status_updated_number_scheduled: Nodes whose pod has the newest template.
kube_deployment_created: When a Deployment was created, in seconds since 1970.
kube_deployment_spec_paused: Whether a Deployment's rollout stands still because somebody wanted it.
kube_horizontalpodautoscaler_info: An autoscaler and what it scales.
kube_horizontalpodautoscaler_spec_max_replicas: Most replicas that an autoscaler may ask for.
kube_horizontalpodautoscaler_spec_min_replicas: Fewest replicas that an autoscaler may ask for.
kube_horizontalpodautoscaler_spec_target_metric: What a metric should be.
kube_horizontalpodautoscaler_status_condition: Conditions of an autoscaler.
kube_horizontalpodautoscaler_status_current_replicas: Replicas that an autoscaler saw.
kube_horizontalpodautoscaler_status_desired_replicas: Replicas that an autoscaler wants.
kube_horizontalpodautoscaler_status_target_metric: What a metric is.
kube_ingress_info: An Ingress that exists.
kube_ingress_path: A path of an Ingress and the Service it leads to.
kube_ingress_tls: A host of an Ingress and its certificate's Secret.
kube_job_complete: Whether a Job has completed.
kube_job_created: When a Job was created, in seconds since 1970.
kube_job_failed: Whether a Job has failed.
kube_job_info: A Job that exists.
kube_job_owner: What made a Job.
kube_job_spec_completions: Pods of a Job that have to end well.
kube_job_spec_parallelism: Pods of a Job that may run at a time.
kube_job_status_active: Pods of a Job that run.
kube_job_status_completion_time: When a Job completed, in seconds since 1970.
kube_job_status_failed: Pods of a Job that failed, and why.
kube_job_status_start_time: When a Job began, in seconds since 1970.
kube_job_status_succeeded: Pods of a Job that ended well.
kube_limitrange: A bound that a LimitRange sets.
kube_node_created: When a node joined, in seconds since 1970.
kube_node_role: A role that a node's labels give it.
kube_persistentvolume_capacity_bytes: Size of a volume.
kube_persistentvolume_claim_ref: The claim that holds a volume.
kube_persistentvolume_info: A volume that exists.
kube_persistentvolume_status_phase: Phase of a volume.
kube_persistentvolumeclaim_access_mode: How a claim wants to use its volume.
kube_persistentvolumeclaim_info: A claim with its class and volume.
kube_persistentvolumeclaim_resource_requests_storage_bytes: Size that a claim asks for.
kube_persistentvolumeclaim_status_phase: Phase of a claim.
kube_pod_container_state_started: When a container's present run began, in seconds since 1970.
kube_pod_created: When a pod was created, in seconds since 1970.
kube_pod_deletion_timestamp: When a pod was asked to go, in seconds since 1970.
kube_pod_init_container_info: An init container and its image.
kube_pod_init_container_state_started: When an init container's present run began, in seconds since 1970.
kube_pod_init_container_status_last_terminated_exitcode: Exit code of the last run of an init container.
kube_pod_init_container_status_last_terminated_reason: Why the last run of an init container ended.
kube_pod_init_container_status_ready: Whether an init container has done its part.
kube_pod_init_container_status_restarts_total: Restarts of an init container.
kube_pod_init_container_status_running: Whether an init container runs.
kube_pod_init_container_status_terminated: Whether an init container has ended.
kube_pod_init_container_status_terminated_reason: Why an init container has ended.
kube_pod_init_container_status_waiting: Whether an init container waits.
kube_pod_init_container_status_waiting_reason: Why an init container waits.
kube_pod_spec_volumes_persistentvolumeclaims_info: A claim that a pod mounts.
kube_pod_start_time: When a kubelet took a pod on, in seconds since 1970.
kube_pod_status_qos_class: Quality-of-service class of a pod.
kube_pod_status_reason: Why a pod is in its state.
kube_pod_status_unschedulable: A pod for which no node was found.
kube_poddisruptionbudget_status_current_healthy: Healthy pods under a budget.
kube_poddisruptionbudget_status_desired_healthy: Healthy pods that a budget wants at least.
kube_poddisruptionbudget_status_expected_pods: Pods under a budget.
kube_poddisruptionbudget_status_observed_generation: Generation that the controller has seen.
kube_poddisruptionbudget_status_pod_disruptions_allowed: Pods that may be evicted now.
kube_replicaset_created: When a ReplicaSet was created, in seconds since 1970.
kube_resourcequota: What a quota allows and what is used of it.
kube_secret_info: A Secret that exists.
kube_secret_type: Type of a Secret.
kube_statefulset_created: When a StatefulSet was created, in seconds since 1970.
kube_statefulset_metadata_generation: Number of the wanted state.
kube_statefulset_replicas: Pods that a StatefulSet wants.
kube_statefulset_status_current_revision: Revision of the pods that are not updated yet.
kube_statefulset_status_observed_generation: Generation that the controller has seen.
kube_statefulset_status_replicas: Pods of a StatefulSet.
kube_statefulset_status_replicas_available: Available pods of a StatefulSet.
kube_statefulset_status_replicas_current: Pods with the current revision.
kube_statefulset_status_replicas_ready: Ready pods of a StatefulSet.
kube_statefulset_status_replicas_updated: Pods with the newest revision.
kube_statefulset_status_update_revision: Revision that pods are updated to.
kube_storageclass_info: A StorageClass and its provisioner.
"""
_PROGRAMS = """
db_client_connections_max: Connections that a client's pool may hold.
db_client_connections_pending_requests: Requests that wait for a connection of a pool.
db_client_connections_usage: Connections of a client's pool that are in use.
go_goroutines: Goroutines that exist.
http_requests_in_flight: Requests that a program has in hand.
http_worker_pool_size: Requests that a program can have in hand.
jvm_threads_live_threads: Threads of a Java process.
nodejs_active_handles_total: Handles that keep a Node process busy.
mysql_global_status_threads_connected: Clients that are connected to a MySQL server.
mysql_global_variables_max_connections: Connections that a MySQL server allows.
mysql_global_variables_read_only: Whether a MySQL server takes no changes.
mysql_up: Whether a MySQL server answered its exporter.
pg_settings_default_transaction_read_only: Whether a PostgreSQL server takes no changes.
pg_settings_max_connections: Connections that a PostgreSQL server allows.
pg_settings_superuser_reserved_connections: Connections that are kept for administrators.
pg_stat_activity_count: Sessions of a PostgreSQL server.
pg_stat_database_blks_read: Blocks that a PostgreSQL server has read from disk.
pg_stat_database_xact_commit: Transactions that were committed.
pg_stat_database_xact_rollback: Transactions that were rolled back.
pg_up: Whether a PostgreSQL server answered its exporter.
process_cpu_seconds_total: CPU time of a process.
process_max_fds: File descriptors that a process may open.
process_open_fds: File descriptors that a process has open.
process_resident_memory_bytes: Resident memory of a process.
process_threads: Threads of a process.
rabbitmq_channels: Channels that are open to a RabbitMQ server.
rabbitmq_connections: Connections that are open to a RabbitMQ server.
redis_commands_processed_total: Commands that a Redis server has processed.
redis_connected_clients: Clients that are connected to a Redis server.
redis_db_keys: Keys that a Redis server holds.
redis_expired_keys_total: Keys that a Redis server has dropped because their time was over.
redis_keyspace_hits_total: Lookups that found their key.
redis_keyspace_misses_total: Lookups that did not find their key.
redis_memory_used_bytes: Memory that a Redis server uses for its data.
redis_up: Whether a Redis server answered its exporter.
"""
_EDGE = """
certmanager_certificate_expiration_timestamp_seconds: When a certificate runs out, in seconds since 1970.
nginx_ingress_controller_requests: Requests of customers, by Service and status code.
nginx_ingress_controller_ssl_expire_time_seconds: When the certificate of a host runs out, in seconds since 1970.
probe_ssl_earliest_cert_expiry: When the first certificate of the probed chain runs out, in seconds since 1970.
probe_success: Whether the last probe from outside worked.
"""
_CONTROL_PLANE = """
apiserver_request_total: Requests to the API server, by verb, resource and code.
coredns_dns_requests_total: Questions to the name server.
coredns_dns_responses_total: Answers of the name server, by response code.
kubelet_node_name: The node of a kubelet.
kubelet_running_pods: Pods with a running sandbox on a node.
scheduler_pending_pods: Pods that wait for a node, by queue.
workqueue_adds_total: Objects that were put into a controller's queue.
workqueue_depth: Objects that wait in a controller's queue.
"""


def _read(*texts: str) -> dict[str, str]:
    lines = (line.partition(": ") for text in texts for line in text.strip().splitlines())
    return {name: help_text for name, _, help_text in lines}


DESCRIPTIONS = _read(_CONTAINERS, _NODES, _OBJECTS, _PROGRAMS, _EDGE, _CONTROL_PLANE)
_COUNTING = ("node_netstat_Tcp_", "pg_stat_database_", "nginx_ingress_controller_requests")
# Named like a counter by a client library that counts up and down.
_NOT_COUNTING = ("nodejs_active_handles_total",)


def type_of(name: str) -> Literal["counter", "gauge"]:
    if name in _NOT_COUNTING:
        return "gauge"
    return "counter" if name.endswith("_total") or name.startswith(_COUNTING) else "gauge"
