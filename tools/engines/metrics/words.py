"""What a metric measures, read from the words in its name, for names that nobody has put into a table.

A name is split where people split names (underscores, dots, dashes, a capital letter), and looked at for the thing (latency, cpu, memory,
errors ...), for whose side it is on (a node, a call, a cache), for its unit and for what was done to it (a rate, a quantile, a mean).
Rules are tried in order, the particular before the general: `retransmit rate` is no rate of requests.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from tools.engines.snapshot import Signal

_SPLIT = re.compile(r"[^A-Za-z0-9%]+|(?<=[a-z])(?=[A-Z])|(?<=[a-z]{3})(?=\\d)")
_CHINESE = (
    ("处理器", "cpu"), ("内存", "memory"), ("延迟", "latency"), ("时延", "latency"), ("耗时", "latency"), ("响应时间", "latency"),
    ("错误", "error"), ("失败", "failed"), ("丢包", "packet loss"), ("重传", "retransmit"), ("节流", "throttled"), ("限流", "throttled"),
    ("请求", "requests"), ("吞吐", "throughput"), ("磁盘", "disk"), ("线程", "threads"), ("连接", "connections"), ("重启", "restarts"),
    ("使用率", "usage percent"), ("利用率", "utilization"), ("使用量", "usage"), ("网络", "network"), ("节点", "node"), ("率", "ratio"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reading:
    signal: Signal
    scale: float | None
    """To the base unit; None where the name does not say."""
    is_share: bool = False
    is_counter: bool = False
    quantile: str = ""


# Each row: the signal, then alternatives of words of which all must be there; what has a `!` before it must not.
_RULES = """
restarts: restart | restarts
clock_offset: clock offset | clock skew | time offset | ntp offset | ntp drift | clock drift | timex offset
packet_loss: packet loss | packets lost | loss ratio | loss rate | loss percent | packetloss | lost packets | network loss
retransmits: retransmit | retransmits | retransmission | retransmissions | retrans | retransmitted
drops: packets dropped | dropped network | drop network | drops network | drop packets | dropped packets | receive drop | transmit
    drop
rtt: rtt | round trip | ping !success | network latency | network delay | net latency | tcp connect time | connect latency |
    connect duration | icmp duration | node latency
cpu_held: cpu throttled | cpu throttling | throttled | throttling | throttle | cfs throttled | nr_throttled
gc: gc pause | gc time | gc duration | gc
threads_blocked: threads blocked | blocked thread
threads: threads !connected !running | thread count | goroutines | nthreads | num threads
open_files_most: max fds | fds limit | fd limit | max files | max fd
open_files: fds | fd | file descriptors | open files | filefd | openfiles | descriptors
cache_ratio: cache hit ratio | hit ratio | hit rate | hitrate
cache_misses: cache misses | keyspace misses | misses
cache_hits: cache hits | keyspace hits | hits
db_connections_most: max connections | connections max | connections limit | maxclients
pool_pending: pool pending | pending connections | pool waiting | connections pending | pool wait
pool_used: pool used | pool active | active connections pool | connections busy
queue: queue length | queue depth | queue size | queue messages | consumer lag | consumergroup lag | backlog
disk_busy: disk util | disk utilization | io util | disk busy | io time | disk io time | iostat util | disk saturation
disk_wait: disk await | io await | disk latency | io wait time | disk wait | await | fs latency | write latency disk | read
    latency disk
iowait: iowait | io wait
disk_free: disk free | disk available | disk avail | filesystem avail | filesystem free
disk_used_share: disk usage percent | disk used percent | disk usage ratio | filesystem usage | disk usage | disk used
disk_read: disk read | fs reads | fs read | io read | read bytes
disk_written: disk write | disk written | fs writes | fs write | io write | written bytes | write bytes
error_share: error ratio | error percent | errors ratio | errors percent | failure ratio | failure percent | failed ratio | 5xx
    ratio | error share | failure rate percent
success_share: success ratio | success rate | success percent | availability | sla
retries: retries | retry
timeouts: timeouts | timeout !seconds !config
edge_latency: ingress latency | gateway latency | edge latency | ingress duration
latency: latency | latencies | duration | durations | response time | elapsed | rt | responsetime | request time | resptime |
    response_time | took | processing time | p50 | p90 | p95 | p99 | p999 | delay | request seconds
errors: error | errors | failed | failures | failure | 5xx | exceptions | 4xx | err | fail | faults
cpu_limit: cpu limit | cpu limits | cpu quota
cpu_request: cpu request | cpu requests
node_load: load1 | load average | loadavg | node load
cpu: cpu | processor | millicores
memory_limit: memory limit | memory limits | mem limit
memory_request: memory request | memory requests
heap_most: heap max | heap limit
heap: heap
memory_free: memory available | memory free | mem free | mem available | memavailable
memory: memory | mem | rss | working set | ram
network_in: network receive | net rx | rx bytes | bytes received | receive bytes | network in | rx | inbound bytes | network rx |
    receive
network_out: network transmit | net tx | tx bytes | bytes sent | transmit bytes | network out | tx | sent bytes | network tx |
    transmit
