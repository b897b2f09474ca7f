"""Programs that do not find names that exist: their pods ask another resolver, search nowhere, or are told a wrong address for a host.

Only one program suffers; where all do, it is the cluster's own DNS. So a log's sentence alone counts for little, and for nothing where
most programs say the same.
"""

from collections.abc import Iterable, Iterator

from core.language import Text
from tools.engines.addresses import Address, meant
from tools.engines.diagnosis import Evidence
from tools.engines.finding import Finding, evidence
from tools.engines.graph import Graph
from tools.engines.heard import Heard, as_evidence, heard
from tools.engines.objects import component, dig, mapping, rows
from tools.engines.program import Program
from tools.engines.snapshot import Snapshot
from tools.engines.unwell import is_unwell

SYSTEM = "kube-system"
LOST = ("no_such_host", "dns_unavailable")
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
        for host in (one for one in row.get("hostnames") or () if isinstance(one, str)):
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
        if mapping(service, "spec", "selector").get("k8s-app") in {"kube-dns", "coredns"}
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
