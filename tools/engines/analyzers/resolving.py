"""Programs that do not find names that exist: their pods ask another resolver, search nowhere, or are told a wrong address for a host.

Only one program suffers; where all do, it is the cluster's own DNS. So a log's sentence alone counts for little, and for nothing where
most programs say the same.
"""

import re
from collections.abc import Iterable, Iterator

from core.language import Text
from tools.engines.addresses import Address, meant
from tools.engines.diagnosis import Component, Evidence
from tools.engines.finding import Finding, evidence
from tools.engines.graph import Graph
from tools.engines.heard import Heard, as_evidence, heard
from tools.engines.objects import (
    component,
    dig,
    is_ready,
    listed,
    mapping,
    rows,
)
from tools.engines.program import Program
from tools.engines.snapshot import Snapshot
from tools.engines.unwell import is_unwell

SYSTEM = "kube-system"
LOST = ("no_such_host", "dns_unavailable")
MANY = 2
_COMMENT = re.compile(r"#[^\n]*")
_PLUGIN = re.compile(r"(?m)^[ \t]+kubernetes\b[ \t]*([^\n{]*)")
_BLOCK = re.compile(r"(?m)^(?:dns://)?([\w.-]*?)\.?(?::\d+)?[ \t]*\{")
_DOMAIN = re.compile(r"\.svc\.([\w.-]+?)\.?$")
LOCAL = ("169.254.", "127.")


