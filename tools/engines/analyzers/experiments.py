"""What somebody does to a program on purpose and left running: fault experiments, traffic control and load makers, read from the objects.

An experiment's own object says what it breaks and on whom. A container whose command shapes its network or burns processor time does so to
its own pod; one that uses the node's network does it to the node.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from core.language import Text
from tools.engines.diagnosis import Component
from tools.engines.finding import Finding, evidence
from tools.engines.graph import Graph
from tools.engines.labels import selects
from tools.engines.objects import Object, component, dig, kind_of, mapping, namespace_of, rows
from tools.engines.program import Program
from tools.engines.quantity import parse
from tools.engines.snapshot import Snapshot

SLOW_WIRE = 2e6
_QDISC = r"\btc\s+qdisc\s+(?:add|replace|change)\b.*?"
_NETEM = re.compile(rf"{_QDISC}\bnetem\b.*?\b(delay|loss|corrupt|rate)\b|{_QDISC}\b(tbf)\b", re.DOTALL)
_BURNS = re.compile(
    r"\bstress(?:-ng)?\b.*?(?:--cpu\b|-c\s*\d)|\byes\s*>\s*/dev/null|\b(?:sha256|md5)sum\s+/dev/(?:zero|urandom)",
    re.DOTALL,
)
_WIRE = ("kubernetes.io/egress-bandwidth", "kubernetes.io/ingress-bandwidth")
_NETWORK_ACTIONS = {
    "delay": "pod_network_delay",
    "bandwidth": "pod_network_delay",
    "loss": "pod_network_loss",
    "corrupt": "pod_network_loss",
}
_OF_NODE = {"pod_network_delay": "node_network_delay", "pod_network_loss": "node_network_packet_loss"}


def experiments_that_run(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:  # noqa: ARG001
    for kind in ("NetworkChaos", "StressChaos", "TimeChaos", "IOChaos"):
        for experiment in snapshot.of(kind):
            fault = _fault_of(experiment)
            if fault and not _is_over(experiment):
                for who in _meant(snapshot, experiment):
                    yield _experiment(experiment, fault, who)


def networks_and_processors_that_a_command_spoils(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:  # noqa: ARG001
    for program in snapshot.programs:
        for place, text in _commands(program):
            fault = _spoils(text)
            if fault:
                yield from _by_command(program, fault, place, text)
        wire = _narrow(program)
        if wire:
            yield _by_bandwidth(program, *wire)


def _fault_of(experiment: Object) -> str:
    action = str(dig(experiment, "spec", "action") or "")
    if kind_of(experiment) == "NetworkChaos":
        return _NETWORK_ACTIONS.get(action, "")
    if kind_of(experiment) == "StressChaos":
        stressors = mapping(experiment, "spec", "stressors")
        return "pod_cpu_overload" if "cpu" in stressors else "memory_leak" if "memory" in stressors else ""
    return {"IOChaos": "disk_io_saturated"}.get(kind_of(experiment), "")


def _is_over(experiment: Object) -> bool:
    """Stopped, or it has recovered whom it had injected."""
    if str(dig(experiment, "metadata", "annotations", "experiment.chaos-mesh.org/pause")).lower() == "true":
        return True
    done = {str(row.get("type")): str(row.get("status")) for row in rows(experiment, "status", "conditions")}
    return done.get("AllRecovered") == "True" or dig(experiment, "status", "experiment", "desiredPhase") == "Stop"


def _meant(snapshot: Snapshot, experiment: Object) -> list[Component]:
    selector = mapping(experiment, "spec", "selector")
    places = selector.get("namespaces") if isinstance(selector.get("namespaces"), list) else [namespace_of(experiment)]
    labels, pods = mapping(selector, "labelSelectors"), mapping(selector, "pods")
    told = [
        (str(place), str(name)) for place, names in pods.items() for name in (names if isinstance(names, list) else ())
    ]
    named = [pod for place, name in told if (pod := snapshot.get("Pod", place, name))]
    chosen = [
        program.component
        for program in snapshot.programs
        if program.namespace in (places or []) and labels and selects(labels, program.labels)
    ]
    return list(dict.fromkeys([*chosen, *(snapshot.maker_of(pod) for pod in named)]))


def _experiment(experiment: Object, fault: str, who: Component) -> Finding:
    name = component(experiment)
    action = str(dig(experiment, "spec", "action") or "") or ", ".join(mapping(experiment, "spec", "stressors"))
    return Finding(
        fault,
        "runtime" if fault == "memory_leak" else "performance",
        who,
        Text(
            f"{name} does this to {who} on purpose ({action}). Stop the experiment.",
            f"{name} 正在对 {who} 做故障演练（{action}）。请停止该演练。",
        ),
        (evidence("kubernetes", f"{name} spec", f"{action} on {who}", weight=0.8),),
    )


def _commands(program: Program) -> Iterator[tuple[str, str]]:
    for list_name in ("containers", "initContainers", "ephemeralContainers"):
        for container in rows(program.spec, list_name):
            text = " ".join(_strings(container.get("command")) + _strings(container.get("args")))
            yield f"{program.ref}.{list_name}[{container.get('name')}].command", text
            for hook in ("postStart", "preStop"):
                said = _strings(dig(container, "lifecycle", hook, "exec", "command"))
                if hook == "postStart" and said:
                    yield f"{program.ref}.{list_name}[{container.get('name')}].lifecycle.{hook}", " ".join(said)


def _strings(value: Any) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []


def _spoils(text: str) -> str:
    found = _NETEM.search(text)
    if found:
        return "pod_network_loss" if found[1] in {"loss", "corrupt"} else "pod_network_delay"
    return "pod_cpu_overload" if _BURNS.search(text) else ""


def _by_command(program: Program, fault: str, place: str, text: str) -> Iterator[Finding]:
    proof = (evidence("kubernetes", place, text, weight=0.8),)
    if program.spec.get("hostNetwork") and fault in _OF_NODE:
        for node in sorted({str(dig(pod, "spec", "nodeName") or "") for pod in program.pods} - {""}):
            who = Component(kind="Node", name=node)
            yield Finding(_OF_NODE[fault], "infrastructure", who, _said(place, who), proof)
        return
    yield Finding(fault, "performance", program.component, _said(place, program.component), proof)


def _said(place: str, who: Component) -> Text:
    return Text(
        f"{place} spoils {who} by itself. Take that command away.", f"{place} 自身就在破坏 {who}。请去掉该命令。"
    )


def _narrow(program: Program) -> tuple[str, str] | None:
    """A bandwidth that is less than a slow line's."""
    for key in _WIRE:
        told = dig(program.template, "metadata", "annotations", key)
        amount = parse(told)
        if amount is not None and amount <= SLOW_WIRE:
            return key, str(told)
    return None


def _by_bandwidth(program: Program, key: str, told: str) -> Finding:
    who = program.component
    return Finding(
        "pod_network_delay",
        "performance",
        who,
        Text(
            f"The annotation {key} allows the pods of {who} only {told} bits a second. Raise it or take it away.",
            f"注解 {key} 只允许 {who} 的 Pod 使用 {told} bit/s 带宽。请调高或删除该注解。",
        ),
        (evidence("kubernetes", f"{who} spec.template.metadata.annotations[{key}]", told, weight=0.6),),
        latent=True,
    )
