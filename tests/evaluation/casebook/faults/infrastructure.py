"""Nodes and the parts of the control plane: lost nodes, pressure, networks, clocks, and parts that no longer run."""

from datetime import timedelta

from tests.evaluation.casebook.cluster import add_kube_proxy, hold_lease
from tests.evaluation.casebook.faults.aftermath import crash_alert
from tests.evaluation.casebook.model import Answer, Node, Object, Pod, Program, State, stamp
from tests.evaluation.casebook.scene import Scene
from tests.evaluation.casebook.ways import way

KEEPS = frozenset({"Node", "Lease"})
SILENT = {"status": "Unknown", "reason": "NodeStatusUnknown", "message": "Kubelet stopped posting node status."}


def _busy(scene: Scene) -> Node:
    """The worker with the most pods of the application: losing it is felt."""
    return max(scene.workers, key=lambda node: sum(pod.node is node for one in scene.programs for pod in one.pods))


def _mine(scene: Scene, node: Node) -> list[Pod]:
    return [pod for program in scene.programs for pod in program.pods if pod.node is node]


def _right(fault: str, node: Node, *needs: str) -> Answer:
    return Answer(fault, node.component, frozenset(needs), KEEPS)


def _others(scene: Scene, node: Node) -> Node:
    return next((one for one in scene.workers if one is not node), scene.nodes[0])


# --- nodes that say nothing any more ------------------------------------------------------------------------------------------


def _goes_silent(scene: Scene, node: Node) -> None:
    """The node controller's view: every condition unknown, taints, and after five minutes its pods marked for deletion."""
    noticed = scene.onset + timedelta(seconds=42)
    node.heartbeat = scene.onset - timedelta(seconds=scene.dice.uniform(1, 9))
    for kind in ("MemoryPressure", "DiskPressure", "PIDPressure", "Ready"):
        node.conditions[kind] = {
            **SILENT,
            "lastTransitionTime": stamp(noticed),
            "lastHeartbeatTime": stamp(node.heartbeat),
        }
    for effect in ("NoSchedule", "NoExecute"):
        node.taints.append({"key": "node.kubernetes.io/unreachable", "effect": effect, "timeAdded": stamp(noticed)})
    scene.event(
        node,
        "NodeNotReady",
        f"Node {node.name} status is now: NodeNotReady",
        type="Normal",
        first=noticed,
        by="node-controller",
    )
    _mark_pods(scene, node, noticed)


def _mark_pods(scene: Scene, node: Node, noticed: object) -> None:
    evicts = scene.taken_at - scene.onset > timedelta(minutes=6)
    for pod in scene.pods_on(node):
        pod.unready, pod.not_ready_since = "-", scene.onset + timedelta(seconds=42)
        scene.event(
            pod, "NodeNotReady", "Node is not ready", first=scene.onset + timedelta(seconds=43), by="node-controller"
        )
        if evicts and pod.program.kind == "Deployment":
            pod.leaving_since = scene.onset + timedelta(seconds=345)
            scene.event(
                pod,
                "TaintManagerEviction",
                f"Marking for deletion Pod {pod.namespace}/{pod.name}",
                type="Normal",
                first=pod.leaving_since,
                by="taint-eviction-controller" if scene.style.minor >= 29 else "taint-controller",
            )
            scene.new_pod(pod.program, pod.leaving_since + timedelta(seconds=1), _others(scene, node))
    for pod in _mine(scene, node):
        pod.silent = pod.silent or scene.dice.random() < 0.8  # its kubelet cannot be asked for a log
    assert noticed


def _told(scene: Scene, node: Node, *names: str) -> None:
    texts = {
        "KubeNodeNotReady": f"{node.name} has been unready for more than 15 minutes.",
        "KubeNodeUnreachable": f"{node.name} is unreachable and some workloads may be rescheduled.",
        "KubeletDown": f"Kubelet on {node.name} has disappeared from Prometheus target discovery.",
        "NodeDown": f"node-exporter on {node.name} does not answer; the host does not answer to ping.",
        "NodeClockSkewDetected": f"Clock at {node.ip}:9100 is out of sync by more than 0.05s. Ensure NTP is configured correctly on this host.",
        "NodeFilesystemAlmostOutOfSpace": f"Filesystem on /dev/sda1, mounted on /, at {node.name} has only 4.1% available space left.",
        "NodeMemoryHighUtilization": f"Memory is filling up at {node.name}, has been above 90% for the last 15 minutes, is currently at 98.2%.",
    }
    for name in names:
        scene.alert(
            name, texts[name], node=node.name, instance=f"{node.ip}:9100" if name.startswith("Node") else node.name
        )


