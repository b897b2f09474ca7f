"""The labelled statements: `+` is supported by the pages, anything else names what is wrong with it.

Written by hand, as models write: in other words than the page, shortened, joined, translated. What is wrong is wrong in one way only:
another number, an invented or altered command, a flag that the page lacks, a turned negation, another fault's remedy, or something that
only sounds likely. Every second one of a kind was kept from the tuning and is what is reported.
"""

from dataclasses import dataclass
from typing import Literal

from core.language import Language, detect

Label = Literal["+", "number", "command", "flag", "negation", "remedy", "invented"]

_LINES = """
+ | The kernel kills the process as soon as its cgroup needs memory beyond the limit. [1]
+ | The process gets no warning, so its log usually just stops. [1]
+ | What decides is the container's own limit, not how much memory the node has left. [1]
+ | Its last state shows the reason OOMKilled and exit code 137. [2]
+ | Restarts climb while the pod looks healthy in between. [2]
+ | Callers see bursts of 502 responses or connection resets. [2]
+ | If the exit code is 137 but the reason is `Error`, look for a SIGKILL after a failed liveness probe. [3]
+ | Compare limit and use with `kubectl -n <ns> top pod --containers`. [3]
+ | `top` averages over a minute, so it may miss the peak. [3]
+ | A straight slope over the day points to a leak. [3]
+ | A step in the curve means a new version. [3]
+ | Read the previous log: `kubectl -n <ns> logs <pod> --previous --tail=100` [3]
+ | First raise the limit to stop the bleeding. [4]
+ | `kubectl -n <ns> set resources deployment/<name> -c <container> --requests=memory=<r> --limits=memory=<l>` [4]
+ | A sound limit is the peak of the last week plus a quarter. [4]
+ | If it began with a rollout, roll back with `kubectl -n <ns> rollout undo deployment/<name>`. [4]
+ | Giving a regression more memory only delays the next page. [4]
+ | For a leak, raise the limit to gain some hours and take a heap dump before the next kill. [4]
+ | Never remove the limit, because the kernel then picks its victim among everything on the node. [4]
+ | Scheduled restarts do not mend a leak. [4]
+ | With `WaitForFirstConsumer` a claim that nothing uses yet stays unbound, and this is normal. [5]
+ | The storage class may not exist because it is misspelt or its driver was removed. [5]
+ | A volume attached to a dead node is released after 6 minutes. [5]
+ | Size, class and mode of a claim cannot be changed afterwards. [6]
+ | Make sure that the claim holds no data before you delete it with `kubectl -n <ns> delete pvc <claim>`. [6]
+ | For a StatefulSet use `--cascade=orphan` when you delete it. [6]
+ | Do not delete a bound volume, or its data is lost. [6]
+ | Each node renews its lease every 10 seconds. [7]
+ | After 40 seconds of silence the control plane sets Ready to `Unknown`. [7]
+ | Pods are evicted from the node 5 minutes later. [7]
+ | Cordon the node first: `kubectl cordon <node>`. [8]
+ | Restart containerd before the kubelet. [8]
+ | Under disk pressure, remove unused images with `crictl rmi --prune`. [8]
+ | Do not delete files under /var/lib/kubelet by hand. [8]
+ | Uncordon it once it has been Ready for 15 minutes. [8]
+ | 进程要用的内存超出限制时，内核会直接结束它。[1]
+ | 起决定作用的是容器的内存限制，而不是节点还剩多少内存。[1]
+ | 上一次终止的原因是 OOMKilled，退出码 137。[2]
+ | 先调高内存限制。[4]
+ | 内存泄漏时在下次被杀之前做堆转储。[4]
+ | 绝不要去掉内存限制。[4]
+ | 节点每 10 秒续一次租约。[7]
+ | 先封锁节点：`kubectl cordon <node>`。[8]
+ | 只有一个命名空间解析不了，多半是网络策略挡住了 53 端口。[9]
+ | 所有命名空间都解析不了，就看 CoreDNS。[9]
+ | `SERVFAIL` 表示上游没有回答。[9]
+ | 单副本每秒超过 20000 次查询时应该加副本。[9]
+ | 先回滚 Corefile，然后 `kubectl -n kube-system rollout restart deployment/coredns`。[10]
+ | 查询太多时把 `ndots` 降到 2。[10]
+ | 不要把缓存时间设成 0。[10]
+ | 只放行 UDP 是不够的，因为大的应答走 TCP。[10]
+ | 放开 HTTP-01 用的 80 端口之后执行 `cmctl renew -n <ns> <certificate>`。[11]
+ | 手工续期时叶子证书放在前面，中间证书放在后面。[11]
+ | Ingress 控制器几秒内会自己加载新证书。[11]
+ | 绝不要靠关闭校验来绕过。[11]
+ | 所有副本应给出同一个序列号。[12]
+ | 有效期少于 21 天要告警。[12]
+ | `NXDOMAIN` means that the name does not exist. [9]
+ | Lower `ndots` to 2 when there are too many queries. [10]
+ | Never set the cache time to 0. [10]
+ | In a renewal by hand the leaf certificate comes first and the intermediate certificates after it. [11]
+ | Alert when less than 21 days of validity are left. [12]
number | Its last state shows exit code 139. [2]
number | Callers see bursts of 504 responses. [2]
number | `top` averages over 5 minutes and may miss the peak. [3]
number | A volume attached to a dead node is released after 16 minutes. [5]
number | Each node renews its lease every 60 seconds. [7]
number | After 10 seconds of silence the control plane sets Ready to `Unknown`. [7]
number | Pods are evicted from the node 40 minutes later. [7]
number | Uncordon it once it has been Ready for 5 minutes. [8]
number | A sound limit is the peak of the last week plus 50%. [4]
number | The node sets Ready to False after 3 missed leases. [7]
number | 退出码 1 表示容器因内存被杀。[2]
number | 节点每 30 秒续一次租约。[7]
number | 查询太多时把 `ndots` 降到 5。[10]
number | 单副本每秒超过 2000 次查询时应该加副本。[9]
number | 有效期少于 7 天要告警。[12]
number | 网络策略要放行 5353 端口。[10]
number | 先放开 HTTP-01 要用的 443 端口，再续期。[11]
command | Delete the pod with `kubectl delete pod <pod> --force`. [4]
command | Roll back with `kubectl -n <ns> rollout undo deployment/<name> --to-revision=1`. [4]
command | Remove everything unused with `docker system prune -a`. [8]
command | Restart it: `systemctl restart docker` [8]
command | Drain it with `kubectl drain <node> --ignore-daemonsets`. [8]
command | Read the log with `kubectl -n <ns> logs <pod> --previous --tail=1000`. [3]
command | Run kubectl delete pvc --all to clear the claims. [6]
command | Free the disk with rm -rf /var/lib/kubelet/pods. [8]
command | `kubectl -n <ns> set resources deployment/<name> -c <container> --limits=memory=0` [4]
command | Renew it by `certbot renew --force`. [11]
command | 执行 `kubectl -n kube-system delete pods -l k8s-app=kube-dns`。[10]
command | 执行 `kubectl -n kube-system rollout undo deployment/coredns`。[10]
command | 用 `cmctl renew --all` 续期。[11]
command | 用 `crictl rmi --all` 清理镜像。[8]
command | 重启节点：`reboot -f`。[8]
flag | Delete the StatefulSet with `--cascade=foreground`. [6]
flag | Use `top` with --sum to see the total. [3]
flag | Add --grace-period=0 so that the claim goes at once. [6]
flag | Cordon with --disable-eviction. [8]
flag | 删除 StatefulSet 时加 `--cascade=background`。[6]
flag | 续期时加上 --force 参数。[11]
flag | 查看日志时加 --all-containers 参数。[3]
negation | Remove the limit so that the kernel does not pick a victim on the node. [4]
negation | The process gets a warning before the kernel ends it. [1]
negation | How much the node has left decides, not the limit of the container. [1]
negation | Schedule restarts and call the leak mended. [4]
negation | Size, class and mode of a claim can be changed afterwards. [6]
negation | Delete the bound volume; its data would not be lost. [6]
negation | Delete what lies under /var/lib/kubelet by hand. [8]
negation | Restart the kubelet first, then containerd. [8]
negation | Lower the memory limit to stop the bleeding. [4]
negation | A claim that nothing uses yet is not normal with `WaitForFirstConsumer`. [5]
negation | Uncordon the node before anything else. [8]
negation | The pod looks unhealthy between the restarts. [2]
negation | 可以去掉内存限制。[4]
negation | 定时重启就算修好了内存泄漏。[4]
negation | 查询太多时把 `ndots` 升高到 2。[10]
negation | 把缓存时间设为 0。[10]
negation | 只放行 UDP 就够了。[10]
negation | 可以用关闭校验来绕过。[11]
negation | 手工续期时中间证书在前，叶子证书在后。[11]
negation | Ingress 控制器不会自己加载新证书。[11]
negation | `NXDOMAIN` 是名字存在。[9]
negation | 先执行重启，再回滚 Corefile。[10]
remedy | A container killed for memory is repaired by restarting containerd. [8]
remedy | For an OOMKilled container delete the claim and create it anew. [6]
remedy | When a claim stays Pending, raise the memory limit. [4]
remedy | A NotReady node is mended by a heap dump. [4]
remedy | If DNS fails, renew the certificate. [11]
remedy | For a leak, cordon the node first. [8]
remedy | An expired certificate is repaired by rolling back the Corefile. [10]
remedy | Disk pressure on a node is repaired by deleting the claim. [6]
remedy | 内存泄漏就把 `ndots` 降到 2。[10]
remedy | 证书过期时先封锁节点。[8]
remedy | 解析失败时调高内存限制。[4]
remedy | PVC 一直 Pending 就重启 CoreDNS。[10]
remedy | 节点未就绪时续期证书。[11]
remedy | 容器内存溢出时放行 53 端口。[10]
invented | The JVM needs the flag MaxRAMPercentage to respect the cgroup. [1]
invented | The scheduler moves an OOMKilled pod to a larger node by itself. [1]
invented | Increase the swap of the node to give the container room. [4]
invented | Ask the cloud provider to replace the disk. [6]
invented | etcd compaction is the usual reason for missed leases. [7]
invented | The API server caches node leases to reduce load. [7]
invented | Firewalls of the office network often block this. [9]
invented | Enable the vertical pod autoscaler for this workload. [4]
invented | Contact the storage vendor for a firmware update. [5]
invented | HPA will scale the deployment out as soon as memory is short. [3]
invented | 建议升级内核版本。[1]
invented | 可以启用 NodeLocal DNSCache 来降低延迟。[10]
invented | 应当联系云厂商更换磁盘。[6]
invented | 通常是 etcd 压缩造成的。[7]
invented | 建议改用自签名证书。[11]
invented | 调度器会把 Pod 移到更大的节点。[1]
invented | 打开审计日志可以看到是谁改的。[9]
"""


@dataclass(frozen=True, slots=True)
class Labelled:
    label: Label
    text: str
    held_out: bool
    """Not looked at while the thresholds were set."""

    @property
    def language(self) -> Language:
        return detect(self.text)


def _labelled() -> tuple[Labelled, ...]:
    seen: dict[str, int] = {}
    found: list[Labelled] = []
    for line in _LINES.strip().splitlines():
        label, _, text = line.partition(" | ")
        seen[label] = seen.get(label, 0) + 1
        kind: Label = label  # type: ignore[assignment]
        found.append(Labelled(kind, text.strip(), held_out=seen[label] % 2 == 0))
    return tuple(found)


STATEMENTS = _labelled()
