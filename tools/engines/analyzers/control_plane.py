"""Parts of the control plane that do not work: the scheduler, the controller manager, cluster DNS, and a node's kube-proxy.

The scheduler and the controller manager are silent when they are gone, so their absence is read from what is not done: pods without a node
and without a word about it, generations that nobody observed. Their own pods, leases and active checks say it directly where they can be
seen; in a managed cluster they cannot, and then a missing pod means nothing. What is to be changed is the node that they run on.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta

from core.language import Text
from tools.engines.diagnosis import Component, Evidence
from tools.engines.finding import Finding, evidence
from tools.engines.graph import Graph
from tools.engines.nodestate import (
    asked,
    control_plane,
    first,
    is_set_aside,
    last_renewed,
    on_it,
    pod_named,
    said,
    stale_lease,
)
from tools.engines.objects import (
    Object,
    component,
    dig,
    is_ready,
    is_unready,
    mapping,
    name_of,
    namespace_of,
    readiness_since,
    restarts,
    rows,
    statuses,
    when,
    whole,
)
from tools.engines.program import Program
from tools.engines.snapshot import Snapshot

SYSTEM = "kube-system"
PATIENCE = timedelta(seconds=60)
MAX_SHOWN = 3
_DNS_LABELS = (
    {"k8s-app": "kube-dns"},
    {"k8s-app": "coredns"},
    {"app.kubernetes.io/name": "coredns"},
    {"app": "coredns"},
)
_NO_SCHEDULER = Text(
    "The scheduler does not run: {count} pod(s) wait for a node, and nothing was said about them. It runs on node {node}: "
    "look at the static pod kube-scheduler there (its log, /etc/kubernetes/manifests).",
    "调度器没有运行：{count} 个 Pod 等待分配节点，却没有任何调度事件。它运行在节点 {node} 上："
    "请检查该节点的静态 Pod kube-scheduler（日志、/etc/kubernetes/manifests）。",
)
_NO_MANAGER = Text(
    "The controller manager does not run: changes of {count} workload(s) are not acted upon. It runs on node {node}: "
    "look at the static pod kube-controller-manager there (its log, /etc/kubernetes/manifests).",
    "控制器管理器没有运行：{count} 个工作负载的变更无人处理。它运行在节点 {node} 上："
    "请检查该节点的静态 Pod kube-controller-manager（日志、/etc/kubernetes/manifests）。",
)
_NOTHING_YET = Text(
    "{part} does not run on node {node}; nothing that waits for it has been seen yet. "
    "Look at its static pod there (its log, /etc/kubernetes/manifests).",
    "节点 {node} 上的 {part} 没有运行，暂未发现受其影响的工作负载。请检查该节点上的静态 Pod（日志、/etc/kubernetes/manifests）。",
)
_NO_DNS = Text(
    "Cluster DNS does not answer: {dns} has {ready} ready pod(s). Every name of a Service fails; bring {dns} back first.",
    "集群 DNS 不可用：{dns} 就绪 Pod 数为 {ready}，所有 Service 域名都无法解析。请先恢复 {dns}。",
)
_NO_PROXY = Text(
    "kube-proxy does not work on node {node}: from there Services are not reached. Restart its pod; drain the node if it stays.",
    "节点 {node} 上的 kube-proxy 不工作：该节点无法访问 Service。请重启其 Pod，仍不恢复则排空节点。",
)
_NO_PROXIES = Text(
    "kube-proxy runs on no node: new and changed Services are not reached. Look at what keeps the pods of DaemonSet kube-system/kube-proxy "
    "away (spec.template.spec.nodeSelector, its image, its ConfigMap).",
    "所有节点上都没有可用的 kube-proxy，Service 无法访问。请检查 DaemonSet kube-system/kube-proxy 的 Pod 为何缺失"
    "（spec.template.spec.nodeSelector、镜像、ConfigMap）。",
)


def schedulers_that_are_silent(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:  # noqa: ARG001
    waiting = list(_unnoticed(snapshot))
    proof = [*_part(snapshot, "kube-scheduler"), *(_no_word(pod) for pod in waiting[:MAX_SHOWN])]
    if _is_telling(proof, bool(waiting)):
        makers = tuple(dict.fromkeys(snapshot.maker_of(pod) for pod in waiting))
        yield _of_the_plane(snapshot, "kube_scheduler_unavailable", "kube-scheduler", _NO_SCHEDULER, proof, makers)


def managers_that_are_silent(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:  # noqa: ARG001
    behind = list(_unobserved(snapshot))
    own = list(_part(snapshot, "kube-controller-manager"))
    behind += _uncounted(snapshot) if own else ()
    if not own and len(behind) == 1 and _renews(snapshot, "kube-controller-manager"):
        return  # it lives, and one thing that it has not taken up is that thing's trouble
    proof = [*own, *(item for _, item in behind[:MAX_SHOWN])]
    if _is_telling(proof, bool(behind)):
        makers = tuple(program.component for program, _ in behind)
        yield _of_the_plane(
            snapshot, "controller_manager_unavailable", "kube-controller-manager", _NO_MANAGER, proof, makers
        )


def _renews(snapshot: Snapshot, part: str) -> bool:
    """Whether its lease was read and is fresh."""
    return last_renewed(snapshot, SYSTEM, part) is not None and not any(stale_lease(snapshot, SYSTEM, part, 0.7))


def dns_that_does_not_answer(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:  # noqa: ARG001
    servers = [one for one in snapshot.programs if one.namespace == SYSTEM and _is_dns(one)]
    lookups = list(_failed_lookups(snapshot))
    for server in servers:
        if about := _none_ready(snapshot, server):
            yield _dns_finding(snapshot, server.component, 0, [about, *(item for _, item in lookups[:MAX_SHOWN])])
    failed = [
        probe
        for checks in asked(snapshot).values()
        for name, probe in checks.items()
        if name == "coredns" and not probe.ok
    ]
    if failed:
        whose = servers[0].component if servers else Component(kind="Deployment", namespace=SYSTEM, name="coredns")
        yield _dns_finding(snapshot, whose, 0, [said(probe, 0.8) for probe in failed])


def _none_ready(snapshot: Snapshot, program: Program) -> Evidence | None:
    """That it has no ready pod: as its pods tell where all of them were read, else as its object counts them."""
    all_seen = snapshot.counts_pods(program.namespace) or 0 < (program.wanted or 0) <= len(program.pods)
    if (all_seen or program.obj is None) and program.pods and all(mapping(pod, "status") for pod in program.pods):
        if any(map(is_ready, program.pods)):
            return None
        pod = program.pods[0]
        quote = f"0 of {len(program.pods)} pods ready; {_state(pod)}"
        return evidence("kubernetes", f"{component(pod)} status.conditions[Ready]", quote, weight=0.85)
    if program.told_ready != 0:
        return None
    key = "numberReady" if program.component.kind == "DaemonSet" else "readyReplicas"
    quote = f"0 of {program.wanted or 0} ready"
    return evidence("kubernetes", f"{program.component} status.{key}", quote, weight=0.85)


def proxies_that_do_not_work(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:  # noqa: ARG001
    checks, bad = asked(snapshot), {name: list(proof) for name, proof in _bad_proxies(snapshot).items()}
    for node, services in checks.items():
        probe = services.get("kube-proxy")
        if probe and not probe.ok and not ("kubelet" in services and not services["kubelet"].ok):
            bad.setdefault(node, []).append(said(probe, 0.85))
    if not bad:
        yield from _proxies_nowhere(snapshot)
    for node, proof in bad.items():
        obj = snapshot.get("Node", None, node)
        yield Finding(
            fault="kube_proxy_unavailable",
            category="infrastructure",
            component=Component(kind="Node", name=node),
            words=Text(_NO_PROXY.en.format(node=node), _NO_PROXY.zh.format(node=node)),
            evidence=tuple(proof),
            onset=min((item.at for item in proof if item.at), default=None),
            latent=bool(obj and is_set_aside(snapshot, obj)),
            harms=on_it(snapshot, node),
        )


def _of_the_plane(
    snapshot: Snapshot, fault: str, part: str, words: Text, proof: Sequence[Evidence], harms: tuple[Component, ...]
) -> Finding:
    node = _node_of_part(snapshot, part)
    told = {"count": len(harms), "node": node or "?", "part": part}
    words = words if harms else _NOTHING_YET
    own = tuple(component(pod) for pod in pod_named(snapshot, SYSTEM, part) if is_unready(pod))
    return Finding(
        fault=fault,
        category="infrastructure",
        component=Component(kind="Node", name=node) if node else Component(kind="Pod", namespace=SYSTEM, name=part),
        words=Text(words.en.format(**told), words.zh.format(**told)),
        evidence=tuple(proof),
        onset=min((item.at for item in proof if item.at), default=None),
        latent=not harms and not _is_seen_twice(proof) and not any(stale_lease(snapshot, SYSTEM, part, 0.7)),
        harms=(*harms, *own),
        facts={"waiting": len(harms), "node": node},
    )


def _is_seen_twice(proof: Sequence[Evidence]) -> bool:
    """Its pod and its lease agree, so that it does not run anywhere, though nobody has asked anything of it yet."""
    return len({item.ref.split()[0] for item in proof if item.weight >= 0.7}) > 1


def _is_telling(proof: Sequence[Evidence], harm: bool) -> bool:
    """Its own pod or lease must speak, or an active check; what is not done is enough only where several things are not done."""
    strong = any(item.weight >= 0.7 for item in proof)
    return strong or (harm and any(item.weight >= 0.5 for item in proof))


def _node_of_part(snapshot: Snapshot, part: str) -> str:
    for node, services in asked(snapshot).items():
        if part in services and not services[part].ok:
            return node
    for pod in pod_named(snapshot, SYSTEM, part):
        node = dig(pod, "spec", "nodeName")
        if isinstance(node, str) and node:
            return node
        return name_of(pod).removeprefix(f"{part}-")
    planes = control_plane(snapshot)
    holder = str(dig(snapshot.get("Lease", SYSTEM, part), "spec", "holderIdentity") or "").split("_")[0]
    return holder if holder in planes or (holder and not planes) else first(planes)


def _part(snapshot: Snapshot, part: str) -> Iterator[Evidence]:
    """What is seen of a part of the control plane itself."""
    for services in asked(snapshot).values():
        if part in services and not services[part].ok:
            yield said(services[part], 0.85)
    yield from stale_lease(snapshot, SYSTEM, part, 0.7)
    pods = pod_named(snapshot, SYSTEM, part)
    for pod in pods:
        if is_unready(pod) and dig(pod, "status", "phase") != "Succeeded":
            yield evidence("kubernetes", f"{component(pod)} status", _state(pod), readiness_since(pod), weight=0.75)
    if not pods and snapshot.counts_pods(SYSTEM) and pod_named(snapshot, SYSTEM, "kube-apiserver"):
        quote = f"no pod {part}-* beside the kube-apiserver's"
        yield evidence("kubernetes", f"Pods in {SYSTEM}", quote, weight=0.7)


def _state(pod: Object) -> str:
    for status in statuses(pod):
        waiting, ended = mapping(status, "state", "waiting"), mapping(status, "lastState", "terminated")
        ended = ended or mapping(status, "state", "terminated")
        if waiting or ended:
            told = [waiting.get("reason"), ended.get("reason"), str(ended.get("message") or "")[:200]]
            why = ", ".join(str(part) for part in told if part)
            return f"{status.get('name')} not ready: {why}; {restarts(status)} restarts"
    return f"not ready, phase {dig(pod, 'status', 'phase')}"


def _no_word(pod: Object) -> Evidence:
    return evidence(
        "kubernetes", f"{component(pod)} spec.nodeName", "no node, and no FailedScheduling event", weight=0.6
    )


def _unnoticed(snapshot: Snapshot) -> Iterator[Object]:
    """Pods that have waited for a node for a while and of which nobody has said why."""
    for pod in snapshot.pods_on(""):
        begun = statuses(pod) or dig(pod, "status", "hostIP") or dig(pod, "status", "startTime")
        if begun or dig(pod, "status", "phase") != "Pending" or dig(pod, "spec", "schedulingGates"):
            continue
        own = dig(pod, "spec", "schedulerName")
        told = any(row.get("type") == "PodScheduled" and row.get("reason") for row in rows(pod, "status", "conditions"))
        events = [
            event for event in snapshot.events_of(pod) if event.reason in {"FailedScheduling", "Scheduled", "Preempted"}
        ]
        born = when(dig(pod, "metadata", "creationTimestamp"))
        waited = born is None or snapshot.taken_at - born > PATIENCE
        if own in (None, "", "default-scheduler") and not told and not events and waited:
            yield pod


def _unobserved(snapshot: Snapshot) -> Iterator[tuple[Program, Evidence]]:
    """Workloads whose newest wish nobody has taken up."""
    for program in snapshot.programs:
        wanted, observed = (
            whole(dig(program.obj, "metadata", "generation")),
            whole(dig(program.obj, "status", "observedGeneration")),
        )
        if (
            program.obj is None
            or program.component.kind not in {"Deployment", "StatefulSet", "DaemonSet"}
            or wanted is None
            or "status" not in program.obj  # one that came without it is not one that nobody has taken up
        ):
            continue
        is_told = observed is not None or not _is_counted(program.obj)
        if is_told and (observed or 0) < wanted and _is_settled(snapshot, program.obj):
            quote = f"generation {wanted}, observed {observed}"
            yield program, evidence("kubernetes", f"{program.component} status.observedGeneration", quote, weight=0.6)


def _uncounted(snapshot: Snapshot) -> Iterator[tuple[Program, Evidence]]:
    """Workloads whose ReplicaSets count pods that are gone: nobody has noticed, and nobody makes new ones."""
    for program in snapshot.programs:
        for made in snapshot.owned_by(program.obj, "ReplicaSet") if program.obj and snapshot.reads("Pod") else ():
            counted, there = whole(dig(made, "status", "replicas")) or 0, len(snapshot.owned_by(made, "Pod"))
            if min(counted, whole(dig(made, "spec", "replicas")) or 0) > there:
                quote = f"{counted} counted, {there} there"
                yield program, evidence("kubernetes", f"{component(made)} status.replicas", quote, weight=0.4)


def _is_counted(obj: Object) -> bool:
    """Whether its controller has written its pods' number: it was there then, and an object without the rest was cut."""
    status = mapping(obj, "status")
    return any(key in status for key in ("readyReplicas", "availableReplicas", "numberReady", "desiredNumberScheduled"))