@way("kubelet_unavailable")
def kubelet_stopped_but_the_host_answers(scene: Scene) -> Answer:
    node = _busy(scene)
    _goes_silent(scene, node)
    scene.probe(
        "node_service",
        node.name,
        ok=False,
        detail=scene.dice.choice(
            ["inactive (dead)", "failed (Result: exit-code)", "dial tcp :10250: connect: connection refused"]
        ),
        service="kubelet",
    )
    scene.probe("node_service", node.name, ok=True, detail="active (running)", service="containerd")
    scene.probe("tcp", f"{node.ip}:22", ok=True, detail="open")
    _told(scene, node, "KubeNodeNotReady", "KubeletDown")
    return _right("kubelet_unavailable", node, "objects", "probes")


@way("kubelet_unavailable")
def kubelet_is_down_and_the_exporter_is_not(scene: Scene) -> Answer:
    node = _busy(scene)
    _goes_silent(scene, node)
    _scrapes(scene, node, kubelet=0.0)
    _told(scene, node, "KubeletDown", "KubeNodeNotReady")
    scene.sources.metrics = sorted({*scene.sources.metrics, "node"})
    return _right("kubelet_unavailable", node, "objects", "metrics", "alerts")


def _scrapes(scene: Scene, node: Node, *, kubelet: float) -> None:
    """`up` of every kubelet, of one no longer."""
    from tests.evaluation.casebook.telemetry import row, times_of

    times, began = times_of(scene), scene.onset.timestamp()
    rows = []
    for one in scene.nodes:
        values = [kubelet if one is node and at >= began else 1.0 for at in times]
        rows.append(
            row(
                {
                    "__name__": "up",
                    "job": "kubelet",
                    "instance": f"{one.ip}:10250",
                    "node": one.name,
                    "metrics_path": "/metrics",
                },
                times,
                values,
            )
        )
    scene.series.append(("up", rows))


@way("node_unreachable")
def host_is_off(scene: Scene) -> Answer:
    node = _busy(scene)
    _goes_silent(scene, node)
    scene.bend(node, "up", to=0.0)
    _scrapes(scene, node, kubelet=0.0)
    for service in ("kubelet", "containerd"):
        scene.probe(
            "node_service",
            node.name,
            ok=False,
            detail=f"ssh: connect to host {node.ip} port 22: No route to host",
            service=service,
        )
    _told(scene, node, "KubeNodeUnreachable", "NodeDown")
    _callers_wait(scene, node)
    return _right("node_unreachable", node, "objects", "probes")


@way("node_unreachable")
def switch_port_is_dead(scene: Scene) -> Answer:
    node = _busy(scene)
    _goes_silent(scene, node)
    scene.bend(node, "up", to=0.0)
    _scrapes(scene, node, kubelet=0.0)
    scene.sources.metrics = sorted({*scene.sources.metrics, "node"})
    _told(scene, node, "NodeDown", "KubeNodeNotReady")
    _callers_wait(scene, node)
    return _right("node_unreachable", node, "objects", "metrics", "alerts")


def _callers_wait(scene: Scene, node: Node) -> None:
    for pod in _mine(scene, node)[:3]:
        for caller in scene.callers(pod.program):
            for other in (one for one in caller.pods if one.node is not node):
                scene.keeps_saying(
                    other, "ERROR", f"dial tcp {pod.ip}:{pod.program.listens}: connect: no route to host", times=3
                )


@way("containerd_unavailable")
def runtime_is_down(scene: Scene) -> Answer:
    return _runtime(scene, "container runtime is down", "failed (Result: signal)")


@way("containerd_unavailable")
def runtime_hangs(scene: Scene) -> Answer:
    minutes = max(4, int((scene.taken_at - scene.onset).total_seconds() / 60))
    told = f"[container runtime is down, PLEG is not healthy: pleg was last seen active {minutes}m12.412s ago; threshold is 3m0s]"
    return _runtime(scene, told, "active (running), but `crictl info` timed out after 10s")


