"""What an alert says, and about whom: read from its name, its labels and its annotations, in English or Chinese.

Rules are named by people, so the meaning is taken from the words, the particular before the general: a slow network is not a slow answer.
Whom it means is what its labels name; where they name nobody known, the names in its text. It is where somebody's rule looked, no more.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from tools.engines.diagnosis import Component
from tools.engines.metrics.scene import Scene
from tools.engines.metrics.whose import whose
from tools.engines.objects import dig
from tools.engines.snapshot import Alert, Snapshot

OLD = timedelta(hours=24)
_NETWORK = r"network|net|tcp|icmp|ping|link|pod[- ]to[- ]pod|node[- ]to[- ]node|inter[- ]node|packet"
_LATE = r"latency|delay|delays|rtt|lag|slow"
_MEANINGS: tuple[tuple[str, str], ...] = (
    ("nothing", r"\b(watchdog|info ?inhibitor|dead ?man)"),
    (
        "packet_loss",
        r"packets? ?(loss|lost|drop)|dropp\w+ packets?|lost packets|packet ?loss|retrans|loss (rate|ratio)|丢包|重传",
    ),
    (
        "network_delay",
        rf"rtt|round[- ]?trip|\b({_NETWORK})\b[\w -]{{0,24}}\b({_LATE})\b|\b({_LATE})\b[\w -]{{0,16}}\b(network|link)\b",
    ),
    ("network_delay", r"网络.{0,8}(延迟|时延|变慢)|(延迟|时延).{0,6}网络|往返时(延|间)"),
    ("cache", r"cache.{0,24}(hit|miss)|(hit|miss) ?(ratio|rate)|keyspace|缓存.{0,6}(命中|击穿|雪崩)"),
    (
        "backlog",
        r"back ?log|queue.{0,24}(grow|length|depth|size|full|lag)|consumer ?(group ?)?lag|messages?.{0,40} wait|积压|堆积",
    ),
    ("clock", r"\b(clock|ntp|chrony|timex)\b|time (skew|drift|sync)|时钟|时间(偏差|不同步)"),
    ("throttled", r"throttl|节流|cpu.{0,6}限流"),
    ("oom", r"\boom\b|oom ?kill|out of memory|内存溢出"),
    ("memory_leak", r"memory.{0,20}(leak|grow)|内存.{0,6}(泄漏|持续增长)"),
    ("threads", r"threads?.{0,20}(exhaust|leak|grow|too many|high|count)|goroutines?|线程.{0,8}(耗尽|过多|过高|增长)"),
    ("open_files", r"file ?desc|open files|\bfds?\b|文件描述符|句柄"),
    ("deadlock", r"dead ?lock|死锁"),
    (
        "disk_io",
        r"(disk|volume|storage).{0,20}(\bio\b|i/o|util|await|saturat|latency|busy)|io ?wait|磁盘.{0,6}(io|繁忙|饱和|延迟|读写)",
    ),
    ("disk_space", r"disk|filesystem|inode|磁盘"),
    ("scaler", r"\bhpa\b|autoscaler|自动扩缩容"),
    ("quota", r"quota|配额"),
    ("not_ready", r"not ?ready|unready|未就绪|replicas? ?mismatch|unavailable replicas|crash ?loop"),
    ("down", r"\bdown\b|unreachable|absent|disappeared|失联|宕机"),
    ("restarts", r"restart|重启"),
    ("cpu", r"\bcpu\b|processor|处理器"),
    ("memory", r"memory|\bmem\b|内存"),
    (
        "traffic",
        (
            r"request ?rate.{0,24}(anomal|times)|times (?:its|the) usual|"
            r"(traffic|requests?|qps|rps).{0,24}(surge|spike|sudden|high|increas|burst)|流量.{0,6}(激增|突增|过高)|请求量.{0,6}(激增|突增)"
        ),
    ),
    ("errors", r"error|5xx|fail|exception|错误|失败|异常"),
    ("latency", r"latency|slow|response ?time|\bp9\d+\b|duration|delay|time-?out|延迟|时延|耗时|响应时间|变慢|超时"),
)
_READY = [(meaning, re.compile(pattern, re.IGNORECASE | re.ASCII)) for meaning, pattern in _MEANINGS]
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|_")
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?")
_SPOKEN = ("metric", "metric_name", "kpi", "type", "fault", "reason", "resource")


@dataclass(frozen=True, slots=True)
class Alarm:
    alert: Alert
    meaning: str
    about: tuple[Component, ...]
    """Programs or nodes; empty where nobody known is named."""
    node: str = ""
    """Of a pod that is named: where it runs."""
    is_old: bool = False


def alarms(scene: Scene) -> list[Alarm]:
    """The alerts that still fire and say something, oldest first."""
    snapshot = scene.snapshot
    alive = [alert for alert in snapshot.alerts if not _is_over(snapshot, alert)]
    alive.sort(key=lambda alert: (str(alert.starts_at or ""), alert.name, str(sorted(alert.labels.items()))))
    read = (_read(scene, alert) for alert in alive)
    return [alarm for alarm in read if alarm.meaning not in {"", "nothing"}]


def meaning_of(alert: Alert) -> str:
    """Its name first, which was chosen to say it; then what it spells out."""
    name = _CAMEL.sub(" ", alert.name)
    spoken = " ".join(str(alert.labels.get(key, "")) for key in _SPOKEN)
    particular = _meaning(f"{name} {spoken}")
    if particular in {"", "latency", "errors", "nothing", "down"}:
        return (
            _meaning(" ".join([name, spoken, *map(str, alert.annotations.values())])) if particular != "nothing" else ""
        )
    return particular


def _meaning(text: str) -> str:
    return next((meaning for meaning, pattern in _READY if pattern.search(text)), "")


def _is_over(snapshot: Snapshot, alert: Alert) -> bool:
    ended = alert.ends_at is not None and alert.ends_at <= snapshot.taken_at
    began = alert.starts_at is not None and alert.ends_at is not None and alert.ends_at <= alert.starts_at
    return alert.state in {"resolved", "inactive", "pending"} or (ended and not began)


def _read(scene: Scene, alert: Alert) -> Alarm:
    labels = whose({key: str(value) for key, value in alert.labels.items()})
    about, node = _labelled(scene, labels)
    if not about:
        about, node = _named(scene, alert, labels.get("namespace", ""))
    old = alert.starts_at is not None and scene.snapshot.taken_at - alert.starts_at > OLD
    return Alarm(alert, meaning_of(alert), about, node, old)


def _labelled(scene: Scene, labels: dict[str, str]) -> tuple[tuple[Component, ...], str]:
    if labels.get("pod"):
        who = scene.owner(labels)
        pod = scene.snapshot.get("Pod", labels.get("namespace"), labels["pod"])
        return ((who,) if who else ()), str(dig(pod, "spec", "nodeName") or labels.get("node") or "")
    ends = [
        scene.named(labels[key], labels.get("namespace", ""))
        for key in ("workload", "service", "server")
        if labels.get(key)
    ]
    who = next((one for one in ends if one), None)
    if who:
        return (who,), ""
    machine = scene.node({"node": labels["node"]}) if labels.get("node") else None
    machine = machine or (scene.node({"instance": labels["instance"]}) if labels.get("instance") else None)
    if machine:
        return (Component(kind="Node", name=machine),), machine
    who = scene.owner({key: value for key, value in labels.items() if key in {"instance", "container", "namespace"}})
    who = who or scene.named(labels.get("container", ""), labels.get("namespace", ""))
    return ((who,) if who else ()), ""


def _named(scene: Scene, alert: Alert, place: str) -> tuple[tuple[Component, ...], str]:
    """The names in its text that something bears; a pod's before its node's, and both before a word that is a name too."""
    words = dict.fromkeys(_NAME.findall(" ".join(map(str, alert.annotations.values())).lower()))
    long = [word for word in words if len(word) >= 3]
    programs = [who for word in long if (who := scene.named(word, place) or scene.named(word))]
    machines = [machine for word in long if (machine := scene.node({"node": word}))]
    if programs:
        return tuple(dict.fromkeys(programs))[:2], ""
    return tuple(Component(kind="Node", name=machine) for machine in dict.fromkeys(machines))[:1], machines[
        0
    ] if machines else ""


def about(many: Sequence[Alarm], *meanings: str) -> dict[Component, list[Alarm]]:
    """The alarms of these meanings by whom they name."""
    found: dict[Component, list[Alarm]] = {}
    for alarm in many:
        for who in alarm.about if alarm.meaning in meanings else ():
            found.setdefault(who, []).append(alarm)
    return found
