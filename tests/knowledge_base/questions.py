"""What people ask over the shipped pages, and the pages that answer, with commas between; None where nothing shipped does.

Written as people type in the night: half in Chinese, with error messages pasted, without the words of a page's title where that could be
helped. `reads` is the language that the answer is wanted in; where it differs from the question's own, the question crosses.
"""

from dataclasses import dataclass

from core.language import Language


@dataclass(frozen=True, slots=True)
class Question:
    text: str
    page: str | None
    reads: Language
    crosses: bool = False

    def answered_by(self, page: str) -> bool:
        return self.page is not None and page in self.page.split(",")


_ENGLISH = """
incorrect_image_reference | Failed to pull image "registry.example.com/cart:v2.3.1": rpc error: manifest unknown
image_pull_auth | nodes cannot log in to our private registry, authentication required
incorrect_image_reference | how do I stop bad image tags from reaching production
oom_killed | my pod was OOMKilled, what now
oom_killed,node_pressure | RSS grows a little every hour until the container dies
oom_killed | JVM Xmx equals the container limit
service_selector_mismatch | kubectl get endpoints shows <none> for my service
service_selector_mismatch | someone renamed a label and now nothing reaches the checkout service
service_selector_mismatch | should I change the deployment's labels or the service selector
pod_cpu_overload,cpu_throttled | requests got slow since noon, pods sit at their cpu limit
cpu_throttled | container_cpu_cfs_throttled_periods_total is going up
pod_cpu_overload | is it a traffic surge or a regression in the new version
application_crash | CrashLoopBackOff after changing a ConfigMap
application_crash | how can I read the log of the run before the restart
application_crash | exit status 139 segmentation fault
node_placement | FailedScheduling: 3 node(s) didn't match Pod's node affinity/selector
pending_pod | pod is stuck in Pending with no events at all
node_placement | a node was left cordoned after maintenance
pvc_pending | pod has unbound immediate PersistentVolumeClaims
pvc_pending | ProvisioningFailed from the CSI driver
pvc_pending | need ReadWriteMany but the volume offers ReadWriteOnce
node_not_ready | one worker went NotReady at 3 am
node_not_ready,disk_io_saturated | PLEG is not healthy
node_pressure | DiskPressure evicts my pods
dns_resolution | dial tcp: lookup orders.shop.svc.cluster.local: no such host
dns_resolution | every lookup takes five seconds
dns_resolution | SERVFAIL only for external domains
tls_certificate_expired | our website certificate ran out last night
tls_certificate_expired | unable to verify the first certificate
tls_certificate_expired | failed calling webhook: x509: certificate signed by unknown authority
database_connections | HikariPool-1 - Connection is not available, request timed out after 30000ms
database_connections | should I raise max_connections in postgres
database_credentials | the app says the database is read-only since the failover
deployment_rollout_stuck | ProgressDeadlineExceeded on the payment deployment
deployment_rollout_stuck | rollout waits for ever, new pods run but never become ready
quota_exceeded | FailedCreate: exceeded quota while releasing
incorrect_image_reference | deploy pipeline pushed nothing but the manifest already names the tag
image_pull_auth | arm nodes cannot start our amd64 image
oom_killed | memory graph looks like a saw
oom_killed | node process killed, GOMEMLIMIT not set
service_selector_mismatch,network_policy_blocked | curl to the service times out but curl to the pod ip works
pod_cpu_overload | hot loop burns one full core
volume_mount | permission denied on startup, read-only root filesystem
capacity_mismatch | not enough GPUs for the training pod
pvc_pending,volume_mount | statefulset replica 0 has no volume
node_pressure | clock skew on a machine
dns_resolution,wrong_service_address | UnknownHostException in one namespace only
tls_certificate_expired | mutual TLS client cert rejected
database_connections | how many connections does each replica of the api take
deployment_rollout_stuck | kubectl rollout status hangs
"""