def _runtime(scene: Scene, message: str, detail: str) -> Answer:
    node = _busy(scene)
    flipped = scene.onset + timedelta(minutes=1)
    node.conditions["Ready"] = {
        "status": "False",
        "reason": "KubeletNotReady",
        "message": message,
        "lastTransitionTime": stamp(flipped),
    }
    for effect in ("NoSchedule", "NoExecute"):
        node.taints.append({"key": "node.kubernetes.io/not-ready", "effect": effect, "timeAdded": stamp(flipped)})
    scene.event(
        node,
        "NodeNotReady",
        f"Node {node.name} status is now: NodeNotReady",
        type="Normal",
        first=flipped,
        by=scene.dice.choice(["kubelet", "node-controller"]),
    )
    sock = 'rpc error: code = Unavailable desc = connection error: desc = "transport: Error while dialing: dial unix /run/containerd/containerd.sock: connect: connection refused"'
    scene.event(node, "ContainerGCFailed", sock, count=6)
    scene.event(node, "ImageGCFailed", f"get image stats: {sock}", count=3)
    _mark_pods(scene, node, flipped)
    scene.probe("node_service", node.name, ok=False, detail=detail, service="containerd")
    scene.probe("node_service", node.name, ok=True, detail="active (running)", service="kubelet")
    _told(scene, node, "KubeNodeNotReady")
    return _right("containerd_unavailable", node, "objects")


# --- parts of the cluster -----------------------------------------------------------------------------------------------------


@way("kube_proxy_unavailable", flavours=("kubeadm", "kind", "managed"))
def kube_proxy_crashes_on_one_node(scene: Scene) -> Answer:
    proxy, node = add_kube_proxy(scene), _busy(scene)
    pod = next(one for one in proxy.pods if one.node is node)
    scene.crashing(pod, 1, lived=2)
    said = scene.dice.choice(
        [
            'run.go:74] "command failed" err="failed complete: open /var/lib/kube-proxy/config.conf: no such file or directory"',
            "server.go:495] unable to create proxier: can't set sysctl net/ipv4/conf/all/route_localnet to 1: open /proc/sys/net/ipv4/conf/all/route_localnet: read-only file system",
        ]
    )
    at = scene.ago(seconds=80)
    scene.say(pod, "", f"E{at:%m%d %H:%M:%S}.234567       1 {said}", at=at, raw=True)
    crash_alert(scene, pod)
    _services_fail_from(scene, node)
    return _right("kube_proxy_unavailable", node, "objects")


@way("kube_proxy_unavailable", flavours=("kubeadm", "kind", "managed"))
def kube_proxy_is_missing_on_one_node(scene: Scene) -> Answer:
    proxy, node = add_kube_proxy(scene), _busy(scene)
    proxy.pods = [one for one in proxy.pods if one.node is not node]
    scene.probe(
        "node_service",
        node.name,
        ok=False,
        detail="no process kube-proxy; no KUBE-SVC chains in iptables",
        service="kube-proxy",
    )
    _services_fail_from(scene, node)
    return _right("kube_proxy_unavailable", node, "objects", "probes")


def _services_fail_from(scene: Scene, node: Node) -> None:
    """ClusterIPs lead nowhere from this node, while pods on it can still be reached."""
    for pod in _mine(scene, node):
        for call in pod.program.calls:
            service = call.callee.service
            if service:
                scene.keeps_saying(pod, "ERROR", f"dial tcp {service.cluster_ip}:{service.port}: i/o timeout", times=4)
    for pod in _mine(scene, node)[:2]:
        for call in pod.program.calls[:1]:
            target = f"{call.callee.namespace}/{call.callee.name}:{call.port}"
            scene.probe("tcp", target, ok=False, detail="i/o timeout", origin=f"{pod.namespace}/{pod.name}")
            other = next((one for one in pod.program.pods if one.node is not node), None)
            if other:
                scene.probe("tcp", target, ok=True, detail="connected", origin=f"{other.namespace}/{other.name}")


