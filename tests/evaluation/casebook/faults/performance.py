"""Slow programs that stay up: processors, networks, neighbours. What comes from load and callees is in performance_load.py.

Everything hangs on `slow`: the culprit's latency goes up, and that of everybody who waits for it, often by more in their own terms. How
it is told differs: whole series, the last points of them, or alerts only (`told`).
"""

from tests.evaluation.casebook.acts import answer, server
from tests.evaluation.casebook.faults import performance_load
from tests.evaluation.casebook.faults.telling import slow, steady, told
from tests.evaluation.casebook.model import Answer, Object, Pod, Program
from tests.evaluation.casebook.scene import Scene
from tests.evaluation.casebook.telemetry import row, sample, times_of
from tests.evaluation.casebook.ways import way

ALL = (performance_load,)
"""The other file of the family, loaded with this one."""


def _cpu_limit(program: Program, milli: int) -> None:
    resources = program.container["resources"] = {
        key: dict(value) for key, value in program.container["resources"].items()
    }
    resources.setdefault("requests", {})["cpu"] = f"{min(milli, 100)}m"
    resources.setdefault("limits", {})["cpu"] = f"{milli}m"


# --- processor --------------------------------------------------------------------------------------------------------------------


@way("pod_cpu_overload")
def busy_up_to_its_limit(scene: Scene) -> Answer:
    program = server(scene)
    steady(scene, program)
    _cpu_limit(program, 2000)
    for pod in program.pods:
        scene.curve(pod, "cpu").base = scene.dice.uniform(0.08, 0.2)
        scene.bend(pod, "cpu", to=scene.dice.uniform(1.86, 1.98))
        scene.bend(pod, "throttled", to=0.12)
    slow(scene, program, by=scene.dice.uniform(0.5, 1.5))
    pod = program.pods[0]
    needs = told(
        scene,
        (
            "ContainerCpuUsageHigh",
            f"container {program.main} of pod {pod.name} uses 96% of its CPU limit",
            {"namespace": pod.namespace, "pod": pod.name, "container": program.main},
        ),
    )
    return answer("pod_cpu_overload", program, needs)


@way("pod_cpu_overload")
def busy_without_a_limit(scene: Scene) -> Answer:
    """A loop that never ends; nothing but the node bounds it, and the node has room."""
    program = server(scene)
    steady(scene, program)
    program.container["resources"] = {"requests": {"cpu": "200m", "memory": "256Mi"}}
    for pod in program.pods:
        assert pod.node is not None
        pod.node.cpu = max(pod.node.cpu, 8000)
        scene.curve(pod, "cpu").base = scene.dice.uniform(0.05, 0.15)
        scene.bend(pod, "cpu", to=scene.dice.uniform(1.9, 3.2))
    slow(scene, program, by=scene.dice.uniform(0.3, 1.2))
    pod = program.pods[0]
    needs = told(
        scene,
        (
            "PodHighCpu",
            f"CPU usage of {pod.namespace}/{pod.name} is 12 times its request",
            {"namespace": pod.namespace, "pod": pod.name},
        ),
    )
    return answer("pod_cpu_overload", program, needs)


@way("pod_cpu_overload")
def one_pod_of_several_is_busy(scene: Scene) -> Answer:
    program = scene.pick("service", where=lambda one: bool(scene.callers(one)))
    if program.replicas < 3:
        scene.scale(program, 3, scene.ago(hours=9))
    steady(scene, program)
    _cpu_limit(program, 1000)
    scene.bend(program.pods[0], "cpu", to=0.97)
    scene.bend(program.pods[0], "throttled", to=0.08)
    slow(scene, program, by=0.4)
    pod = program.pods[0]
    needs = told(
        scene,
        (
            "ContainerCpuUsageHigh",
            f"pod {pod.name} uses 97% of its CPU limit",
            {"namespace": pod.namespace, "pod": pod.name},
        ),
    )
    return answer("pod_cpu_overload", program, needs)