_CHINESE = """
incorrect_image_reference | Pod 一直 ErrImagePull
image_pull_auth | 拉镜像报 toomanyrequests 被限流了
incorrect_image_reference | 镜像标签写错了，怎样最快恢复
oom_killed | 容器隔几个小时就被 OOM 杀掉一次
oom_killed | 内存泄漏和限制设低了怎么区分
oom_killed | 退出码 137 是什么原因
service_selector_mismatch | Endpoints 为空但是 Pod 都 Ready
service_selector_mismatch | 服务的选择器多了一个版本标签
service_port_mismatch | Service 端口和容器监听的端口不一致
pod_cpu_overload | CPU 使用率一直贴着限制，接口延迟很高
traffic_surge | 大促流量上来了要不要加副本
cpu_throttled | 同一节点上别的 Pod 抢 CPU
application_crash | 容器启动几秒就退出，反复重启
missing_config | 缺少环境变量导致应用崩溃
init_and_command | Init:Error 是什么意思
capacity_mismatch | Pod 卡在 Pending，提示 Insufficient memory
node_placement,pending_pod | 反亲和导致第四个副本调度失败
node_placement | 节点维护完忘了 uncordon
pvc_pending | PVC 一直 Pending 怎么办
pvc_pending | 存储类不存在
pvc_pending,volume_mount | 卷还挂在坏掉的节点上，新 Pod 挂载不了
node_not_ready | 节点失联，上面的 Pod 卡在 Terminating
node_not_ready | containerd 挂了
node_pressure | 节点 inode 用尽被驱逐
dns_resolution | 服务之间互相解析不到域名
dns_resolution | CoreDNS 重启之后大量 NXDOMAIN
network_policy_blocked | 网络策略忘记放行 53 端口
tls_certificate_expired | 网站证书昨晚过期了
tls_certificate_expired | cert-manager 续期失败
tls_certificate_expired | 证书更新了但浏览器看到的还是旧证书
database_connections | 应用报 Too many connections 连不上数据库
database_connections | 大量 idle in transaction 会话
database_connections | 轮换密码之后客户端 Access denied
deployment_rollout_stuck | 上线卡在一半不动了
deployment_rollout_stuck | 新 Pod 一直不就绪导致滚动更新无法完成
missing_service_account | 发布时报 serviceaccount not found
incorrect_image_reference,image_pull_auth | 仓库里没有这个版本的镜像
incorrect_image_reference | 节点解析不了镜像仓库的域名
oom_killed | 压测时内存飙升，容器被系统杀掉
oom_killed | 堆转储怎么做才来得及
service_selector_mismatch,gateway_misroute | 服务调用全部 503，但后端日志里一条请求都没有
pod_cpu_overload | 单个 Pod CPU 100%，其他都正常
application_crash | 应用启动时配置文件解析失败
pending_pod | 新加的副本一直没有分配到节点
pvc_pending | 磁盘申请不下来，pod 起不来
node_not_ready | 机器宕机了，有状态应用没有自动迁移
wrong_service_address | 跨命名空间访问服务应该怎么写域名
tls_certificate_expired | 证书和域名不匹配
database_credentials | 主从切换之后写入报只读
deployment_rollout_stuck | 旧 Pod 一直停在 Terminating 发布结束不了
"""

# Asked in one language, to be read in the other.
_CROSSING_TO_CHINESE = """
oom_killed | container killed by the kernel for memory
incorrect_image_reference,image_pull_auth | image cannot be pulled from the registry
service_selector_mismatch | service has no endpoints
node_not_ready | kubelet stopped sending heartbeats
tls_certificate_expired | certificate expired at the ingress
database_connections | connection pool exhausted
application_crash | container crashes again and again at startup
pvc_pending | volume claim cannot be bound
cpu_throttled | cpu throttling makes requests slow
"""

_CROSSING_TO_ENGLISH = """
oom_killed | 内存溢出被杀
pod_cpu_overload | CPU 过载需要扩容
pending_pod | 污点导致无法调度
dns_resolution | 域名解析失败
pvc_pending | 存储卷声明没有绑定
deployment_rollout_stuck | 滚动更新卡住要不要回滚
incorrect_image_reference | 镜像拉取失败
tls_certificate_expired | 证书过期
database_connections | 数据库连接数耗尽
"""

_NOT_HERE_ENGLISH = """
how do I book a meeting room for Thursday
what does our cheapest subscription plan cost
tune a Spark shuffle for skewed joins
how long do I boil an egg
rotate the marketing banner on the home page
set up Jenkins to run unit tests in parallel
what is the best restaurant near the office
explain quantum computing to a child
SAP invoice posting fails with error F5 155
how to center a div in CSS
reset my laptop's VPN client
"""

_NOT_HERE_CHINESE = """
今年中秋节放几天假
RabbitMQ 镜像队列怎么做主从同步
新员工入职需要准备哪些材料
帮我写一封英文道歉邮件
食堂晚饭几点开始
怎样给孩子报名足球班
Hadoop 任务数据倾斜怎么优化
前端页面白屏怎么调试
季度绩效考核的流程是什么
帮我订一张去上海的机票
路由器 BGP 邻居建立不起来
"""


def _answered(block: str, reads: Language, *, crosses: bool = False) -> list[Question]:
    rows = [line.split(" | ", 1) for line in block.strip().splitlines()]
    return [Question(text, page, reads, crosses) for page, text in rows]


def _unanswered(block: str, reads: Language) -> list[Question]:
    return [Question(line, None, reads) for line in block.strip().splitlines()]


SAME_LANGUAGE = _answered(_ENGLISH, "en") + _answered(_CHINESE, "zh")
CROSSING = _answered(_CROSSING_TO_CHINESE, "zh", crosses=True) + _answered(_CROSSING_TO_ENGLISH, "en", crosses=True)
UNANSWERABLE = _unanswered(_NOT_HERE_ENGLISH, "en") + _unanswered(_NOT_HERE_CHINESE, "zh")