def _part_down(scene: Scene, part: str) -> list[Node]:
    """A static pod that crashes or is gone, on every control-plane node, and its lease that nobody renews."""
    nodes = [node for node in scene.nodes if node.is_control_plane]
    gone = scene.dice.random() < 0.35
    for agent in [one for one in scene.agents if one.kind == "Node" and one.name == part]:
        if gone:
            agent.pods = []
            continue
        pod = agent.pods[0]
        pod.created = scene.nodes[0].created
        scene.crashing(pod, 1, lived=3)
        said = {
            "kube-scheduler": "failed to get delegated authentication kubeconfig: stat /etc/kubernetes/scheduler.conf: no such file or directory",
            "kube-controller-manager": 'unable to load configmap based request-header-client-ca-file: Get "https://10.0.0.4:6443/api/v1": x509: certificate has expired or is not yet valid',
        }[part]
        at = scene.ago(seconds=100)
        quoted = said.replace('"', '\\"')
        scene.say(
            pod, "", f'E{at:%m%d %H:%M:%S}.112233       1 run.go:74] "command failed" err="{quoted}"', at=at, raw=True
        )
    hold_lease(scene, part, scene.onset)
    if scene.dice.random() < 0.5:
        name = {"kube-scheduler": "KubeSchedulerDown", "kube-controller-manager": "KubeControllerManagerDown"}[part]
        scene.alert(name, f"{name[:-4]} has disappeared from Prometheus target discovery.", job=part)
    scene.sources.without.discard("Lease")
    return nodes


def _of_control_plane(fault: str, nodes: list[Node]) -> Answer:
    places = frozenset(str(node.component) for node in nodes)
    return Answer(fault, nodes[0].component, frozenset({"objects"}), KEEPS, frozenset(), places)


@way("kube_scheduler_unavailable", flavours=("kubeadm", "kind"))
def new_pods_are_never_looked_at(scene: Scene) -> Answer:
    nodes = _part_down(scene, "kube-scheduler")
    for program in [one for one in scene.programs if one.kind == "Deployment"][:2]:
        for pod in scene.afflict(program, lambda one: one.set_env("RELEASE", "3")):
            pod.node, pod.ip, pod.started, pod.silent = None, "", None, True
    return _of_control_plane("kube_scheduler_unavailable", nodes)


@way("kube_scheduler_unavailable", flavours=("kubeadm", "kind"))
def a_scale_up_waits_for_ever(scene: Scene) -> Answer:
    nodes = _part_down(scene, "kube-scheduler")
    program = scene.pick(where=lambda one: one.kind == "Deployment")
    before = len(program.pods)
    scene.scale(program, before + 3, scene.onset + timedelta(seconds=50))
    for pod in program.pods[before:]:
        pod.node, pod.ip, pod.started, pod.silent = None, "", None, True
    return _of_control_plane("kube_scheduler_unavailable", nodes)


@way("controller_manager_unavailable", flavours=("kubeadm", "kind"))
def a_rollout_is_not_taken_up(scene: Scene) -> Answer:
    nodes = _part_down(scene, "kube-controller-manager")
    program = scene.pick(where=lambda one: one.kind == "Deployment" and one.replicas > 1)
    image = f"{program.container['image']}-hotfix"
    _unnoticed(
        scene,
        program,
        lambda spec: spec["template"].update(
            spec={
                **spec["template"]["spec"],
                "containers": [{**spec["template"]["spec"]["containers"][0], "image": image}],
            }
        ),
    )
    return _of_control_plane("controller_manager_unavailable", nodes)


@way("controller_manager_unavailable", flavours=("kubeadm", "kind"))
def a_deleted_pod_is_not_replaced(scene: Scene) -> Answer:
    """Somebody scaled up and deleted a pod; nothing happens to either wish."""
    nodes = _part_down(scene, "kube-controller-manager")
    program = scene.pick(where=lambda one: one.kind == "Deployment" and one.replicas > 1)
    wanted = program.replicas + 2
    _unnoticed(scene, program, lambda spec: spec.update(replicas=wanted))
    return _of_control_plane("controller_manager_unavailable", nodes)


def _unnoticed(scene: Scene, program: Program, edit: object) -> None:
    """A change of the spec that no controller has observed: the generation is ahead of the status."""

    def hook(objects: list[Object]) -> None:
        for one in objects:
            if (
                one["kind"] == "Deployment"
                and one["metadata"]["name"] == program.name
                and one["metadata"]["namespace"] == program.namespace
            ):
                one["metadata"]["generation"] += 1
                assert callable(edit)
                edit(one["spec"])

    scene.after(hook)


@way("coredns_unavailable")
def its_configuration_cannot_be_parsed(scene: Scene) -> Answer:
    dns = scene.agent("coredns")
    holder = scene.find("ConfigMap", "coredns", "kube-system")
    holder["data"]["Corefile"] = holder["data"]["Corefile"].replace("forward .", "forwad .")
    _dns_crashes(scene, dns, "/etc/coredns/Corefile:12 - Error during parsing: Unknown directive 'forwad'")
    return _dns(scene, dns)


