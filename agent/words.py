"""The words that the offline reading knows: intents, kinds, measures, and the words that are never an object's name."""

import re

KINDS: dict[str, str] = {
    "pods": "Pod", "pod": "Pod", "po": "Pod", "容器组": "Pod",
    "deployments": "Deployment", "deployment": "Deployment", "deploy": "Deployment", "部署": "Deployment",
    "workloads": "Deployment", "workload": "Deployment", "工作负载": "Deployment",
    "statefulsets": "StatefulSet", "statefulset": "StatefulSet", "sts": "StatefulSet", "有状态": "StatefulSet",
    "daemonsets": "DaemonSet", "daemonset": "DaemonSet", "ds": "DaemonSet",
    "replicasets": "ReplicaSet", "replicaset": "ReplicaSet", "副本集": "ReplicaSet",
    "services": "Service", "service": "Service", "svc": "Service", "服务": "Service",
    "endpoints": "Endpoints", "ingresses": "Ingress", "ingress": "Ingress",
    "nodes": "Node", "node": "Node", "节点": "Node",
    "namespaces": "Namespace", "命名空间": "Namespace",
    "configmaps": "ConfigMap", "configmap": "ConfigMap", "cm": "ConfigMap", "配置": "ConfigMap",
    "secrets": "Secret", "密钥": "Secret",
    "jobs": "Job", "job": "Job", "cronjobs": "CronJob", "cronjob": "CronJob",
    "pvc": "PersistentVolumeClaim", "pvcs": "PersistentVolumeClaim", "存储卷声明": "PersistentVolumeClaim",
    "pv": "PersistentVolume", "pvs": "PersistentVolume", "hpa": "HorizontalPodAutoscaler",
    "events": "Event", "事件": "Event", "quotas": "ResourceQuota", "quota": "ResourceQuota", "配额": "ResourceQuota",
}  # fmt: skip

INTENTS: dict[str, re.Pattern[str]] = {
    "fix": re.compile(
        r"\b(?:fix|repair|remediat\w*|mend|heal|resolve|roll ?back)\b|修复|修好|修一下|修掉|自愈|恢复一下|帮.{0,4}处理|回滚|处理一下|"
        r"^(?:please |can you |could you )*(?:restart(?! count)|redeploy|scale|revert)\b|^(?:请|帮我|麻烦)*(?:重启|扩容|缩容|重新部署)"
    ),
    "destroy": re.compile(
        r"^(?:please |can you |could you )*(?:delete|remove|kill|drop|destroy|wipe|stop|shut ?down)\b|"
        r"^(?:请|帮我|麻烦)*(?:删除|删掉|清空|停掉|干掉)|^(?:请|帮我|麻烦)*把.{1,80}(?:删除|删掉|删了|清空|停掉|干掉)"
    ),
    "why": re.compile(
        r"\b(?:why|wrong|diagnos\w*|root cause|cause|broken|break\w*|fail\w*|slow|down|crash\w*|explain|investigat\w*|"
        r"troubleshoot|unhealthy|not ready|happened|happening|trouble|issues?|problems?|errors?)\b|"
        r"为什么|为何|怎么了|怎么回事|出了什么|什么问题|有问题|诊断|根因|原因|排查|异常|失败|变慢|很慢|崩溃|挂了|不可用|报错|解释|分析|(?:一直|不断|反复|频繁|老是)重启"
    ),
    "logs": re.compile(r"\blogs?\b|日志"),
    "alerts": re.compile(r"\b(?:alerts?|alarms?|firing|paged?)\b|告警|报警|警报"),
    "list": re.compile(
        r"\b(?:list|show|get|which|how many|count|what (?:pods|deployments|services|nodes))\b|"
        r"列出|有哪些|哪些|多少|几个|查看|显示|看看|看一下"
    ),
    "metrics": re.compile(
        r"\b(?:metrics?|cpu|memory|usage|latency|p\d\d|qps|rps|throughput|traffic|(?:error|failure|request) rate|"
        r"utili[sz]ation|promql|prometheus|graph|restarts?)\b|"
        r"指标|内存|使用率|用量|延迟|耗时|吞吐|流量|请求量|错误率|失败率|重启次数"
    ),
    "overview": re.compile(
        r"\b(?:overview|summary|cluster (?:status|state|health)|(?:status|state|health) of|"
        r"how is (?:the|my|our) cluster|everything|healthy)\b|"
        r"概况|概览|总览|集群(?:现在|目前|当前)?(?:的)?(?:状态|情况|怎么样|健康)|整体|健康吗|正常吗"
    ),
    "howto": re.compile(
        r"\bhow (?:to|do|can|should)\b|\bwhat (?:do|should|can) (?:i|we|you|one)\b|\b(?:in what order|check first)\b|"
        r"\bwhat (?:is|are|does|to do)\b(?! (?:wrong|broken|happening|failing|down|going|firing|alerting|paging|slow|red|unhealthy|"
        r"running|there|the (?:status|state|health))\b)|"
        r"\b(?:runbooks?|playbook|documentation|docs|guide|steps|meaning|best practice)\b|"
        r"(?:什么|哪种|怎样的)(?:顺序|步骤)|怎么(?:处理|办|解决|排查|修|配置|做|设置)|如何|什么是|是什么意思|手册|步骤|文档|最佳实践|知识库|应该怎么|怎么查|(?:检查|先查|先看|该查|该看)(?:什么|哪)"
    ),
}  # fmt: skip

