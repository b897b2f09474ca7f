"""What tells a fault from those that look like it: the one thing to look at next, for whoever doubts between two causes.

A diagnosis that is not sure says what would make it sure. These sentences stand beside a near miss and beside a cause that has a rival;
they name a thing to read or a command to run, never a repair.
"""

from collections.abc import Mapping

from core.language import Text

_QUOTA = Text(
    "Compare used with hard in the namespace's ResourceQuota, and read the FailedCreate event's `exceeded quota` sentence.",
    "对比该命名空间 ResourceQuota 的 used 与 hard，并查看 FailedCreate 事件中的 exceeded quota 一句。",
)
_PLACEMENT = Text(
    "Read the newest FailedScheduling event of a pod that still exists, and compare its reasons with each node by itself.",
    "查看仍存在的 Pod 最新的 FailedScheduling 事件，并逐个节点核对其原因。",
)
_CLAIM = Text(
    "Compare the claim with every volume: claimRef, labels, class, size and access modes (kubectl describe pvc, kubectl get pv).",
    "将该声明与每个卷逐项对比：claimRef、标签、存储类、容量、访问模式（kubectl describe pvc、kubectl get pv）。",
)
_PULL = Text(
    "Read the whole sentence of the registry in the pod's Failed event: not found, no such host, unauthorized or toomanyrequests.",
    "查看 Pod 的 Failed 事件中镜像仓库返回的完整语句：not found、no such host、unauthorized 还是 toomanyrequests。",
)
_REFERENCE = Text(
    "List what the template refers to (env, envFrom, volumes) and check that each object and each key exists.",
    "列出模板引用的对象（env、envFrom、volumes），逐个确认对象和键存在。",
)
_PROBE = Text(
    "Compare the probe's port, scheme and timing with what the container's log says it listens on and how long it takes to start.",
    "将探针的端口、协议和时间参数与容器日志中的监听端口及启动耗时对比。",
)
_LAST_WORDS = Text(
    "Read the last lines of the log before the restart (kubectl logs --previous) and the exit code.",
    "查看重启前日志的最后几行（kubectl logs --previous）和退出码。",
)
_CLIENT_SERVER = Text(
    "Compare the client's setting with the database's Service, port and Secret; if other clients are refused too, it is the server.",
    "将客户端配置与数据库的 Service、端口和 Secret 对比；若其他客户端也被拒绝，则问题在服务端。",
)
_SERVER_SAYS = Text(
    "Ask the database itself, or read its own log: is it read-only, full, or refusing this user; do all clients suffer?",
    "直接查询数据库或查看其日志：是否只读、连接已满、或拒绝该用户；是否所有客户端都受影响？",
)
_SLOPE = Text(
    "Look at the slope over hours, across restarts: a leak grows without more requests, a surge with them.",
    "查看数小时内跨重启的增长斜率：泄漏与请求量无关，激增则随请求量增长。",
)
_ROUTE = Text(
    "Follow one request: selector against pod labels, targetPort against what listens, then one call from a client's pod.",
    "跟踪一个请求：Service 选择器与 Pod 标签、targetPort 与实际监听端口，再从客户端 Pod 发起一次调用。",
)
_EDGE = Text(
    "Compare the gateway's or ingress's route table with the Services that exist, and read the edge's access log for that path.",
    "将网关或 Ingress 的路由表与现有 Service 对比，并查看该路径的边缘访问日志。",
)
_LOAD = Text(
    "Put three curves side by side: its own CPU, its request rate, and the latency of what it calls. Which one moved first?",
    "并排比较三条曲线：自身 CPU、请求速率、被调方延迟。哪一条最先变化？",
)
_NETWORK = Text(
    "Is it one pod or all pods of the node? Compare round-trip times and retransmits with its siblings on other nodes.",
    "是单个 Pod 还是该节点所有 Pod？与其他节点上的同类 Pod 比较往返时延和重传。",
)
_NODE = Text(
    "Read the node's conditions with their reasons and its lease, and ask on the node: systemctl status kubelet containerd.",
    "查看节点状况及原因、节点租约，并在节点上执行 systemctl status kubelet containerd。",
)
_CONTROL = Text(
    "Read the component's pod, its log and its leader lease in kube-system: when was it renewed last?",
    "查看 kube-system 中该组件的 Pod、日志和选主租约：最近一次续约是什么时候？",
)
_CHANGE = Text(
    "Compare the last change with the one before (kubectl rollout history, git log), and whether the trouble began right after it.",
    "对比最近一次变更与上一版（kubectl rollout history、git log），确认故障是否紧随其后发生。",
)
_ADMISSION = Text(
    "Read the FailedCreate event: its sentence names who refused the pod.",
    "查看 FailedCreate 事件：语句中写明是谁拒绝了 Pod。",
)
_MOUNT = Text(
    "Read the FailedMount or FailedAttachVolume event, and on which node the volume is attached.",
    "查看 FailedMount 或 FailedAttachVolume 事件，以及该卷挂载在哪个节点上。",
)