@way("coredns_unavailable")
def it_forwards_to_itself(scene: Scene) -> Answer:
    dns = scene.agent("coredns")
    _dns_crashes(
        scene,
        dns,
        '[FATAL] plugin/loop: Loop (127.0.0.1:55953 -> :53) detected for zone ".", see https://coredns.io/plugins/loop#troubleshooting. Query: "HINFO 4547991504243258144.3688648895315093531."',
    )
    return _dns(scene, dns)


@way("coredns_unavailable")
def it_was_scaled_to_nothing(scene: Scene) -> Answer:
    dns = scene.agent("coredns")
    scene.scale(dns, 0, scene.onset)
    return _dns(scene, dns)


def _dns_crashes(scene: Scene, dns: Program, line: str) -> None:
    for pod in dns.pods:
        scene.crashing(pod, 1, lived=1)
        scene.say(pod, "", line, at=scene.ago(seconds=70), raw=True)
        scene.say(pod, "", line, at=scene.ago(seconds=390), raw=True, previous=True)
        crash_alert(scene, pod)


def _dns(scene: Scene, dns: Program) -> Answer:
    """Everybody's lookups fail; established connections go on."""
    ip = dns.service.cluster_ip if dns.service else "10.96.0.10"
    for program in scene.programs:
        for pod in program.pods:
            for call in program.calls[:2]:
                scene.keeps_saying(
                    pod,
                    "ERROR",
                    f"dial tcp: lookup {call.host} on {ip}:53: {scene.dice.choice(['read udp: i/o timeout', 'connection refused', 'server misbehaving'])}",
                    times=3,
                )
    target = scene.programs[-1]
    scene.probe("dns", f"{target.namespace}/{target.name}", ok=False, detail=f"lookup on {ip}:53: i/o timeout")
    scene.alert("CoreDNSDown", "CoreDNS has disappeared from Prometheus target discovery.", job="kube-dns")
    scene.sources.only_namespace = False
    return Answer("coredns_unavailable", dns.component, frozenset({"objects"}), frozenset({"Deployment", "ReplicaSet"}))


# --- networks and clocks ------------------------------------------------------------------------------------------------------


def _slow_network(scene: Scene, node: Node, *, loss: bool) -> None:
    if loss:
        scene.bend(node, "retransmits", to=scene.dice.uniform(60, 200))
        scene.bend(node, "drops", to=scene.dice.uniform(20, 90))
    scene.bend(node, "rtt", to=scene.curve(node, "rtt").base * 3 if loss else scene.dice.uniform(0.12, 0.3))
    for pod in _mine(scene, node):
        scene.bend(pod, "rtt", to=0.2 if not loss else 0.004)
        if loss:
            scene.bend(pod, "retransmits", to=scene.dice.uniform(8, 25))
        _bend_program(scene, pod.program, 4 if not loss else 2.5)
        for caller in scene.callers(pod.program):
            _bend_program(scene, caller, 2)
        _wait_of(scene, pod, loss=loss)


def _bend_program(scene: Scene, program: Program, times: float) -> None:
    curve = scene.curve(program, "latency")
    if curve.after is None:
        scene.bend(program, "latency", times=times)


def _wait_of(scene: Scene, pod: Pod, *, loss: bool) -> None:
    for call in pod.program.calls[:2]:
        text = f"call to {call.host}:{call.port} took {scene.dice.randrange(600, 2400)} ms"
        if loss:
            text = scene.dice.choice(
                [
                    f"read tcp {pod.ip}:49822->{call.host}:{call.port}: read: connection reset by peer",
                    f"dial tcp {call.host}:{call.port}: i/o timeout",
                ]
            )
        scene.keeps_saying(pod, "WARN", text, times=4)


def _measured(scene: Scene) -> None:
    scene.sources.metrics = sorted({*scene.sources.metrics, "node", "computed"})


@way("node_network_delay")
def one_host_is_far_away(scene: Scene) -> Answer:
    node = _busy(scene)
    _slow_network(scene, node, loss=False)
    _measured(scene)
    return _right("node_network_delay", node, "metrics", "objects")