def _is_settled(snapshot: Snapshot, obj: Object) -> bool:
    """Whether the last change is old enough for a controller to have seen it."""
    times = [when(row.get("time")) for row in rows(obj, "metadata", "managedFields")]
    times.append(when(dig(obj, "metadata", "creationTimestamp")))
    latest = max((at for at in times if at), default=None)
    return latest is None or snapshot.taken_at - latest > PATIENCE / 2


def _is_dns(program: Program) -> bool:
    labels = program.labels
    named = any(all(labels.get(key) == value for key, value in wanted.items()) for wanted in _DNS_LABELS)
    return (named or program.name in {"coredns", "kube-dns"}) and "autoscaler" not in program.name


def _failed_lookups(snapshot: Snapshot) -> Iterator[tuple[Component, Evidence]]:
    for program in snapshot.programs:
        for key, log in snapshot.logs_of(program):
            told = log.said("dns_unavailable", "no_such_host")
            if told:
                yield program.component, evidence("log", str(key), told[-1].text, told[-1].last, weight=0.4)
                break


def _dns_finding(snapshot: Snapshot, whose: Component, ready: int, proof: list[Evidence]) -> Finding:
    told = {"dns": str(whose), "ready": ready}
    return Finding(
        fault="coredns_unavailable",
        category="infrastructure",
        component=whose,
        words=Text(_NO_DNS.en.format(**told), _NO_DNS.zh.format(**told)),
        evidence=tuple(proof),
        explainable=True,
        harms=tuple(one.component for one in snapshot.programs if one.namespace != SYSTEM),
        facts={"ready": ready},
    )


