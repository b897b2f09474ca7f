"""The pages that the labelled statements are about: as teams write them, in both languages, and kept as they are here."""

from agent.passages import Passage

_OOM = "Container killed for memory (OOMKilled, exit code 137)"
_PVC = "PersistentVolumeClaim stays Pending"
_NODE = "Node is NotReady"
_DNS = "域名解析失败（CoreDNS）"
_TLS = "证书过期"

PASSAGES = (
    Passage(1, "oom_killed", _OOM, _OOM, "en/oom_killed.md", """The kernel ends a process when its cgroup needs a page beyond the memory limit. It gets no warning, so its own log usually just stops.
The limit of the container decides, not how much the node has left."""),
    Passage(2, "oom_killed", _OOM, "Symptom", "en/oom_killed.md", """- Restarts climb; between them the pod looks healthy. Later it shows `CrashLoopBackOff`.
- Last state of the container: reason `OOMKilled`, exit code 137. The previous log ends in the middle of normal work.
- Callers see bursts of 502 or connection reset, each the length of a start-up."""),
    Passage(3, "oom_killed", _OOM, "First checks in order", "en/oom_killed.md", """1. **Who restarts, and why did it end last time?** `get_object kind=Pod name=<pod> namespace=<ns>`
   kubectl: `kubectl -n <ns> get pod <pod> -o yaml`
   Exit code 137 with reason `Error` instead of `OOMKilled` is another matter: a SIGKILL after a failed liveness probe.
2. **Limit against use.** kubectl: `kubectl -n <ns> top pod --containers`
   `top` is an average over a minute and may miss the peak.
3. **The shape over a day.** A straight slope is a leak; a step is a new version; following the request rate is plain load.
4. **What it was doing.** kubectl: `kubectl -n <ns> logs <pod> --previous --tail=100`
   The last request, file or batch before the silence."""),
    Passage(4, "oom_killed", _OOM, "Repair", "en/oom_killed.md", """1. **Stop the bleeding: raise the limit.** By hand:
   `kubectl -n <ns> set resources deployment/<name> -c <container> --requests=memory=<r> --limits=memory=<l>`
   A sound value: peak of the last week plus a quarter, request close to the limit.
2. **It began with a rollout:** roll back instead, `kubectl -n <ns> rollout undo deployment/<name>`. More memory for a regression only delays the next page.
3. **Leak:** raise the limit to gain hours, take a heap dump before the next kill, hand both to the owners. Do not schedule restarts and call it mended.
4. **Never** remove the limit: the next victim is then chosen by the kernel among everything on the node."""),
    Passage(5, "pvc_pending", _PVC, "Causes", "en/pvc_pending.md", """- Nothing uses the claim yet: normal with `WaitForFirstConsumer`; it binds when a pod that mounts it is scheduled.
- The storage class does not exist: misspelt, another cluster, or its driver was removed.
- A volume still attached to a dead node is released after 6 minutes."""),
    Passage(6, "pvc_pending", _PVC, "Repair", "en/pvc_pending.md", """1. Wrong class, size or mode in the claim: these fields cannot be changed afterwards. Confirm that the claim holds no data, delete it with `kubectl -n <ns> delete pvc <claim>`, and create it anew.
2. For a StatefulSet, delete with `--cascade=orphan` and create it again.
3. Do not delete a bound volume: its data would be lost."""),
    Passage(7, "node_not_ready", _NODE, _NODE, "en/node_not_ready.md", """Every node renews a lease every 10 seconds. If the control plane hears nothing for 40 seconds, it sets Ready to `Unknown`; if the kubelet itself reports a fault, it sets Ready to `False`.
Pods on the node are evicted 5 minutes later and start elsewhere, if there is room."""),
    Passage(8, "node_not_ready", _NODE, "Repair", "en/node_not_ready.md", """1. Cordon it before anything else: `kubectl cordon <node>`.
2. On the machine: `systemctl restart containerd` first, then `systemctl restart kubelet`.
3. Disk pressure: remove unused images with `crictl rmi --prune`; do not delete anything under /var/lib/kubelet by hand.
4. When it is Ready again for 15 minutes: `kubectl uncordon <node>`."""),
    Passage(9, "dns", _DNS, "先检查", "zh/dns.md", """1. **看谁解析不了。** 只有一个命名空间：多半是网络策略挡住了 53 端口；所有命名空间：看 CoreDNS。
   `kubectl -n kube-system get pods -l k8s-app=kube-dns`
2. **看错误。** `NXDOMAIN` 是名字不存在，`SERVFAIL` 是上游没有回答，超时是根本没有到达。
3. **看负载。** 单个副本超过每秒 20000 次查询就该加副本。"""),
    Passage(10, "dns", _DNS, "修复", "zh/dns.md", """1. CoreDNS 挂了：先回滚 Corefile，再执行 `kubectl -n kube-system rollout restart deployment/coredns`。
2. 查询太多：把 `ndots` 降到 2，或者在名字末尾加点。不要把缓存时间设为 0。
3. 网络策略：放行到 kube-system 的 UDP 和 TCP 53 端口。只放行 UDP 不够，大的应答会走 TCP。"""),
    Passage(11, "tls", _TLS, "修复", "zh/tls.md", """1. 自动续期卡住：先放开 HTTP-01 要用的 80 端口，再执行 `cmctl renew -n <ns> <certificate>`。
2. 手工续期：叶子证书在前，中间证书在后；核对私钥和证书是一对。
3. 新证书没有加载：重启只在启动时读取它的服务。Ingress 控制器会在几秒内自己加载。
4. 绝不要用关闭校验来绕过：那样谁都可以冒充服务端。"""),
    Passage(12, "tls", _TLS, "验证", "zh/tls.md", """- 从外面看：`openssl s_client -connect <host>:443 -servername <host>`，`notAfter` 在未来，链完整。
- 所有副本给出同一个序列号；多问几次。
- 有效期少于 21 天就要告警。"""),
)  # fmt: skip
