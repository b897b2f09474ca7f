"""Every fault that this product can name: its id, its family, what a person calls it, and which others it gives way to.

`yields_to` is for findings on one and the same component. A crash is a fault of its own only as long as nobody found what crashes it, a
bad rollout only as long as nobody found what in it is bad: such faults give way to any other (ANY). Others give way to the few that
bring them about. Everything else stands beside its neighbours, because two faults can be real at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from core.language import Text

Category = Literal[
    "admission",
    "scheduling",
    "startup",
    "runtime",
    "service routing",
    "performance",
    "infrastructure",
    "change",
]
ANY = frozenset({"*"})
# Faults of the way to a program: they keep requests out, and break nothing inside.
ON_THE_WAY = frozenset(
    {
        "service_selector_mismatch",
        "service_port_mapping_mismatch",
        "service_protocol_mismatch",
        "gateway_misroute",
        "ingress_backend_missing",
        "tls_certificate_expired",
        "network_policy_blocked",
    }
)
# What one fault does to the components that it harms, though it looks there like a fault of its own.
DONE_FROM_AFAR: Mapping[str, frozenset[str]] = {
    "service_env_var_address_mismatch": frozenset({"namespace_service_quota_exceeded"}),
    "ingress_backend_missing": frozenset({"namespace_service_quota_exceeded"}),
}
# What they are found on has one task only: whatever else is wrong there is how it came about, and less to a reader than what it means.
SYSTEMIC = frozenset({"coredns_unavailable"})
_NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Fault:
    id: str
    category: Category
    title: Text
    yields_to: frozenset[str] = _NOTHING

    def gives_way_to(self, other: str) -> bool:
        """Whether the other fault, on the same component, is what brings this one about."""
        if other == self.id:
            return False
        if other in SYSTEMIC:
            return True
        return other in self.yields_to or (self.yields_to == ANY and other in FAULTS and other not in ON_THE_WAY)


def _faults(category: Category, *rows: tuple[str, str, str] | tuple[str, str, str, frozenset[str]]) -> list[Fault]:
    return [Fault(row[0], category, Text(row[1], row[2]), row[3] if len(row) > 3 else _NOTHING) for row in rows]


_LOADED = frozenset(
    {
        "cpu_throttled",
        "traffic_surge",
        "retry_storm",
        "cache_stampede",
        "noisy_neighbour",
        "hpa_maxed",
        "scaled_down",
        "oom_killed",
        "deadlock",
    }
)
_LOWERED = frozenset({"quota_lowered"})
# Room that a pod of a higher priority took is not asked for in excess.
_PUSHED = frozenset({"priority_preempted"})
# What an init container's log or status can name as the reason why it fails.
_NAMED_REASONS = frozenset(
    {
        "mysql_invalid_credentials",
        "mysql_invalid_port",
        "cache_auth_failed",
        "volume_mount_permission_denied",
        "service_env_var_address_mismatch",
        "service_dns_resolution_failure",
        "network_policy_blocked",
        "bad_command",
        "oom_killed",
    }
)
# What keeps it from being started at all.
_NOT_STARTED = frozenset(
    {
        "incorrect_image_reference",
        "image_registry_dns_failure",
        "missing_image_pull_secret",
        "image_pull_rate_limited",
        "image_architecture_mismatch",
        "missing_secret_binding",
        "missing_config_map",
        "missing_config_key",
        "volume_attach_conflict",
        "sandbox_failed",
        "db_auth_revoked",
    }
)
_LOST = frozenset({"kubelet_unavailable", "containerd_unavailable", "node_unreachable"})
_ALL: list[Fault] = [
    *_faults(
        "admission",
        ("namespace_cpu_quota_exceeded", "CPU quota of the namespace used up", "命名空间 CPU 配额用尽", _LOWERED),
        ("namespace_memory_quota_exceeded", "memory quota of the namespace used up", "命名空间内存配额用尽", _LOWERED),
        ("namespace_pod_quota_exceeded", "pod quota of the namespace used up", "命名空间 Pod 数配额用尽", _LOWERED),
        (
            "namespace_service_quota_exceeded",
            "Service quota of the namespace used up",
            "命名空间 Service 数配额用尽",
            _LOWERED,
        ),
        (
            "namespace_storage_quota_exceeded",
            "storage quota of the namespace used up",
            "命名空间存储配额用尽",
            _LOWERED,
        ),
        ("missing_service_account", "service account does not exist", "ServiceAccount 不存在"),
        ("pod_security_rejected", "refused by pod security", "被 Pod 安全策略拒绝"),
        ("admission_webhook_denied", "refused by an admission webhook", "被准入 Webhook 拒绝"),
        ("limit_range_violated", "outside the namespace's limit range", "违反命名空间的 LimitRange"),
    ),
    *_faults(
        "scheduling",
        ("cpu_capacity_mismatch", "asks for more CPU than a node has", "请求的 CPU 超过节点容量", _PUSHED),
        ("memory_capacity_mismatch", "asks for more memory than a node has", "请求的内存超过节点容量", _PUSHED),
        ("node_affinity_mismatch", "node affinity matches no node", "节点亲和性不匹配任何节点"),
        ("node_selector_mismatch", "node selector matches no node", "节点选择器不匹配任何节点"),
        ("pod_anti_affinity_conflict", "pod anti-affinity leaves no node", "Pod 反亲和性导致无节点可用"),
        ("taint_toleration_mismatch", "a taint is not tolerated", "未容忍节点污点"),
        ("node_cordon_mismatch", "the nodes it needs are cordoned", "所需节点已被隔离"),
        ("pv_binding_occupied", "the volume belongs to another claim", "存储卷已被其他声明占用"),
        ("pvc_selector_mismatch", "the claim's selector matches no volume", "存储声明的选择器不匹配任何卷"),
        ("pvc_storage_class_mismatch", "the claim's class is not the volume's", "存储声明与卷的存储类不一致"),
        ("pvc_capacity_mismatch", "the claim asks for more than the volume has", "存储声明的容量超过卷的容量"),
        ("pvc_access_mode_mismatch", "the claim's access mode is not the volume's", "存储声明与卷的访问模式不一致"),
        ("storage_class_missing", "storage class does not exist", "存储类不存在"),
        ("provisioner_failed", "the provisioner cannot make the volume", "存储供应器无法创建卷"),
        ("priority_preempted", "preempted by pods of a higher priority", "被更高优先级的 Pod 抢占"),
        ("topology_spread_unsatisfied", "topology spread cannot be satisfied", "拓扑分布约束无法满足"),
        ("host_port_conflict", "host port is taken on every node", "主机端口在所有节点上已被占用"),
        ("gpu_unavailable", "no node has a free GPU", "没有节点有空闲 GPU"),
    ),
    *_faults(
        "startup",
        ("incorrect_image_reference", "the image does not exist", "镜像不存在"),
        ("image_registry_dns_failure", "the registry's name cannot be resolved", "镜像仓库域名无法解析"),
        ("missing_image_pull_secret", "the registry wants credentials", "拉取镜像缺少凭证"),
        ("image_pull_rate_limited", "the registry limits pulls", "镜像仓库限流"),
        ("image_architecture_mismatch", "image is built for another architecture", "镜像架构与节点不符"),
        ("missing_secret_binding", "a Secret that is referred to is missing", "引用的 Secret 不存在"),
        ("missing_config_map", "a ConfigMap that is referred to is missing", "引用的 ConfigMap 不存在"),
        ("missing_config_key", "a key that is referred to is missing", "引用的配置键不存在"),
        ("volume_mount_permission_denied", "the volume may not be read or written", "存储卷无权限读写"),
        ("volume_attach_conflict", "the volume is attached to another node", "存储卷仍挂载在其他节点"),
        ("init_container_failed", "an init container fails", "初始化容器失败", _NAMED_REASONS | _NOT_STARTED),
        ("bad_command", "the command cannot be run", "启动命令无法执行"),
        ("sandbox_failed", "the pod's network sandbox cannot be made", "Pod 沙箱创建失败"),
    ),
    *_faults(
        "runtime",
        ("oom_killed", "killed for memory", "内存超限被杀", frozenset({"memory_leak", "traffic_surge"})),
        ("liveness_probe_incorrect_port", "liveness probe asks the wrong port", "存活探针端口错误"),
        ("liveness_probe_incorrect_protocol", "liveness probe speaks the wrong protocol", "存活探针协议错误"),
        ("liveness_probe_incorrect_timing", "liveness probe is too impatient", "存活探针时间参数过短"),
        ("readiness_probe_incorrect_port", "readiness probe asks the wrong port", "就绪探针端口错误"),
        ("readiness_probe_incorrect_protocol", "readiness probe speaks the wrong protocol", "就绪探针协议错误"),
        ("startup_probe_too_short", "startup probe gives up too early", "启动探针放弃过早"),
        ("application_crash", "the program exits by itself", "程序自行退出", ANY),
        ("missing_env_var", "an environment variable is missing", "缺少环境变量"),
        ("config_parse_error", "the configuration cannot be read", "配置无法解析"),
        ("service_sidecar_port_conflict", "two containers of a pod want one port", "同一 Pod 内端口冲突"),
        ("mysql_invalid_credentials", "the database refuses the client's credentials", "数据库凭证错误"),
        ("mysql_invalid_port", "the client asks the database at a wrong port", "数据库端口错误"),
        ("db_read_only", "the database is read-only", "数据库只读"),
        ("db_connection_exhaustion", "the database has no connections left", "数据库连接耗尽"),
        ("db_auth_revoked", "the database withdrew the client's rights", "数据库权限被收回"),
        ("cache_auth_failed", "the cache refuses the client's password", "缓存认证失败"),
        ("deployment_zero_replicas", "scaled to nothing", "副本数为零"),
        ("memory_leak", "memory only grows", "内存泄漏"),
        ("thread_exhaustion", "threads only grow", "线程耗尽"),
        ("file_descriptor_exhaustion", "open files only grow", "文件描述符耗尽"),
        ("deadlock", "runs without any progress", "死锁，无进展"),
    ),
    *_faults(
        "service routing",
        ("service_selector_mismatch", "the Service's selector matches no pod", "Service 选择器不匹配任何 Pod"),
        (
            "service_port_mapping_mismatch",
            "the Service points at a port nobody listens on",
            "Service 目标端口错误",
            frozenset({"service_sidecar_port_conflict"}),
        ),
        ("service_protocol_mismatch", "the Service speaks the wrong protocol", "Service 协议错误"),
        (
            "service_env_var_address_mismatch",
            "the client has a wrong address",
            "客户端配置的地址错误",
            frozenset({"mysql_invalid_port"}),
        ),
        ("gateway_misroute", "the gateway's table sends requests astray", "网关路由错误"),
        ("ingress_backend_missing", "the ingress's backend does not exist", "Ingress 后端不存在"),
        ("tls_certificate_expired", "the certificate has expired", "TLS 证书已过期"),
        ("network_policy_blocked", "a network policy blocks the way", "被网络策略阻断"),
        ("mesh_mtls_mismatch", "the mesh's mutual TLS does not agree", "网格 mTLS 设置不一致"),
        ("service_dns_resolution_failure", "names of Services cannot be resolved", "Service 域名无法解析"),
    ),
    *_faults(
        "performance",
        ("pod_cpu_overload", "its processor is overloaded", "CPU 过载", _LOADED),
        (
            "cpu_throttled",
            "throttled at its CPU limit",
            "CPU 被限流",
            frozenset({"scaled_down", "oom_killed", "traffic_surge", "hpa_maxed"}),
        ),
        ("pod_network_delay", "the pod's network is slow", "Pod 网络延迟", frozenset({"pod_network_loss"})),
        ("pod_network_loss", "the pod's network loses packets", "Pod 网络丢包"),
        ("noisy_neighbour", "a neighbour takes the node's processor", "受同节点负载干扰"),
        ("slow_dependency", "it answers late by itself", "自身响应变慢", ANY),
        ("traffic_surge", "more requests than ever", "流量激增", frozenset({"hpa_maxed", "retry_storm"})),
        ("hpa_maxed", "the autoscaler is at its end", "自动扩缩容已到上限"),
        ("cache_stampede", "the cache misses and everybody asks the origin", "缓存击穿"),
        ("retry_storm", "retries multiply the load", "重试风暴"),
        ("disk_io_saturated", "its disk is saturated", "磁盘 IO 饱和"),
    ),
    *_faults(
        "infrastructure",
        ("containerd_unavailable", "the node's container runtime is down", "节点容器运行时不可用"),
        ("kubelet_unavailable", "the node's kubelet is down", "节点 kubelet 不可用"),
        ("kube_proxy_unavailable", "the node's kube-proxy is down", "节点 kube-proxy 不可用", _LOST),
        ("kube_scheduler_unavailable", "the scheduler is down", "调度器不可用", _LOST),
        ("coredns_unavailable", "cluster DNS is down", "集群 DNS 不可用"),
        ("controller_manager_unavailable", "the controller manager is down", "控制器管理器不可用", _LOST),
        ("node_network_delay", "the node's network is slow", "节点网络延迟", frozenset({"node_network_packet_loss"})),
        ("node_network_packet_loss", "the node's network loses packets", "节点网络丢包"),
        ("node_disk_pressure", "the node's disk is full", "节点磁盘压力"),
        ("node_memory_pressure", "the node's memory is short", "节点内存压力"),
        ("node_pid_pressure", "the node has no process ids left", "节点进程数压力"),
        ("node_clock_skew", "the node's clock is wrong", "节点时钟偏差"),
        ("node_unreachable", "the node cannot be reached", "节点失联"),
    ),
    *_faults(
        "change",
        ("bad_rollout", "the new version is bad", "新版本有问题", ANY),
        ("bad_config_change", "a change of configuration broke it", "配置变更导致故障", ANY),
        ("scaled_down", "scaled down below what it needs", "缩容过度"),
        ("certificate_rotated", "certificate replaced and not trusted", "证书轮换后不被信任"),
        ("quota_lowered", "a quota was lowered", "配额被下调"),
    ),
]
FAULTS: Mapping[str, Fault] = {fault.id: fault for fault in _ALL}