@way("node_network_delay")
def one_host_is_slow_and_probes_see_it(scene: Scene) -> Answer:
    node = _busy(scene)
    _slow_network(scene, node, loss=False)
    _measured(scene)
    for other in scene.nodes:
        scene.probe(
            "tcp",
            f"{other.ip}:10250",
            ok=True,
            detail=f"connected in {scene.dice.randrange(210, 320) if other is node else 1} ms",
        )
    scene.alert("HighPingLatency", f"Round trip to {node.name} is above 100 ms", node=node.name)
    return _right("node_network_delay", node, "metrics", "objects")


@way("node_network_packet_loss")
def a_cable_is_bad(scene: Scene) -> Answer:
    node = _busy(scene)
    _slow_network(scene, node, loss=True)
    _measured(scene)
    return _right("node_network_packet_loss", node, "metrics", "objects")


@way("node_network_packet_loss")
def an_interface_drops(scene: Scene) -> Answer:
    node = _busy(scene)
    _slow_network(scene, node, loss=True)
    _measured(scene)
    scene.alert(
        "NodeNetworkReceiveErrs",
        f"{node.name} interface eth0 has encountered 4211 receive errors in the last two minutes.",
        node=node.name,
        device="eth0",
    )
    return _right("node_network_packet_loss", node, "metrics", "objects")


@way("node_clock_skew")
def clock_is_minutes_off(scene: Scene) -> Answer:
    node = _busy(scene)
    scene.bend(
        node, "clock_offset", to=scene.dice.choice([-1, 1]) * scene.dice.uniform(40, 400), since=scene.ago(minutes=70)
    )
    _tokens(scene, node)
    _measured(scene)
    return _right("node_clock_skew", node, "metrics", "objects")


@way("node_clock_skew")
def clock_is_not_synchronised(scene: Scene) -> Answer:
    node = _busy(scene)
    scene.bend(node, "clock_offset", to=scene.dice.uniform(5, 30), shape="ramp")
    _tokens(scene, node)
    _told(scene, node, "NodeClockSkewDetected")
    scene.alert(
        "NodeClockNotSynchronising",
        f"Clock at {node.ip}:9100 is not synchronising. Ensure NTP is configured on this host.",
        node=node.name,
        instance=f"{node.ip}:9100",
    )
    return _right("node_clock_skew", node, "alerts", "objects")


def _tokens(scene: Scene, node: Node) -> None:
    now = scene.taken_at
    texts = [
        f"x509: certificate has expired or is not yet valid: current time {stamp(now - timedelta(minutes=6))} is before {stamp(now)}",
        "token used before issued",
        "jwt rejected: nbf is in the future",
    ]
    for pod in _mine(scene, node)[:3]:
        scene.keeps_saying(pod, "ERROR", scene.dice.choice(texts), times=5)


# --- pressure -----------------------------------------------------------------------------------------------------------------


def _pressed(scene: Scene, node: Node, kind: str, reason: str, message: str, taint: str) -> None:
    at = stamp(scene.onset)
    node.conditions[kind] = {"status": "True", "reason": reason, "message": message, "lastTransitionTime": at}
    node.taints.append({"key": f"node.kubernetes.io/{taint}", "effect": "NoSchedule", "timeAdded": at})
    scene.event(
        node,
        f"NodeHas{kind}" if kind == "DiskPressure" else f"NodeHasInsufficient{kind.removesuffix('Pressure')}",
        f"Node {node.name} status is now: {reason.replace('Kubelet', 'Node')}",
        type="Normal",
    )


def _evict(scene: Scene, node: Node, message: str) -> None:
    for pod in [one for one in _mine(scene, node) if one.program.kind == "Deployment"][: scene.dice.randrange(1, 4)]:
        at = scene.later(scene.onset, 20, 200)
        scene.event(pod, "Evicted", message, first=at)
        scene.event(pod, "Killing", f"Stopping container {pod.program.main}", type="Normal", first=at)
        pod.phase, pod.reason, pod.message, pod.ip, pod.silent = "Failed", "Evicted", message, "", True
        scene.new_pod(pod.program, at + timedelta(seconds=2), _others(scene, node))