_BY_SENTENCE: tuple[tuple[Text, tuple[str, ...]], ...] = (
    (
        _QUOTA,
        (
            "namespace_cpu_quota_exceeded",
            "namespace_memory_quota_exceeded",
            "namespace_pod_quota_exceeded",
            "namespace_service_quota_exceeded",
            "namespace_storage_quota_exceeded",
            "quota_lowered",
        ),
    ),
    (
        _ADMISSION,
        ("missing_service_account", "pod_security_rejected", "admission_webhook_denied", "limit_range_violated"),
    ),
    (
        _PLACEMENT,
        (
            "cpu_capacity_mismatch",
            "memory_capacity_mismatch",
            "node_affinity_mismatch",
            "node_selector_mismatch",
            "pod_anti_affinity_conflict",
            "taint_toleration_mismatch",
            "node_cordon_mismatch",
            "priority_preempted",
            "topology_spread_unsatisfied",
            "host_port_conflict",
            "gpu_unavailable",
        ),
    ),
    (
        _CLAIM,
        (
            "pv_binding_occupied",
            "pvc_selector_mismatch",
            "pvc_storage_class_mismatch",
            "pvc_capacity_mismatch",
            "pvc_access_mode_mismatch",
            "storage_class_missing",
            "provisioner_failed",
        ),
    ),
    (
        _PULL,
        (
            "incorrect_image_reference",
            "image_registry_dns_failure",
            "missing_image_pull_secret",
            "image_pull_rate_limited",
            "image_architecture_mismatch",
        ),
    ),
    (_REFERENCE, ("missing_secret_binding", "missing_config_map", "missing_config_key")),
    (_MOUNT, ("volume_mount_permission_denied", "volume_attach_conflict", "sandbox_failed")),
    (
        _PROBE,
        (
            "liveness_probe_incorrect_port",
            "liveness_probe_incorrect_protocol",
            "liveness_probe_incorrect_timing",
            "readiness_probe_incorrect_port",
            "readiness_probe_incorrect_protocol",
            "startup_probe_too_short",
        ),
    ),
    (
        _LAST_WORDS,
        (
            "init_container_failed",
            "bad_command",
            "application_crash",
            "missing_env_var",
            "config_parse_error",
            "service_sidecar_port_conflict",
            "oom_killed",
        ),
    ),
    (_CLIENT_SERVER, ("mysql_invalid_credentials", "mysql_invalid_port", "service_env_var_address_mismatch")),
    (_SERVER_SAYS, ("db_read_only", "db_connection_exhaustion", "db_auth_revoked", "cache_auth_failed")),
    (_SLOPE, ("memory_leak", "thread_exhaustion", "file_descriptor_exhaustion", "deadlock")),
    (
        _ROUTE,
        (
            "service_selector_mismatch",
            "service_port_mapping_mismatch",
            "service_protocol_mismatch",
            "network_policy_blocked",
            "mesh_mtls_mismatch",
            "service_dns_resolution_failure",
            "coredns_unavailable",
        ),
    ),
    (_EDGE, ("gateway_misroute", "ingress_backend_missing", "tls_certificate_expired", "certificate_rotated")),
    (
        _LOAD,
        (
            "pod_cpu_overload",
            "cpu_throttled",
            "noisy_neighbour",
            "slow_dependency",
            "traffic_surge",
            "hpa_maxed",
            "cache_stampede",
            "retry_storm",
            "disk_io_saturated",
        ),
    ),
    (
        _NETWORK,
        ("pod_network_delay", "pod_network_loss", "node_network_delay", "node_network_packet_loss"),
    ),
    (
        _NODE,
        (
            "containerd_unavailable",
            "kubelet_unavailable",
            "kube_proxy_unavailable",
            "node_disk_pressure",
            "node_memory_pressure",
            "node_pid_pressure",
            "node_clock_skew",
            "node_unreachable",
        ),
    ),
    (_CONTROL, ("kube_scheduler_unavailable", "controller_manager_unavailable")),
    (_CHANGE, ("deployment_zero_replicas", "bad_rollout", "bad_config_change", "scaled_down")),
)
DECIDES: Mapping[str, Text] = {fault: text for text, faults in _BY_SENTENCE for fault in faults}
