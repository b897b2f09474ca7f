"""Two containers of one pod that want the same port: the network is one, so the second cannot bind it.

Kubernetes accepts such a template. What is declared twice is a suspicion that counts once the pods are unwell; "address already in use"
in the log of one of several containers is nearly proof, and both together are.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

from core.language import Text
from tools.engines.finding import Finding, evidence
from tools.engines.graph import Graph
from tools.engines.heard import Heard, as_evidence, heard
from tools.engines.objects import (
    Object,
    listed,
    restarts,
    rows,
)
from tools.engines.program import Program
from tools.engines.snapshot import Snapshot
from tools.engines.unwell import is_unwell, waiting_reason

_PORT_VARIABLE = re.compile(
    r"(?i)^(?:(?:http|server|listen|app|grpc|bind|service|admin|metrics)_?)?(?:port|listen_?addr(?:ess)?|bind_?addr(?:ess)?)$"
)
_PORT_ARGUMENT = re.compile(
    r"(?i)--?(?:[\w.-]{0,30}[.-])?(?:port|listen(?:[.-]addr(?:ess)?)?|addr(?:ess)?|bind)(?:=| )\S{0,40}?:?(\d{2,5})\b"
)


def containers_that_want_one_port(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:  # noqa: ARG001
    for program in snapshot.programs:
        together = [
            *program.containers,
            *(one for one in rows(program.spec, "initContainers") if one.get("restartPolicy") == "Always"),
        ]
        if len(together) < 2:
            continue
        lines = heard(snapshot, program, "address_in_use")
        twice = _wanted_twice(program, together)
        if lines or twice:
            yield _conflict(snapshot, program, lines, twice)


def _wanted_twice(program: Program, together: list[Object]) -> dict[int, list[tuple[str, str]]]:
    """Ports that several containers want, each with the containers and the fields that say so."""
    wanted: dict[int, dict[str, str]] = defaultdict(dict)
    for container in together:
        name = str(container.get("name"))
        for port, field in _ports(container):
            wanted[port].setdefault(name, f"{program.ref}.containers[{name}].{field}")
    return {port: list(by_name.items()) for port, by_name in wanted.items() if len(by_name) > 1}


def _ports(container: Object) -> Iterator[tuple[int, str]]:
    for port in rows(container, "ports"):
        if isinstance(number := port.get("containerPort"), int) and port.get("protocol") in (None, "TCP"):
            yield number, "ports"
    for variable in rows(container, "env"):
        name, value = str(variable.get("name") or ""), variable.get("value")
        if (
            isinstance(value, str)
            and _PORT_VARIABLE.match(name)
            and (found := re.search(r"(?:^|:)(\d{2,5})$", value.strip()))
        ):
            yield int(found[1]), f"env[{name}]"
    words = [word for key in ("command", "args") for word in listed(container, key) if isinstance(word, str)]
    for found in _PORT_ARGUMENT.finditer(" ".join(words)[:4_000]):
        yield int(found[1]), "args"


def _one_falls(program: Program, names: list[str]) -> bool:
    """Whether one of the containers, and not all of them, is the one that does not stay up."""
    down = {
        str(status.get("name"))
        for pod in program.pods
        for status in rows(pod, "status", "containerStatuses")
        if status.get("name") in names and (waiting_reason(status) or (not status.get("ready") and restarts(status)))
    }
    return 0 < len(down) < len(names)


def _conflict(
    snapshot: Snapshot, program: Program, lines: list[Heard], twice: dict[int, list[tuple[str, str]]]
) -> Finding:
    said = next((one.said.target for one in lines if one.said.target.isdigit()), "")
    port = int(said) if said else next(iter(twice), 0)
    holders, who = twice.get(port, []), program.component
    names = " and ".join(name for name, _ in holders[:3]) or (lines[0].key.container if lines else "")
    weight = 0.8 if _one_falls(program, [name for name, _ in holders]) else 0.6 if is_unwell(snapshot, program) else 0.4
    said_so = f"{names} of one pod want port {port}"
    declared = [evidence("kubernetes", holders[1][1], said_so, weight=weight)] if holders else []
    which, which_zh = (f"port {port}", f"端口 {port}") if port else ("a port", "同一端口")
    return Finding(
        fault="service_sidecar_port_conflict",
        category="runtime",
        component=who,
        words=Text(
            f"{who}: {which} is taken twice inside one pod ({names}), so one container cannot start. Give it another port.",
            f"{who}：同一 Pod 内 {which_zh} 被重复占用（{names}），其中一个容器无法启动。请为其改用其他端口。",
        ),
        evidence=(*as_evidence(lines, 0.8), *declared),
        onset=min((one.said.first for one in lines if one.said.first), default=None),
        latent=not lines and not is_unwell(snapshot, program),
        facts={"port": port},
    )
