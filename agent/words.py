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
        r"\b(?:fix|repair|remediat\w*|mend|heal|resolve|roll ?back)\b|修复|修好|修一下|修掉|自愈|恢复一下|帮.{0,4}处理|回滚"
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
        r"\b(?:metrics?|cpu|memory|usage|latency|qps|rps|throughput|error rate|utili[sz]ation|promql|prometheus|graph|restarts?)\b|"
        r"指标|内存|使用率|用量|延迟|吞吐|错误率|重启次数"
    ),
    "overview": re.compile(
        r"\b(?:overview|summary|cluster (?:status|state|health)|how is (?:the|my|our) cluster|everything|healthy)\b|"
        r"概况|概览|总览|集群(?:状态|情况|怎么样|健康)|整体|健康吗|正常吗"
    ),
    "howto": re.compile(
        r"\bhow (?:to|do|can|should)\b|\bwhat (?:do|should|can) (?:i|we|you|one)\b|\b(?:in what order|check first)\b|"
        r"\bwhat (?:is|are|does|to do)\b(?! (?:wrong|broken|happening|failing|down|going))|"
        r"\b(?:runbooks?|playbook|documentation|docs|guide|steps|meaning|best practice)\b|"
        r"怎么(?:处理|办|解决|排查|修|配置|做|设置)|如何|什么是|是什么意思|手册|步骤|文档|最佳实践|知识库|应该怎么|怎么查|(?:检查|先查|先看|该查|该看)(?:什么|哪)"
    ),
}  # fmt: skip

MEASURES: dict[str, re.Pattern[str]] = {
    "cpu": re.compile(r"\bcpu\b|处理器"),
    "memory": re.compile(r"\b(?:memory|mem|ram)\b|内存"),
    "restarts": re.compile(r"\brestarts?\b|重启"),
    "latency": re.compile(r"\b(?:latency|duration|response time)\b|延迟|耗时|响应时间"),
    "requests": re.compile(r"\b(?:qps|rps|throughput|request rate|traffic)\b|吞吐|流量|请求量"),
    "errors": re.compile(r"\berror rate\b|错误率"),
}

PRONOUNS = re.compile(
    r"\b(?:it|its|it's|that|this|those|these|them|their|the same|again)\b|它|其(?!他|它|中|实)|这个|那个|这些|那些|该|刚才|上面|继续|再"
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
"""
NOT_NAMES = frozenset(_ENGLISH.split())