db_connections: connections | clients connected | threads connected | connection count
requests: requests | request | qps | rps | tps | throughput | ops | calls | invocations | rpm | queries | traffic | hits
replicas_available: replicas available | replicas ready | available replicas | ready replicas
replicas: replicas
ready: ready
up: up | alive
"""


def _alternatives(text: str) -> list[tuple[frozenset[str], frozenset[str]]]:
    found = []
    for part in text.split("|"):
        words = part.split()
        found.append((
            frozenset(word for word in words if not word.startswith("!")),
            frozenset(word[1:] for word in words if word.startswith("!")),
        ))  # fmt: skip
    return found


_READY = [
    (row.partition(":")[0], _alternatives(row.partition(":")[2]))
    for row in _RULES.strip().replace("\n    ", " ").splitlines()
]
_MILLI = frozenset({"ms", "milliseconds", "millis", "millisecond", "msec"})
_MICRO = frozenset({"us", "microseconds", "micros", "usec"})
_NANO = frozenset({"ns", "nanoseconds", "nanos", "nsec"})
_SECOND = frozenset({"seconds", "second", "s", "sec", "secs"})
_SHARE = frozenset({"ratio", "share", "fraction"})
_PERCENT = frozenset({"percent", "pct", "percentage", "%"})
_MAYBE_SHARE = frozenset({"utilization", "utilisation", "util", "utilized", "saturation"})
_SIZES = (
    (frozenset({"bytes", "byte"}), 1.0), (frozenset({"kb", "kib", "kilobytes"}), 1024.0),
    (frozenset({"mb", "mib", "megabytes"}), 2.0**20), (frozenset({"gb", "gib", "gigabytes"}), 2.0**30),
)  # fmt: skip
_TIMES = ((_MILLI, 1e-3), (_MICRO, 1e-6), (_NANO, 1e-9), (_SECOND, 1.0))
IN_SECONDS = frozenset({"latency", "edge_latency", "call_latency", "rtt", "disk_wait", "gc", "clock_offset"})
IN_BYTES = frozenset({"memory", "memory_limit", "memory_request", "memory_free", "heap", "heap_most", "disk_free"})
IN_CORES = frozenset({"cpu", "cpu_limit", "cpu_request"})
SHARES = frozenset(
    {"packet_loss", "error_share", "success_share", "cache_ratio", "disk_busy", "iowait", "disk_used_share", "cpu_held"}
)
_QUANTILES = ("p50", "p75", "p90", "p95", "p99", "p999")
_OF_A_NODE = frozenset({"node", "host", "machine"})
_OF_CALLS = frozenset({"client", "upstream", "outbound", "outgoing", "egress", "caller"})


def words_of(name: str) -> list[str]:
    for chinese, english in _CHINESE:
        name = name.replace(chinese, f" {english} ")
    name = re.sub(r"\b[pP](\d{2,3})\b|quantile_0?\.?(\d{2,3})|_[pP](\d{2,3})(?=_|$)", _as_quantile, name)
    return [word.lower() for word in _SPLIT.split(name) if word]


def _as_quantile(match: re.Match[str]) -> str:
    digits = next(group for group in match.groups() if group)
    return f" p{digits} "


def read(name: str) -> Reading | None:
    words = words_of(name)
    said = frozenset(words)
    signal = next((signal for signal, ways in _READY if any(_is_said(way, said) for way in ways)), None)
    if signal is None:
        return None
    share = _share(said)
    return Reading(
        _on_its_side(signal, said),
        share if share is not None else _unit(signal, said),
        is_share=share is not None or bool(said & _MAYBE_SHARE),
        is_counter=words[-1] == "total" and not said & {"rate", "irate", "per"},
        quantile=next((word for word in words if word in _QUANTILES), ""),
    )


def _is_said(way: tuple[frozenset[str], frozenset[str]], said: frozenset[str]) -> bool:
    wanted, unwanted = way
    return wanted <= said and not unwanted & said


def _share(said: frozenset[str]) -> float | None:
    """The factor of a share, where the name says that it is one; a rate is meant where a share makes no sense."""
    if said & _PERCENT:
        return 0.01
    return 1.0 if said & _SHARE else None


def _unit(signal: Signal, said: frozenset[str]) -> float | None:
    if signal in IN_SECONDS:
        return next((factor for names, factor in _TIMES if names & said), None)
    if signal in IN_BYTES:
        return next((factor for names, factor in _SIZES if names & said), None)
    if signal in IN_CORES:
        if said & {"millicores", "millicore", "mcores", "milli"}:
            return 1e-3
        # Seconds of processor time a second are cores.
        return 1.0 if said & {"cores", "core", "seconds"} else None
    if signal == "requests" and said & {"rpm", "minute"}:
        return 1 / 60
    return None if signal in SHARES else 1.0


_WITH_A_NODE = frozenset({
    "cpu", "cpu_level", "cpu_share", "memory", "memory_share", "memory_free", "retransmits", "drops", "rtt", "packet_loss", "disk_busy",
    "disk_wait", "disk_free", "disk_used_share", "iowait", "network_in", "network_out",
    "clock_offset", "ready", "up", "threads", "open_files",
})  # fmt: skip


def _on_its_side(signal: Signal, said: frozenset[str]) -> Signal:
    if said & _OF_A_NODE and signal in _WITH_A_NODE and not said & {"pod", "container", "exporter"}:
        return signal if signal.startswith("node_") else f"node_{signal}"
    if said & _OF_CALLS and signal in {"latency", "requests", "errors"}:
        return {"latency": "call_latency", "requests": "calls", "errors": "failed_calls"}[signal]
    return signal


def side_of_a_node(signal: Signal) -> Signal:
    """The same, of a machine: for series whose labels name a node and no pod."""
    return f"node_{signal}" if signal in _WITH_A_NODE else signal


def first_known(names: Iterable[str]) -> Reading | None:
    return next((reading for name in names if name and (reading := read(name))), None)