@way("node_disk_pressure")
def images_and_logs_filled_the_disk(scene: Scene) -> Answer:
    node = _busy(scene)
    _pressed(scene, node, "DiskPressure", "KubeletHasDiskPressure", "kubelet has disk pressure", "disk-pressure")
    scene.event(node, "EvictionThresholdMet", "Attempting to reclaim ephemeral-storage", count=9)
    scene.event(
        node,
        "FreeDiskSpaceFailed",
        "Failed to garbage collect required amount of images. Attempted to free 12884901888 bytes, but only found 0 bytes eligible to free.",
        count=4,
    )
    _evict(
        scene,
        node,
        "The node was low on resource: ephemeral-storage. Threshold quantity: 10120387530, available: 7112Mi. ",
    )
    scene.bend(node, "disk_available", to=0.04, shape="ramp", since=scene.ago(minutes=70))
    _told(scene, node, "NodeFilesystemAlmostOutOfSpace")
    return _right("node_disk_pressure", node, "objects")


@way("node_disk_pressure")
def pressure_came_with_one_writer(scene: Scene) -> Answer:
    node = _busy(scene)
    _pressed(scene, node, "DiskPressure", "KubeletHasDiskPressure", "kubelet has disk pressure", "disk-pressure")
    _evict(
        scene,
        node,
        "The node was low on resource: ephemeral-storage. Threshold quantity: 4299161600, available: 3002Mi. Container app was using 31Gi, request is 0, has larger consumption of ephemeral-storage. ",
    )
    scene.bend(node, "disk_available", to=0.05)
    return _right("node_disk_pressure", node, "objects")


@way("node_memory_pressure")
def memory_of_the_node_ran_out(scene: Scene) -> Answer:
    node = _busy(scene)
    _pressed(
        scene,
        node,
        "MemoryPressure",
        "KubeletHasInsufficientMemory",
        "kubelet has insufficient memory available",
        "memory-pressure",
    )
    scene.event(node, "EvictionThresholdMet", "Attempting to reclaim memory", count=6)
    _evict(
        scene,
        node,
        "The node was low on resource: memory. Threshold quantity: 100Mi, available: 71368Ki. Container app was using 918Mi, request is 128Mi, has larger consumption of memory. ",
    )
    scene.bend(node, "memory_available", to=90 * 1024**2, shape="ramp")
    _told(scene, node, "NodeMemoryHighUtilization")
    return _right("node_memory_pressure", node, "objects")


@way("node_memory_pressure")
def the_kernel_killed_first(scene: Scene) -> Answer:
    node = _busy(scene)
    _pressed(
        scene,
        node,
        "MemoryPressure",
        "KubeletHasInsufficientMemory",
        "kubelet has insufficient memory available",
        "memory-pressure",
    )
    scene.event(node, "SystemOOM", "System OOM encountered, victim process: java, pid: 31337", count=2)
    scene.bend(node, "memory_available", to=60 * 1024**2)
    for pod in _mine(scene, node)[:1]:
        at = stamp(scene.later(scene.onset, 5, 60))
        before: Object = {
            "terminated": {"exitCode": 137, "reason": "OOMKilled", "startedAt": stamp(pod.created), "finishedAt": at}
        }
        pod.states[pod.program.main] = State({"running": {"startedAt": at}}, True, 1, before)
    return _right("node_memory_pressure", node, "objects")


@way("node_pid_pressure")
def process_ids_ran_out(scene: Scene) -> Answer:
    node = _busy(scene)
    _pressed(
        scene,
        node,
        "PIDPressure",
        "KubeletHasInsufficientPID",
        "kubelet has insufficient PID available",
        "pid-pressure",
    )
    scene.event(node, "EvictionThresholdMet", "Attempting to reclaim pids", count=5)
    scene.bend(node, "pids", to=32600, shape="ramp")
    for pod in _mine(scene, node)[:3]:
        text = {
            "java": "java.lang.OutOfMemoryError: unable to create native thread: possibly out of memory or process/resource limits reached",
            "go": "runtime/cgo: pthread_create failed: Resource temporarily unavailable",
        }.get(pod.program.language, "fork: retry: Resource temporarily unavailable")
        scene.keeps_saying(pod, "ERROR", text, times=3)
    return _right("node_pid_pressure", node, "objects")


@way("node_pid_pressure")
def evictions_for_process_ids(scene: Scene) -> Answer:
    node = _busy(scene)
    _pressed(
        scene,
        node,
        "PIDPressure",
        "KubeletHasInsufficientPID",
        "kubelet has insufficient PID available",
        "pid-pressure",
    )
    _evict(scene, node, "The node was low on resource: pids. Threshold quantity: 1638, available: 1022. ")
    scene.bend(node, "pids", to=31900)
    return _right("node_pid_pressure", node, "objects")