@way("cpu_throttled")
def limit_far_too_low_for_its_bursts(scene: Scene) -> Answer:
    program = server(scene)
    steady(scene, program)
    _cpu_limit(program, scene.dice.choice([50, 80, 100]))
    limit = int(program.container["resources"]["limits"]["cpu"].removesuffix("m")) / 1000
    for pod in program.pods:
        scene.curve(pod, "cpu").base = limit * 0.5
        scene.bend(pod, "cpu", to=limit * 0.96)
        scene.bend(pod, "throttled", to=scene.dice.uniform(0.55, 0.93))
    slow(scene, program, by=scene.dice.uniform(0.4, 1.1))
    pod = program.pods[0]
    needs = told(
        scene,
        (
            "CPUThrottlingHigh",
            f"{scene.dice.randrange(55, 93)}% throttling of CPU in namespace {pod.namespace} for container {program.main} in pod {pod.name}.",
            {"namespace": pod.namespace, "pod": pod.name, "container": program.main},
        ),
    )
    return answer("cpu_throttled", program, needs)


@way("cpu_throttled")
def limit_was_lowered_by_a_release(scene: Scene) -> Answer:
    """Its use of the processor goes down while it gets slower."""
    program = server(scene)
    _cpu_limit(program, 1000)
    before = list(program.pods)
    scene.recreate(program, lambda one: _cpu_limit(one, 100), revise=True)
    for pod in program.pods:
        scene.curve(pod, "cpu").base = 0.096
        scene.curve(pod, "throttled").base = scene.dice.uniform(0.6, 0.9)
    assert before
    slow(scene, program, by=scene.dice.uniform(0.5, 2.0))
    pod = program.pods[0]
    needs = told(
        scene,
        (
            "CPUThrottlingHigh",
            f"78% throttling of CPU in namespace {pod.namespace} for container {program.main} in pod {pod.name}.",
            {"namespace": pod.namespace, "pod": pod.name, "container": program.main},
        ),
    )
    return answer("cpu_throttled", program, needs)


# --- network ----------------------------------------------------------------------------------------------------------------------


def _coroot(scene: Scene, role: str, name: str) -> None:
    """Connections as an agent on each node sees them, by container and not by pod."""
    rows: list[Object] = []
    for program in scene.programs:
        for pod in program.pods:
            times = times_of(scene, pod.created)
            values = sample(scene, scene.curve(pod, role), times)
            place = {
                "__name__": name,
                "container_id": f"/k8s/{pod.namespace}/{pod.name}/{program.main}",
                "job": "coroot-node-agent",
            }
            rows.append(row(place, times, values))
    scene.series.append((name, rows))


def _network(scene: Scene, role: str, name: str, alert: tuple[str, str, dict[str, str]]) -> str:
    needs = told(scene, alert, dialects=("computed",))
    if needs == "metrics" and scene.dice.random() < 0.4:
        scene.sources.metrics = [scene.dice.choice(["app", "istio"])]
        _coroot(scene, role, name)
    return needs


def _labels(pod: Pod) -> dict[str, str]:
    return {"namespace": pod.namespace, "pod": pod.name}


@way("pod_network_delay")
def every_packet_of_a_program_is_late(scene: Scene) -> Answer:
    program = server(scene)
    steady(scene, program)
    delay = scene.dice.uniform(0.1, 0.5)
    for pod in program.pods:
        scene.bend(pod, "rtt", to=delay)
        for kind in ("rx", "tx"):
            scene.bend(pod, kind, times=0.6)
    slow(scene, program, by=delay * 3)
    pod = program.pods[0]
    needs = _network(
        scene,
        "rtt",
        "container_net_latency_seconds",
        (
            "PodTcpRttHigh",
            f"TCP round trip time of pod {pod.name} is {int(delay * 1000)} ms, usually below 2 ms",
            _labels(pod),
        ),
    )
    return answer("pod_network_delay", program, needs)


@way("pod_network_delay")
def packets_of_a_store_are_late(scene: Scene) -> Answer:
    """Its clients' latencies move more than anything of the store itself."""
    program = scene.pick("database", "cache", where=lambda one: bool(scene.callers(one)))
    steady(scene, program)
    delay = scene.dice.uniform(0.08, 0.3)
    for pod in program.pods:
        scene.bend(pod, "rtt", to=delay)
    slow(scene, program, by=delay * 6)
    scene.starve(program, "slow", times=3, depth=1)
    pod = program.pods[0]
    needs = _network(
        scene,
        "rtt",
        "container_net_latency_seconds",
        ("PodTcpRttHigh", f"round trip time to pod {pod.name} is {int(delay * 1000)} ms", _labels(pod)),
    )
    return answer("pod_network_delay", program, needs)