MEASURES: dict[str, re.Pattern[str]] = {
    "errors": re.compile(r"\b(?:error|failure) (?:rate|ratio|percentage)\b|\b5xx\b|错误率|失败率|错误比例|错误占比"),
    "cpu": re.compile(r"\bcpu\b|处理器"),
    "memory": re.compile(r"\b(?:memory|mem|ram)\b|内存"),
    "restarts": re.compile(r"\brestarts\b|\brestart count\b|重启(?:次数|了?几次|了?多少次)"),
    "latency": re.compile(r"\b(?:latency|latencies|duration|response times?|p\d\d)\b|延迟|耗时|响应时间|时延"),
    "requests": re.compile(
        r"\b(?:qps|rps|throughput|request rates?|requests per second|traffic)\b|吞吐|流量|请求量|请求数|请求速率"
    ),
}

NEGATED = re.compile(
    r"\b(?:do not|don't|dont|without|never|no need to|not to|not)\s+(?:\w+\s+){0,2}?"
    r"(?:fix\w*|repair\w*|mend\w*|heal\w*|chang\w*|resolv\w*|roll\w* ?back)\b|"
    r"(?:不要|先不|别|不用|无需|不必|暂不|勿)[^，。；！？]{0,4}?(?:修复|修好|处理|回滚|改动|恢复)"
)
"""A repair that is expressly not wanted."""

ACKNOWLEDGE = re.compile(
    r"(?:(?:please|pls|kindly|ok|okay|hi|hey|can|could|would|you|now|just|let's|let|me|us|i|we|want|will|to|then|'ll|i'll|we'll|"
    r"请|麻烦|帮我|帮忙|我来|我要|我|先|现在|把|将|这条|这个|该|此|那条|告警|报警)[\s,，]*)*"
    r"(?:(?:acknowledge|ack)\b|认领|确认收到|(?:确认|接手|认下)(?=.{0,6}(?:告警|报警|警报)))"
)
"""Matched from a question's first letter on: the wish has to be the question's own beginning, not something it quotes."""

PRONOUNS = re.compile(
    r"\b(?:it|its|it's|that|this|those|these|them|their|the same|again)\b|"
    r"它|其(?!他|它|中|实)|这个|那个|这些|那些|这条|那条|该|此|刚才|上面|继续|再"
)

