"""Pairs of questions: some ask the same in other words, most only look as if they did. Counted is what the memory of answers takes for the
same.
"""

from dataclasses import dataclass

from agent.recall import NEAR, asked
from knowledge_base.embed import LexicalEmbedder
from knowledge_base.segment import Segmenter

_SAME = """
how do I fix OOMKilled? | How do I fix OOMKilled
what should I do when a container is OOMKilled? | what to do when a container is OOMKilled
how do I handle a pod that is OOM killed? | how should I handle a pod that is out of memory?
how can we fix CrashLoopBackOff? | how do I fix CrashLoopBackOff?
how to resolve ImagePullBackOff | how do I resolve ImagePullBackOff?
what does exit code 137 mean? | what is exit code 137?
how do I check a node that is NotReady | how should I check a NotReady node
why is a PVC pending? | why are PVCs pending?
how do I renew a TLS certificate? | how can I renew TLS certificates
please tell me how to fix a failing DNS lookup | how do I fix failing DNS lookups?
what should we check first for high CPU? | what do I check first for high CPU
how do I verify that a rollout worked? | how to verify a rollout worked
how do I roll back a deployment? | how can I roll back a deployment
how do I prevent OOMKilled? | how can we prevent OOMKilled
容器 OOMKilled 怎么处理 | 容器 OOMKilled 如何处理？
内存溢出怎么处理？ | 请问 OOM 应该如何处理
节点 NotReady 怎么办 | 节点 NotReady 应该怎么处理？
PVC 一直 Pending 怎么办 | PVC 一直 Pending 怎么处理
证书过期怎么办？ | 证书过期了如何处理
镜像拉取失败怎么修复 | 镜像拉取失败如何修复？
CoreDNS 解析失败怎么排查 | CoreDNS 解析失败如何排查
怎么回滚 Deployment？ | 如何回滚 Deployment
请问退出码 137 是什么意思 | 退出码 137 是什么
CPU 使用率过高怎么检查 | 请问 CPU 使用率过高如何检查
"""
_OTHER = """
how do I restart the cart service? | how do I restart the payment service?
how do I scale the cart deployment? | how do I scale the checkout deployment?
what if the node is ready? | what if the node is not ready?
how do I fix OOMKilled? | how do I prevent OOMKilled?
how do I fix OOMKilled? | how do I check OOMKilled?
how do I fix OOMKilled? | how do I verify that OOMKilled is fixed?
what does exit code 137 mean? | what does exit code 139 mean?
what does exit code 1 mean? | what does exit code 2 mean?
how do I open port 8080? | how do I open port 8443?
how do I raise the memory limit? | how do I lower the memory limit?
how do I raise the memory limit? | how do I raise the CPU limit?
should I delete the PVC? | should I not delete the PVC?
how do I cordon a node? | how do I uncordon a node?
how do I drain a node? | how do I cordon a node?
how do I enable the probe? | how do I disable the probe?
how do I create a secret? | how do I delete a secret?
how do I fix a liveness probe? | how do I fix a readiness probe?
why is the pod pending? | why is the PVC pending?
why does the rollout hang? | why does the job hang?
how do I connect to redis? | how do I connect to postgres?
what to do before the upgrade? | what to do after the upgrade?
how do I fix ImagePullBackOff? | how do I fix CrashLoopBackOff?
how do I fix ErrImagePull for nginx? | how do I fix ErrImagePull for envoy?
what is the timeout of 30 seconds for? | what is the timeout of 60 seconds for?
how do I scale to 3 replicas? | how do I scale to 5 replicas?
how do I add a label? | how do I remove a label?
how do I allow ingress traffic? | how do I deny ingress traffic?
how do I back up etcd? | how do I restore etcd?
how do I rotate the CA? | how do I rotate the token?
why is DNS slow? | why does DNS fail?
which nodes are healthy? | which nodes are unhealthy?
how do I fix orders-db? | how do I fix users-db?
how do I upgrade to v1.29? | how do I upgrade to v1.30?
how do I fix containerd? | how do I fix the kubelet?
how do I read the previous log? | how do I read the current log?
how do I fix memory pressure? | how do I fix disk pressure?
how do I fix quota for cpu? | how do I fix quota for memory?
what happens when the leader is lost? | what happens when the leader is elected?
is it safe to restart kafka? | is it safe to restart zookeeper?
how do I fix a 502? | how do I fix a 504?
how do I fix a 503 at the gateway? | how do I fix a 503 at the database?
what if the disk is full? | what if the disk is slow?
how do I replay the refund batch? | how do I replay the invoice batch?
怎么重启购物车服务 | 怎么重启支付服务
节点就绪怎么办 | 节点未就绪怎么办
容器 OOMKilled 怎么修复 | 容器 OOMKilled 怎么预防
容器 OOMKilled 怎么修复 | 容器 OOMKilled 怎么排查
怎么调高内存限制 | 怎么调低内存限制
怎么调高内存限制 | 怎么调高 CPU 限制
退出码 137 是什么意思 | 退出码 139 是什么意思
怎么放行 53 端口 | 怎么放行 80 端口
可以删除 PVC 吗 | 不可以删除 PVC 吗
怎么封锁节点 | 怎么解除封锁节点
怎么启用探针 | 怎么禁用探针
怎么创建 Secret | 怎么删除 Secret
存活探针失败怎么办 | 就绪探针失败怎么办
升级之前要做什么 | 升级之后要做什么
怎么扩容到 3 个副本 | 怎么扩容到 5 个副本
证书过期怎么办 | 证书未过期怎么办
Redis 连接失败怎么处理 | MySQL 连接失败怎么处理
内存压力怎么处理 | 磁盘压力怎么处理
怎么备份 etcd | 怎么恢复 etcd
退款批次失败怎么重放 | 对账批次失败怎么重放
主节点丢失怎么办 | 从节点丢失怎么办
"""


@dataclass(frozen=True, slots=True)
class RecallScore:
    same: int
    found: float
    """Share of the pairs that ask the same which are taken so."""
    other: int
    false: float
    """Share of the pairs that do not ask the same and are taken so all the same."""
    by_vector_alone: float
    """The same share if only the vectors were asked."""


def pairs(lines: str) -> list[tuple[str, str]]:
    return [
        (one.strip(), other.strip()) for one, _, other in (line.partition("|") for line in lines.strip().splitlines())
    ]


def score() -> RecallScore:
    segmenter = Segmenter()
    embedder = LexicalEmbedder(segmenter)

    def near(one: str, other: str) -> bool:
        first, second = embedder.embed([one, other])
        return float(first @ second) >= NEAR

    def same(one: str, other: str) -> bool:
        return near(one, other) and asked(one, segmenter.units) == asked(other, segmenter.units)

    alike, unlike = pairs(_SAME), pairs(_OTHER)
    return RecallScore(
        same=len(alike),
        found=sum(same(*pair) for pair in alike) / len(alike),
        other=len(unlike),
        false=sum(same(*pair) for pair in unlike) / len(unlike),
        by_vector_alone=sum(near(*pair) for pair in unlike) / len(unlike),
    )