@way("pod_network_loss")
def packets_of_a_program_are_lost(scene: Scene) -> Answer:
    program = server(scene)
    steady(scene, program)
    for pod in program.pods:
        scene.bend(pod, "retransmits", to=scene.dice.uniform(40, 160))
        scene.bend(pod, "rtt", times=1.8)
        for kind in ("rx", "tx"):
            scene.bend(pod, kind, times=0.4)
    slow(scene, program, by=scene.dice.uniform(0.4, 2.2))
    scene.bend(program, "errors", to=0.12)
    scene.starve(program, "timed_out", times=3, depth=1)
    pod = program.pods[0]
    needs = _network(
        scene,
        "retransmits",
        "container_net_tcp_retransmits_per_second",
        ("PodTcpRetransmitsHigh", f"pod {pod.name} retransmits 18% of its TCP segments", _labels(pod)),
    )
    return answer("pod_network_loss", program, needs)


@way("pod_network_loss")
def packets_of_one_pod_are_dropped(scene: Scene) -> Answer:
    """cAdvisor counts what the pod's interface drops; its siblings drop nothing."""
    program = server(scene)
    if program.replicas < 2:
        scene.scale(program, 2, scene.ago(hours=8))
    steady(scene, program)
    bad = program.pods[0]
    scene.bend(bad, "rtt", times=1.5)
    slow(scene, program, by=0.8)
    scene.bend(program, "errors", to=0.08)
    scene.sources.metrics = ["cadvisor", scene.dice.choice(["app", "istio"])]
    for name in ("container_network_receive_packets_dropped_total", "container_network_transmit_packets_dropped_total"):
        scene.series.append(
            (name, [_drops(scene, name, pod, pod is bad) for one in scene.programs for pod in one.pods])
        )
    return answer("pod_network_loss", program, "metrics")


def _drops(scene: Scene, name: str, pod: Pod, is_bad: bool) -> Object:
    times, began, total, values = times_of(scene, pod.created), scene.onset.timestamp(), 12.0, []
    for at in times:
        total += scene.dice.uniform(300, 900) if is_bad and at >= began else 0.0
        values.append(total)
    return row({"__name__": name, "namespace": pod.namespace, "pod": pod.name, "interface": "eth0"}, times, values)


# --- neighbours and disks ---------------------------------------------------------------------------------------------------------


def _greedy(scene: Scene, name: str, image: str) -> Program:
    """A batch program of another team without a limit, on a node with pods of the application."""
    from tests.evaluation.casebook.herrings import stranger
    from tests.evaluation.casebook.words import OTHER_TEAMS

    program = stranger(scene, scene.dice.choice(OTHER_TEAMS), name, scene.ago(days=20))
    program.container["image"] = image
    program.container["resources"] = {"requests": {"cpu": "10m", "memory": "32Mi"}} if scene.dice.random() < 0.6 else {}
    scene.agents.remove(program)
    scene.programs.append(program)
    program.replicas = 1
    del program.pods[1:]
    return program


@way("noisy_neighbour")
def batch_job_eats_the_node(scene: Scene) -> Answer:
    noisy = _greedy(
        scene,
        scene.dice.choice(["video-encoder", "model-training", "nightly-etl", "fuzz-runner"]),
        "registry.example/batch/runner:3.1",
    )
    victim = server(scene)
    node = victim.pods[0].node
    assert node is not None
    noisy.pods[0].node = node
    steady(scene, victim)
    steady(scene, noisy)
    scene.bend(node, "cpu", to=scene.dice.uniform(0.96, 0.995))
    scene.bend(node, "load", to=node.cpu / 1000 * 3.1)
    scene.bend(noisy.pods[0], "cpu", to=node.cpu / 1000 * scene.dice.uniform(0.72, 0.88))
    for one in scene.programs:
        if one is not noisy and any(pod.node is node for pod in one.pods):
            slow(scene, one, by=scene.dice.uniform(0.2, 0.8), depth=1)
    pod = noisy.pods[0]
    labels = {"namespace": pod.namespace, "pod": pod.name}
    needs = told(
        scene,
        (
            "PodCpuHog",
            f"pod {pod.name} uses {node.cpu // 1000 * 8 // 10} of the {node.cpu // 1000} cores of node {node.name}",
            labels,
        ),
        dialects=("computed", "cadvisor"),
        more=("node",),
    )
    scene.alert("NodeCpuHigh", f"CPU of node {node.name} above 95%", node=node.name, instance=f"{node.ip}:9100")
    scene.sources.only_namespace = False
    return answer("noisy_neighbour", noisy, needs, "objects")