def names_that_one_program_does_not_find(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:
    suffering = {
        program.component: lines
        for program in snapshot.speakers
        if (lines := [one for one in heard(snapshot, program, *LOST) if _exists(snapshot, program, one)])
    }
    for program in [*snapshot.programs, *snapshot.unseen]:
        called = [one for one in graph.addresses_of(program) if meant(snapshot, one, program.namespace).service]
        settings = list(_settings(snapshot, program, called))
        lines = suffering.get(program.component, [])
        if settings and program.namespace != SYSTEM:
            yield _finding(snapshot, program, settings, lines, uses=bool(called))
        elif len(suffering) == 1 and lines and any(one.said.meaning == "no_such_host" for one in lines):
            yield _finding(snapshot, program, [], lines, uses=True)


def resolvers_that_do_not_know_the_cluster(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:
    """The cluster's own DNS answers, and denies what exists: its configuration names another zone, or none."""
    lines = {
        program.component: found
        for program in snapshot.speakers
        if (found := [one for one in heard(snapshot, program, "no_such_host") if _exists(snapshot, program, one)])
    }
    names = {one.said.target.partition(":")[0].partition(".")[0] for found in lines.values() for one in found}
    for server in [one for one in snapshot.programs if one.namespace == SYSTEM and _is_resolver(one)]:
        settings = list(_zones(snapshot, graph))
        many = len(lines) >= MANY and len(names) >= MANY and any(is_ready(pod) for pod in server.pods)
        if settings or many:
            yield _denying(server, settings, lines)


def _is_resolver(program: Program) -> bool:
    return "kube-dns" in _called(program) or "coredns" in _called(program)


def _called(program: Program) -> tuple[object, str]:
    return mapping(program.labels).get("k8s-app"), program.name


def _zones(snapshot: Snapshot, graph: Graph) -> Iterator[Evidence]:
    domains = {
        match[1]
        for one in snapshot.programs
        for address in graph.addresses_of(one)
        if (match := _DOMAIN.search(address.host))
    }
    expected = domains or {"cluster.local"}
    for config in snapshot.of("ConfigMap", SYSTEM):
        corefile = mapping(config, "data").get("Corefile")
        if not isinstance(corefile, str) or not corefile.strip():
            continue
        text = _COMMENT.sub("", corefile)
        zones = [zone.rstrip(".") for found in _PLUGIN.findall(text) for zone in found.split()]
        blocks = _BLOCK.findall(text)
        known = {zone for zone in zones or blocks if not zone.endswith(".arpa")}
        ref = f"{component(config)} data[Corefile]"
        if not _PLUGIN.search(text):
            yield evidence("kubernetes", ref, "there is no kubernetes plugin in it", weight=0.85)
        elif "" not in known and not any(_holds(zone, expected) for zone in known):
            yield evidence("kubernetes", ref, f"kubernetes {' '.join(zones)}; names end in {min(expected)}", weight=0.8)


def _holds(zone: str, expected: set[str]) -> bool:
    return any(domain == zone or domain.endswith(f".{zone}") for domain in expected)


def _denying(server: Program, settings: list[Evidence], lines: dict[Component, list[Heard]]) -> Finding:
    who = server.component
    why_en = f" ({settings[0].ref}: {settings[0].quote})" if settings else ""
    return Finding(
        fault="service_dns_resolution_failure",
        category="service routing",
        component=who,
        words=Text(
            f"{who} answers that Services which exist do not exist{why_en}: no program finds the others by name. Correct its Corefile "
            "(the zone of the kubernetes plugin is the cluster's domain) and see that it is loaded again.",
            f"{who} 对存在的 Service 返回域名不存在{why_en}，程序之间无法按名字互访。"
            "请修正 Corefile（kubernetes 插件的 zone 应为集群域名）并确认已重新加载。",
        ),
        evidence=(*settings, *as_evidence([one for found in lines.values() for one in found], 0.5)),
        onset=min((one.said.first for found in lines.values() for one in found if one.said.first), default=None),
        latent=not lines,
        harms=tuple(lines),
    )


def _exists(snapshot: Snapshot, program: Program, one: Heard) -> bool:
    host = one.said.target.partition(":")[0]
    return bool(host) and meant(snapshot, Address(host, None, ""), program.namespace).service is not None


def _settings(snapshot: Snapshot, program: Program, called: list[Address]) -> Iterator[Evidence]:
    spec = program.spec
    policy = dig(spec, "dnsPolicy") or "ClusterFirst"
    servers = [one for one in dig(spec, "dnsConfig", "nameservers") or () if isinstance(one, str)]
    on_host = policy == "ClusterFirst" and spec.get("hostNetwork") is True
    if (policy == "Default" or (on_host and called)) and not _knows(snapshot, servers):
        said = "Default" if policy == "Default" else "ClusterFirst with hostNetwork"
        quote = f"{said}: asks the node's resolver, which knows no Service"
        yield evidence("kubernetes", f"{program.ref}.dnsPolicy", quote, weight=0.6 if on_host else 0.85)
    elif policy == "None" and servers and not _knows(snapshot, servers):
        quote = f"{', '.join(servers)}, none of them the cluster's"
        yield evidence("kubernetes", f"{program.ref}.dnsConfig.nameservers", quote, weight=0.85)
    elif policy == "None" and not any(dig(spec, "dnsConfig", "searches") or ()):
        short = next((one for one in called if one.host.count(".") < 3 and not one.host[:1].isdigit()), None)
        if short:
            quote = f"none, so {short.host} is looked up as it stands"
            yield evidence("kubernetes", f"{program.ref}.dnsConfig.searches", quote, weight=0.85)
    yield from _aliases(snapshot, program)


def _aliases(snapshot: Snapshot, program: Program) -> Iterator[Evidence]:
    for row in rows(program.spec, "hostAliases"):
        for host in (one for one in listed(row, "hostnames") if isinstance(one, str)):
            service = meant(snapshot, Address(host, None, ""), program.namespace).service
            own = dig(service, "spec", "clusterIP")
            if service and own not in {None, "", "None", row.get("ip")}:
                quote = f"{host} is {row.get('ip')} here; {component(service)} has {own}"
                yield evidence("kubernetes", f"{program.ref}.hostAliases", quote, weight=0.85)


def _knows(snapshot: Snapshot, servers: list[str]) -> bool:
    """Whether one of them is the cluster's DNS, as far as that is known."""
    own = {
        str(dig(service, "spec", "clusterIP"))
        for service in snapshot.of("Service", SYSTEM)
        if mapping(service, "spec", "selector").get("k8s-app") in ("kube-dns", "coredns")
    }
    private = not own and any(one.startswith(("10.", "172.", "192.168.")) for one in servers)
    return private or any(one in own or one.startswith(LOCAL) for one in servers)


def _finding(
    snapshot: Snapshot, program: Program, settings: list[Evidence], lines: list[Heard], *, uses: bool
) -> Finding:
    who = program.component
    if settings:
        en = f"It is told so by {settings[0].ref}: {settings[0].quote}. Set dnsPolicy to ClusterFirst and take the override out."
        zh = f"原因在 {settings[0].ref}：{settings[0].quote}。请把 dnsPolicy 改回 ClusterFirst 并去掉覆盖项。"
    else:
        host = lines[0].said.target
        en = f"{host} is a Service that exists, and no other program misses it. Look at /etc/resolv.conf in its pods."
        zh = f"{host} 是存在的 Service，且其他程序解析正常。请检查该 Pod 的 /etc/resolv.conf。"
    return Finding(
        fault="service_dns_resolution_failure",
        category="service routing",
        component=who,
        words=Text(f"{who} cannot resolve names of Services. {en}", f"{who} 无法解析 Service 域名。{zh}"),
        evidence=(*settings, *as_evidence(lines, 0.55)),
        onset=min((one.said.first for one in lines if one.said.first), default=None),
        explainable=not settings,
        latent=not lines and not uses and not is_unwell(snapshot, program),
    )
