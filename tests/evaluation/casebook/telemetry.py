"""Metrics as several kinds of monitoring keep them, all from one set of curves.

A scene has curves by (thing, role); what is not bent is ordinary. A dialect turns roles into files of `query_range` answers: raw
cAdvisor counters, rates computed and saved under names of their own, a mesh's metrics, Spring's, an application's own, node-exporter's.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from tests.evaluation.casebook.model import Alert, Node, Object, Pod, Program, fine
from tests.evaluation.casebook.scene import Curve, Scene

STEP = 60
WINDOW = timedelta(minutes=75)
MIB = 1024**2
DIALECTS = ("cadvisor", "computed", "istio", "spring", "app", "node", "ksm")
Labels = dict[str, str]
Row = tuple[Labels, list[float], list[float]]


def usual(scene: Scene, thing: Pod | Program | Node, role: str) -> Curve:
    dice = scene.dice
    if isinstance(thing, Node):
        return Curve(_of_node(scene, thing, role), noise=0.03)
    program = thing.program if isinstance(thing, Pod) else thing
    memory = {
        "java": 420,
        "dotnet": 190,
        "go": 38,
        "node": 130,
        "python": 140,
        "mysql": 480,
        "postgres": 300,
        "mongo": 400,
    }
    bases: dict[str, Callable[[], float]] = {
        "cpu": lambda: dice.uniform(0.01, 0.09),
        "memory": lambda: memory.get(program.language, 60) * MIB * dice.uniform(0.8, 1.1),
        "throttled": lambda: dice.uniform(0, 0.02),
        "rx": lambda: dice.uniform(2e4, 2e5),
        "tx": lambda: dice.uniform(2e4, 2e5),
        "threads": lambda: dice.uniform(20, 60),
        "fds": lambda: dice.uniform(30, 90),
        "rtt": lambda: dice.uniform(0.0004, 0.0012),
        "retransmits": lambda: dice.uniform(0, 0.4),
        "fs_writes": lambda: dice.uniform(1e3, 8e4),
        "requests": lambda: dice.uniform(4, 60),
        "errors": lambda: 0.001,
        "latency": lambda: dice.uniform(0.02, 0.12),
        "hits": lambda: dice.uniform(0.88, 0.97),
        "pool": lambda: dice.uniform(2, 6),
    }
    return Curve(bases[role]())


def _of_node(scene: Scene, node: Node, role: str) -> float:
    dice = scene.dice
    return {
        "cpu": dice.uniform(0.12, 0.4),
        "memory_available": node.memory * dice.uniform(0.35, 0.6),
        "disk_available": dice.uniform(0.35, 0.7),
        "load": node.cpu / 1000 * dice.uniform(0.15, 0.4),
        "retransmits": dice.uniform(0.1, 0.9),
        "rtt": dice.uniform(0.0003, 0.0009),
        "pids": dice.uniform(400, 900),
        "clock_offset": dice.uniform(-0.002, 0.002),
        "disk_busy": dice.uniform(0.02, 0.15),
        "up": 1.0,
        "drops": dice.uniform(0, 0.2),
    }[role]


def times_of(scene: Scene, born: datetime | None = None) -> list[float]:
    begun = scene.taken_at - WINDOW
    first = max(begun, born) if born else begun
    start, end = int(first.timestamp()), int(scene.taken_at.timestamp())
    return [float(at) for at in range(start - start % STEP + STEP, end + 1, STEP)]


def sample(scene: Scene, curve: Curve, times: list[float]) -> list[float]:
    since = curve.since.timestamp() if curve.since else None
    end = scene.taken_at.timestamp()
    made = []
    for at in times:
        level = curve.base
        if since is not None and curve.after is not None and at >= since:
            level = _bent(curve, curve.after, (at - since) / max(1.0, end - since), int(at) // STEP)
        made.append(level * (1 + scene.dice.uniform(-curve.noise, curve.noise)))
    return made


def _bent(curve: Curve, after: float, part: float, number: int) -> float:
    if curve.shape == "ramp":
        return curve.base + (after - curve.base) * part
    if curve.shape == "spike":
        return after if number % 6 < 2 else curve.base
    return after


def files_of(scene: Scene, dialects: Iterable[str]) -> dict[str, list[Object]]:
    """By file name (without .json), rows of a matrix."""
    made: dict[str, list[Object]] = {}
    for dialect in dialects:
        for name, rows in _WRITERS[dialect](scene).items():
            made.setdefault(name, []).extend(rows)
    for name, rows in scene.series:
        made.setdefault(name, []).extend(rows)
    if scene.sources.points:
        for one in (each for rows in made.values() for each in rows):
            one["values"] = one["values"][-scene.sources.points :]
    return {name: rows for name, rows in made.items() if rows}


def row(labels: Labels, times: list[float], values: Iterable[float]) -> Object:
    return {"metric": labels, "values": [[at, f"{value:.6g}"] for at, value in zip(times, values, strict=False)]}


def _cumulative(rates: list[float], start: float) -> list[float]:
    total, made = start, []
    for rate in rates:
        total += rate * STEP
        made.append(total)
    return made


def _running(scene: Scene) -> Iterable[Pod]:
    for program in scene.programs:
        yield from (pod for pod in program.pods if pod.node and not (pod.silent or pod.phase))


def _labels(pod: Pod, **more: str) -> Labels:
    return {"namespace": pod.namespace, "pod": pod.name, "container": pod.program.main, **more}


def _cadvisor(scene: Scene) -> dict[str, list[Object]]:
    names = {
        "cpu": "container_cpu_usage_seconds_total",
        "rx": "container_network_receive_bytes_total",
        "tx": "container_network_transmit_bytes_total",
        "fs_writes": "container_fs_writes_bytes_total",
    }
    made: dict[str, list[Object]] = {name: [] for name in names.values()}
    made["container_memory_working_set_bytes"] = []
    for pod in _running(scene):
        times = times_of(scene, pod.created)
        for role, name in names.items():
            values = _cumulative(sample(scene, scene.curve(pod, role), times), scene.dice.uniform(1e2, 1e5))
            place = _labels(pod, node=pod.node.name if pod.node else "")
            if role in ("rx", "tx"):
                place = {"namespace": pod.namespace, "pod": pod.name, "interface": "eth0"}
            made[name].append(row({"__name__": name, "job": "kubelet", **place}, times, values))
        name = "container_memory_working_set_bytes"
        made[name].append(
            row(
                {"__name__": name, "job": "kubelet", **_labels(pod, image=pod.program.container["image"])},
                times,
                sample(scene, scene.curve(pod, "memory"), times),
            )
        )
    _throttling(scene, made)
    return made


def _throttling(scene: Scene, made: dict[str, list[Object]]) -> None:
    throttled, periods = "container_cpu_cfs_throttled_periods_total", "container_cpu_cfs_periods_total"
    made[throttled], made[periods] = [], []
    for pod in _running(scene):
        times = times_of(scene, pod.created)
        share = sample(scene, scene.curve(pod, "throttled"), times)
        made[throttled].append(
            row({"__name__": throttled, **_labels(pod)}, times, _cumulative([one * 10 for one in share], 50))
        )
        made[periods].append(row({"__name__": periods, **_labels(pod)}, times, _cumulative([10.0] * len(times), 5000)))


def _computed(scene: Scene) -> dict[str, list[Object]]:
    """As an on-call script saves them: one file a question, with few labels."""
    made: dict[str, list[Object]] = {}
    for role, name in (
        ("cpu", "cpu_usage"),
        ("memory", "memory_usage"),
        ("throttled", "cpu_throttling"),
        ("threads", "threads"),
        ("fds", "open_fds"),
        ("rtt", "tcp_rtt_seconds"),
        ("retransmits", "tcp_retransmits"),
    ):
        if role in ("threads", "fds", "rtt", "retransmits") and not any(
            (pod.name, role) in scene.curves for pod in _running(scene)
        ):
            continue
        made[name] = [
            row({"namespace": pod.namespace, "pod": pod.name}, times, sample(scene, scene.curve(pod, role), times))
            for pod in _running(scene)
            for times in [times_of(scene, pod.created)]
        ]
    times = times_of(scene)
    for role, name in (("requests", "request_rate"), ("latency", "latency_p95"), ("errors", "error_rate")):
        made[name] = [
            row({"namespace": one.namespace, "service": one.name}, times, sample(scene, scene.curve(one, role), times))
            for one in _served(scene)
        ]
    return made


def _served(scene: Scene) -> list[Program]:
    return [one for one in scene.programs if one.service and not one.is_data]


def _istio(scene: Scene) -> dict[str, list[Object]]:
    total, latency = "istio_requests_total", "istio_request_duration_milliseconds"
    made: dict[str, list[Object]] = {total: [], f"{latency}_p95": []}
    times = times_of(scene)
    for caller in scene.programs:
        for call in caller.calls:
            if call.callee.is_data:
                continue
            place = {
                "source_workload": caller.name,
                "source_workload_namespace": caller.namespace,
                "destination_workload": call.callee.name,
                "destination_workload_namespace": call.callee.namespace,
                "destination_service_name": call.callee.name,
                "reporter": "source",
            }
            _split(scene, call.callee, total, place, made[total], code="response_code")
            values = [one * 1000 for one in sample(scene, scene.curve(call.callee, "latency"), times)]
            made[f"{latency}_p95"].append(row(place, times, values))
    return made


def _split(scene: Scene, program: Program, name: str, place: Labels, into: list[Object], *, code: str) -> None:
    """Requests in total as a counter for each status code, from the rate and the share of errors."""
    times = times_of(scene)
    rates, share = (
        sample(scene, scene.curve(program, "requests"), times),
        sample(scene, scene.curve(program, "errors"), times),
    )
    good = [rate * (1 - min(1.0, part)) for rate, part in zip(rates, share, strict=True)]
    bad = [rate * min(1.0, part) for rate, part in zip(rates, share, strict=True)]
    into.append(row({"__name__": name, **place, code: "200"}, times, _cumulative(good, 9000)))
    into.append(row({"__name__": name, **place, code: scene.dice.choice(["500", "503"])}, times, _cumulative(bad, 3)))


def _spring(scene: Scene) -> dict[str, list[Object]]:
    count, total = "http_server_requests_seconds_count", "http_server_requests_seconds_sum"
    made: dict[str, list[Object]] = {
        count: [],
        total: [],
        "jvm_threads_live_threads": [],
        "process_files_open_files": [],
        "hikaricp_connections_active": [],
    }
    for program in (one for one in scene.programs if one.language == "java" and not one.is_data):
        for pod in program.pods:
            if pod.silent or not pod.node:
                continue
            times = times_of(scene, pod.created)
            place = {"application": program.name, "namespace": program.namespace, "pod": pod.name, "job": program.name}
            rates = [one / max(1, len(program.pods)) for one in sample(scene, scene.curve(program, "requests"), times)]
            spent = [
                rate * slow * 0.4
                for rate, slow in zip(rates, sample(scene, scene.curve(program, "latency"), times), strict=True)
            ]
            share = sample(scene, scene.curve(program, "errors"), times)
            for code, part in (("200", [1 - one for one in share]), ("500", share)):
                where = {
                    **place,
                    "status": code,
                    "uri": "/api/**",
                    "method": "GET",
                    "outcome": "SUCCESS" if code == "200" else "SERVER_ERROR",
                }
                made[count].append(
                    row(
                        {"__name__": count, **where},
                        times,
                        _cumulative([a * max(0.0, b) for a, b in zip(rates, part, strict=True)], 100),
                    )
                )
                made[total].append(
                    row(
                        {"__name__": total, **where},
                        times,
                        _cumulative([a * max(0.0, b) for a, b in zip(spent, part, strict=True)], 10),
                    )
                )
            for role, name in (
                ("threads", "jvm_threads_live_threads"),
                ("fds", "process_files_open_files"),
                ("pool", "hikaricp_connections_active"),
            ):
                made[name].append(row({"__name__": name, **place}, times, sample(scene, scene.curve(pod, role), times)))
    return made


def _app(scene: Scene) -> dict[str, list[Object]]:
    made: dict[str, list[Object]] = {
        "http_requests_total": [],
        "http_request_duration_seconds_bucket": [],
        "process_open_fds": [],
        "go_goroutines": [],
    }
    times = times_of(scene)
    for program in _served(scene):
        place = {"namespace": program.namespace, "service": program.name, "job": program.name}
        _split(scene, program, "http_requests_total", place, made["http_requests_total"], code="code")
        _buckets(scene, program, place, made["http_request_duration_seconds_bucket"], times)
        for pod in program.pods:
            if pod.silent or not pod.node or program.language not in ("go", "python", "node"):
                continue
            mine = times_of(scene, pod.created)
            where = {"namespace": pod.namespace, "pod": pod.name, "job": program.name}
            made["process_open_fds"].append(
                row({"__name__": "process_open_fds", **where}, mine, sample(scene, scene.curve(pod, "fds"), mine))
            )
            if program.language == "go":
                made["go_goroutines"].append(
                    row({"__name__": "go_goroutines", **where}, mine, sample(scene, scene.curve(pod, "threads"), mine))
                )
    return made


_BOUNDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


def _buckets(scene: Scene, program: Program, place: Labels, into: list[Object], times: list[float]) -> None:
    from math import exp

    rates, slow = (
        sample(scene, scene.curve(program, "requests"), times),
        sample(scene, scene.curve(program, "latency"), times),
    )
    for bound in (*_BOUNDS, None):
        # The 95th percentile of an exponential distribution is three times its mean.
        shares = [1.0 if bound is None else 1 - exp(-3 * bound / max(one, 1e-4)) for one in slow]
        values = _cumulative([rate * share for rate, share in zip(rates, shares, strict=True)], 0)
        into.append(
            row(
                {
                    "__name__": "http_request_duration_seconds_bucket",
                    **place,
                    "le": "+Inf" if bound is None else str(bound),
                },
                times,
                values,
            )
        )


def _node(scene: Scene) -> dict[str, list[Object]]:
    gauges = {
        "memory_available": "node_memory_MemAvailable_bytes",
        "load": "node_load1",
        "clock_offset": "node_timex_offset_seconds",
        "pids": "node_processes_pids",
        "rtt": "ping_rtt_mean_seconds",
    }
    counters = {
        "retransmits": "node_netstat_Tcp_RetransSegs",
        "disk_busy": "node_disk_io_time_seconds_total",
        "drops": "node_network_receive_drop_total",
    }
    made: dict[str, list[Object]] = {
        name: []
        for name in (
            *gauges.values(),
            *counters.values(),
            "node_cpu_seconds_total",
            "node_filesystem_avail_bytes",
            "node_filesystem_size_bytes",
            "node_memory_MemTotal_bytes",
            "up",
        )
    }
    times = times_of(scene)
    for node in scene.nodes:
        up = scene.curve(node, "up")
        gone = up.since.timestamp() if up.since and up.after == 0 else None
        mine = [at for at in times if gone is None or at < gone]
        place = {"job": "node-exporter", "instance": f"{node.ip}:9100", "node": node.name}
        for role, name in gauges.items():
            made[name].append(row({"__name__": name, **place}, mine, sample(scene, scene.curve(node, role), mine)))
        for role, name in counters.items():
            made[name].append(
                row({"__name__": name, **place}, mine, _cumulative(sample(scene, scene.curve(node, role), mine), 1e4))
            )
        busy = sample(scene, scene.curve(node, "cpu"), mine)
        cores = node.cpu / 1000
        for mode, part in (("idle", [1 - one for one in busy]), ("user", busy)):
            made["node_cpu_seconds_total"].append(
                row(
                    {"__name__": "node_cpu_seconds_total", **place, "mode": mode},
                    mine,
                    _cumulative([one * cores for one in part], 1e6),
                )
            )
        disk = {**place, "mountpoint": "/", "device": "/dev/sda1", "fstype": "ext4"}
        made["node_filesystem_avail_bytes"].append(
            row(
                {"__name__": "node_filesystem_avail_bytes", **disk},
                mine,
                [one * 1e11 for one in sample(scene, scene.curve(node, "disk_available"), mine)],
            )
        )
        made["node_filesystem_size_bytes"].append(
            row({"__name__": "node_filesystem_size_bytes", **disk}, mine, [1e11] * len(mine))
        )
        made["node_memory_MemTotal_bytes"].append(
            row({"__name__": "node_memory_MemTotal_bytes", **place}, mine, [float(node.memory)] * len(mine))
        )
        made["up"].append(
            row({"__name__": "up", **place}, times, [0.0 if gone is not None and at >= gone else 1.0 for at in times])
        )
    return made


def _ksm(scene: Scene) -> dict[str, list[Object]]:
    """kube-state-metrics: what the objects say, as numbers."""
    made: dict[str, list[Object]] = {
        name: []
        for name in (
            "kube_pod_container_status_restarts_total",
            "kube_deployment_status_replicas_available",
            "kube_node_status_condition",
        )
    }
    times = times_of(scene)
    began = scene.onset.timestamp()
    for program in scene.programs:
        if program.kind == "Deployment":
            now = sum(pod.is_ready for pod in program.pods)
            place = {
                "__name__": "kube_deployment_status_replicas_available",
                "namespace": program.namespace,
                "deployment": program.name,
            }
            made["kube_deployment_status_replicas_available"].append(
                row(place, times, [float(program.replicas if at < began else now) for at in times])
            )
        for pod in program.pods:
            count = sum(state.restarts for state in pod.states.values())
            place = {"__name__": "kube_pod_container_status_restarts_total", **_labels(pod)}
            mine = times_of(scene, pod.created)
            recent = (
                [0 if at < began else count * (at - began) // max(1.0, mine[-1] - began) for at in mine]
                if pod.not_ready_since
                else [count] * len(mine)
            )
            made["kube_pod_container_status_restarts_total"].append(row(place, mine, [float(one) for one in recent]))
    for node in scene.nodes:
        status = node.conditions.get("Ready", {}).get("status", "True")
        for state in ("true", "false", "unknown"):
            place = {"__name__": "kube_node_status_condition", "node": node.name, "condition": "Ready", "status": state}
            made["kube_node_status_condition"].append(
                row(
                    place,
                    times,
                    [float((state == "true") if at < began + 40 else state == status.lower()) for at in times],
                )
            )
    return made


_WRITERS: dict[str, Callable[[Scene], dict[str, list[Object]]]] = {
    "cadvisor": _cadvisor,
    "computed": _computed,
    "istio": _istio,
    "spring": _spring,
    "app": _app,
    "node": _node,
    "ksm": _ksm,
}


def matrix(rows: list[Object]) -> Object:
    return {"status": "success", "data": {"resultType": "matrix", "result": rows}}


def alert_json(alert: Alert, taken_at: datetime) -> Object:
    notes = {"summary": alert.summary, **({"description": alert.description} if alert.description else {})}
    labels: dict[str, Any] = {"alertname": alert.name, "severity": "warning", **alert.labels}
    return {
        "labels": labels,
        "annotations": notes,
        "startsAt": fine(alert.since),
        "endsAt": fine(taken_at + timedelta(minutes=4)),
        "updatedAt": fine(taken_at),
        "fingerprint": f"{abs(hash_of(str(sorted(labels.items())))):016x}",
        "generatorURL": "",
        "receivers": [{"name": "default"}],
        "status": {"state": "active", "silencedBy": [], "inhibitedBy": []},
    }


def hash_of(text: str) -> int:
    import zlib

    return zlib.crc32(text.encode())