@way("noisy_neighbour", wants=("worker",))
def own_worker_without_a_limit_starves_its_neighbours(scene: Scene) -> Answer:
    """It is of the same application; what is slow are those who share its node, whether they call it or not."""
    noisy = scene.pick("worker")
    node = scene.workers[0]
    noisy.container["resources"] = {"requests": {"cpu": "50m", "memory": "128Mi"}}
    steady(scene, noisy)
    for pod in noisy.pods:
        pod.node = node
        scene.bend(pod, "cpu", to=node.cpu / 1000 * 0.85 / len(noisy.pods))
    victims = [one for one in scene.programs if one is not noisy and one.service and not one.is_data][:3]
    for one in victims:
        steady(scene, one)
        one.pods[0].node = node
        scene.bend(one.pods[0], "cpu", times=0.7)
        slow(scene, one, by=scene.dice.uniform(0.3, 0.9), depth=0)
    scene.bend(node, "cpu", to=0.985)
    scene.bend(node, "load", to=node.cpu / 1000 * 2.6)
    scene.sources.metrics = ["node", "computed"]
    return answer("noisy_neighbour", noisy, "metrics", "objects")


@way("disk_io_saturated")
def a_program_writes_the_disk_full_of_work(scene: Scene) -> Answer:
    program = scene.pick("worker", "service", "database")
    steady(scene, program)
    node = program.pods[0].node
    assert node is not None
    scene.bend(node, "disk_busy", to=scene.dice.uniform(0.97, 1.0))
    scene.bend(node, "load", times=4)
    for pod in program.pods:
        pod.node = node
        scene.bend(pod, "fs_writes", to=scene.dice.uniform(2.2e8, 4.8e8))
    slow(scene, program, by=scene.dice.uniform(0.4, 1.6))
    scene.sources.metrics = ["cadvisor", "node", "app"]
    scene.sources.points = scene.dice.choice([0, 0, 6])
    return answer("disk_io_saturated", program, "metrics")


@way("disk_io_saturated")
def a_store_waits_for_its_disk(scene: Scene) -> Answer:
    """Its own log says that flushing takes too long."""
    store = scene.pick("database", where=lambda one: bool(scene.callers(one)))
    steady(scene, store)
    node = store.pods[0].node
    assert node is not None
    said = {
        "mysql": "[MY-011953] [InnoDB] Page cleaner took 9141ms to flush 2000 pages",
        "postgres": "checkpoint complete: wrote 14021 buffers (85.6%); 0 WAL file(s) added, 0 removed, 31 recycled; write=29.1 s, sync=48.722 s, total=79.2 s",
        "mongo": "serverStatus was very slow",
    }[store.language]
    for pod in store.pods:
        scene.keeps_saying(pod, "INFO", said, times=9)
        scene.bend(pod, "fs_writes", to=scene.dice.uniform(1.5e8, 3e8))
    scene.bend(node, "disk_busy", to=0.995)
    slow(scene, store, by=scene.dice.uniform(0.6, 2.0))
    scene.starve(store, "slow", times=3)
    labels = {"namespace": store.namespace, "pod": store.pods[0].name, "device": "sdb"}
    scene.alert("DiskIOSaturation", f"disk of {store.pods[0].name} is busy 99% of the time, queue 41", **labels)  # type: ignore[arg-type]
    scene.sources.metrics = ["cadvisor", "node", scene.dice.choice(["app", "computed"])]
    return answer("disk_io_saturated", store, "metrics", "alerts")