UNIT_LETTER = {
    "s": "s", "m": "m", "h": "h", "d": "d", "w": "w",
    "秒": "s", "分钟": "m", "分": "m", "小时": "h", "钟头": "h", "天": "d", "日": "d", "周": "w", "星期": "w",
}  # fmt: skip

_ENGLISH = """
a able about above across after again against ago all almost also always am an and another any anyone anything are
around as ask at auto away back bad be because been before begin being below best better between big both bring broken
but by call can cannot can't cause caused causes causing change changed changes check checks clear close come compare
completely connect connection could count crash crashed crashes crashing current currently day days dead describe
detail details diagnose diagnosis did didn't different do does doesn't doing don't done down due during each either
else empty end error errors even ever every everything evidence exactly explain fail failed failing fails failure
failures far fast few find fine first fix fixed follow following for found from full further gave get gets getting
give given go goes going gone good got graph great had happen happened happening happens hard has have haven't healthy
health hello help her here hey hi high him his hour hours how however i if important in incident information inside
instead into investigate is isn't issue issues it it's its itself just keep keeps know known last late later latest
least left less let let's like line lines list little log logs long look looking looks lot low made main make many
matter may maybe me mean means mend metric metrics might minute minutes missing moment more most much must my name
named near need needs never new next nice no none normal not nothing notice now number of off often ok okay old on
once one only open or order other our out over overview own page part past pending people per perhaps please point
possible prevent problem problems provide put question quick quickly rate read ready really reason reasons recent
recently red repair report request requests resolve resource resources restart restarted restarting restarts result
right root run running runs same saw say says second seconds see seem seems seen set several should show since slow
slowly small so some something soon start started starting state status still stop stopped such suddenly summarize
summary sure system take taken tell than thank thanks that the their them then there these they thing things think
this those though through time times to today together told too top total trend tried trouble try trying two under
unhealthy unready until up us usage use used user using usually value values very via view wait want was wasn't watch
way we week weeks well went were what what's whatever when where whether which while who whole why will with within
without won't word work worked working works worse would wrong yes yesterday yet you your zero alert alerts alarm
alarms firing active resolved silence acknowledge ack cluster clusters kubernetes k8s prometheus promql grafana
container containers image images cpu memory mem disk network latency qps rps throughput utilization limit limits
traffic load replica replicas rollout rollback roll scale scaled scaling deploying runbook runbooks playbook docs
documentation guide steps step knowledge base severity critical warning info namespace namespaces ns selector label
labels port ports probe probes liveness readiness oom oomkilled crashloopbackoff crashloop imagepullbackoff
errimagepull kubectl http https tcp dns tls url api server apiserver node remediate heal approve approval reject plan
plans production prod-like answer backoff loop pull pulling killed kill mode rag mcp min max avg sum p50 p90 p95 p99
ms sec min mins hrs hour app application apps workload handle handled loops errimage deal solve avoid troubleshooting
debug understand mistake rule rules metric-name graphs panel panels dashboard dashboards evaluate memory leak leaks
leaking spike spikes burst full pressure evicted eviction
propose proposes proposed proposal proposing suggest suggests suggestion recommend offer apply applied applying
execute carry perform performing act action actions implement remedy remedies remediation solution solutions mitigate mitigation
recover recovered recovery restore restored rewrite revert reverted undo undone cancel cancelled confirm confirmed verify verified
verification validate test tested testing tests write wrote written draft produce create created creates creating build built
make makes making use uses using add added adding remove removed removing delete deleted deleting drop increase increased reduce
reduced raise lower grow growing rise rising risen drops fell falling spiking jump jumped dying die dies died kill killing hang
hangs hanging hung stall stalled freeze frozen reject rejected rejecting refuse refused refusing deny denied drain drained
draining cordon evict reboot rebooted rebooting upgrade upgraded update updated install installed configure configured configuration
monitor monitoring observe observed track tracked trace traces tracing detect detected identify identified determine determined
analyze analyse analysis analyzed assess review reviewed inspect inspected examine examined study learn teach remember forget
understand understood clarify describe tell told talk speak speaking say hear list enumerate count counting sort filter group
compare comparing difference differences between versus vs same similar unlike both neither nor either whether although unless
while during despite except besides regarding concerning according because therefore thus hence otherwise anyway indeed really
actually basically currently recently immediately automatically manually safely properly correctly exactly roughly nearly mostly
only simply possibly probably maybe certainly definitely clearly usually generally normally finally eventually suddenly quickly
service-level object objects component components cause root-cause impact impacted affected affects affect blast radius severity
urgent important priority critical risk risks risky safe danger dangerous cost effect effects outcome result summary summarise
short brief long detailed complete full quick simple plain english chinese language translate sentence word words paragraph
table format markdown json yaml text bullet number numbers percent percentage ratio average median mean quantile percentile
highest lowest biggest largest smallest slowest fastest maximum minimum peak current previous next last first second third
hello hi hey thanks thank welcome bye goodbye morning evening night day today tonight tomorrow week month year moment while
someone somebody everyone everybody nobody people person team teams user users customer customers client clients engineer
operator admin me myself yourself ourselves them us we our ours yours mine his hers its whose whom which that this these those
weather joke jokes poem story song food music game movie news sports love hate happy sad funny cool nice great awesome
ignore ignored instruction instructions prompt prompts system developer secret secrets password passwords token tokens key keys
rules previous above below override pretend roleplay reveal print output input data database databases file files folder
world life universe meaning sense nonsense random stuff whatever something anything nothing everything somewhere anywhere
throttle throttled throttling saturated saturation overload overloaded bottleneck degraded degradation outage downtime incident
incidents sla slo error-rate uptime availability capacity quota quotas budget threshold thresholds baseline anomaly anomalies
consumption consume consuming consumes eating eat used spend spending doing getting having being seeing showing reporting
responding respond response responses reply replies handle handling serve serving served process processing processed queue
queued backlog send sending sent receive receiving received call calls calling caller callers route routed routing reach
reachable unreachable connect connected connecting connection connections timeout timeouts resolve resolving resolved lookup
busiest busy heavy heaviest idle hungriest rid lot kind sort bit piece rest side top bottom left part place
gets shall ought would'd i'm i've i'd we've we're they're you're he's she's that's there's here's who's where's when's how's
isn couldn wouldn shouldn doesn didn hasn haven aren weren wasn don ain ll ve re
exceeded exceeds exceeding notready unschedulable expired insufficient fatal error x509 unauthorized forbidden terminated exited terminating
createcontainerconfigerror createcontainererror failedscheduling failedmount failedcreate multi-attach readonly read-only mismatch preempted
tainted cordoned panic panicked segfault sigkill sigterm etimedout econnrefused econnreset enospc emfile enfile no-such-host toomanyrequests
handshake certificate certificates nxdomain servfail completed overcommitted starving starved unavailable progressdeadlineexceeded
minimumreplicasunavailable containercreating podinitializing invalidimagename runcontainererror starterror failedcreatepodsandbox
networknotready kubeletnotready diskpressure memorypressure pidpressure nodenotready backofflimitexceeded deadlineexceeded
failedattachvolume provisioningfailed failedbinding freediskspacefailed imagegcfailed evictionthresholdmet unexpectedadmissionerror
filesystem udp grpc 4xx 5xx sorry too many few authentication authorization
"""
NOT_NAMES = frozenset(_ENGLISH.split())

_NOUNS = """
user users customer customers client clients database databases data queue route router order report reports monitor
search message messages news game music story review reviews token key system app api server team image images file
files test admin recommendation
"""
MAYBE_NAMES = frozenset(_NOUNS.split())
"""Common words that are common names too: a name where a kind stands beside them, as in "the user service"."""