def _proxies_nowhere(snapshot: Snapshot) -> Iterator[Finding]:
    """The DaemonSet itself, where none of its pods works; latent, because another program may have taken its place by intent."""
    for program in snapshot.programs:
        named = program.namespace == SYSTEM and program.name == "kube-proxy" and program.component.kind == "DaemonSet"
        about = _none_ready(snapshot, program) if named else None
        if about is None or not (program.pods or snapshot.counts_pods(SYSTEM)):
            continue
        yield Finding(
            fault="kube_proxy_unavailable",
            category="infrastructure",
            component=program.component,
            words=_NO_PROXIES,
            evidence=(about,),
            explainable=True,
            latent=True,
            harms=tuple(one.component for one in snapshot.programs if one.namespace != SYSTEM),
        )


def _bad_proxies(snapshot: Snapshot) -> dict[str, list[Evidence]]:
    """By node what is wrong with its kube-proxy pod; nodes whose kubelet is silent are another fault's."""
    found: dict[str, list[Evidence]] = {}
    pods = [
        pod for pod in snapshot.present_pods() if namespace_of(pod) == SYSTEM and name_of(pod).startswith("kube-proxy")
    ]
    alive = {name_of(node) for node in snapshot.of("Node") if is_ready(node)}
    for pod in pods:
        node = str(dig(pod, "spec", "nodeName") or "")
        if is_unready(pod) and node and (node in alive or not snapshot.of("Node")):
            found[node] = [
                evidence("kubernetes", f"{component(pod)} status", _state(pod), readiness_since(pod), weight=0.8)
            ]
    covered = {str(dig(pod, "spec", "nodeName")) for pod in pods}
    if snapshot.counts_pods(SYSTEM) and pods and len(alive - covered) == 1 and len(covered) >= 2:
        node = next(iter(alive - covered))
        found[node] = [
            evidence("kubernetes", f"Pods in {SYSTEM}", f"no kube-proxy pod on {node}, one on each other", weight=0.7)
        ]
    return found if len(found) < max(2, len(alive)) else {}
