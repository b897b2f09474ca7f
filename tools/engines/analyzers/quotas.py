"""Quotas of a namespace that keep pods, Services or claims from being created.

The API server's sentence names the quota, the resource and the three numbers. Without it, what one more pod would add is set against
used and hard of every quota whose scopes the pod falls under. A full quota alone hurts nobody: of Services and storage, where the refused
object is nowhere to be seen, somebody must want it, and what is only full is said as a latent fact.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from core.language import Text
from tools.engines.addresses import Address, Meant, meant
from tools.engines.diagnosis import Component, Evidence
from tools.engines.finding import Finding, evidence
from tools.engines.graph import Graph
from tools.engines.heard import heard
from tools.engines.objects import Object, component, dig, mapping, name_of, namespace_of, rows
from tools.engines.placement import amount_text, requests
from tools.engines.program import Program
from tools.engines.quantity import parse
from tools.engines.shortage import misses_pods, refusals
from tools.engines.snapshot import Event, Snapshot
from tools.engines.volumes import class_of

_EXCEEDED = re.compile(r"exceeded quota: (\S+?), requested: (.*?), used: (.*?), limited: ([^\s;\]\"]*)")
_UNNAMED = re.compile(r"failed quota: (\S+?): must specify ([\w./,: -]+)")
_NAMES = {
    "namespace_cpu_quota_exceeded": Text("CPU", "CPU"),
    "namespace_memory_quota_exceeded": Text("memory", "内存"),
    "namespace_pod_quota_exceeded": Text("pods", "Pod 数量"),
    "namespace_service_quota_exceeded": Text("Services", "Service 数量"),
    "namespace_storage_quota_exceeded": Text("storage", "存储"),
}
_OBJECTS = {"namespace_service_quota_exceeded": "Service", "namespace_storage_quota_exceeded": "PersistentVolumeClaim"}
_CONTROLLERS = {"ReplicaSet", "StatefulSet", "DaemonSet", "Job", "Deployment"}
_FULL = 1 - 1e-9
MOST_PROOF = 3
RECENT = timedelta(minutes=20)


@dataclass(frozen=True, slots=True)
class Excess:
    """One resource of a quota that something does not fit into."""

    quota: str
    resource: str
    requested: str
    used: str
    hard: str

    @property
    def fault(self) -> str:
        return fault_of(self.resource)

    @property
    def over(self) -> float:
        hard = parse(self.hard) or 0.0
        wanted = (parse(self.requested) or 0.0) + (parse(self.used) or 0.0)
        return wanted / hard if hard else float("inf")


@dataclass(slots=True)
class _Case:
    """What is known of one quota fault of one namespace."""

    excess: Excess
    proof: list[Evidence]
    victims: dict[Component, None]
    latent: bool = False


_Cases = dict[tuple[str, str], _Case]


def quotas_that_are_used_up(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:
    cases: _Cases = {}
    _by_sentence(snapshot, cases)
    _by_pods(snapshot, cases)
    _by_what_is_wanted(snapshot, graph, cases)
    _by_recent_refusal(snapshot, cases)
    for (namespace, fault), case in cases.items():
        yield _finding(namespace, fault, case)


def fault_of(resource: str) -> str:
    """Which of the quota faults a resource of a quota belongs to; empty for those that are none."""
    name = resource.removeprefix("requests.").removeprefix("limits.")
    if name == "cpu":
        return "namespace_cpu_quota_exceeded"
    if name == "memory" or name.startswith("hugepages-"):
        return "namespace_memory_quota_exceeded"
    if "storage" in name or "persistentvolumeclaims" in name:
        return "namespace_storage_quota_exceeded"
    if name.startswith("services") or name == "count/services":
        return "namespace_service_quota_exceeded"
    workloads = {"pods", "count/pods", "count/replicasets.apps", "count/jobs.batch"}
    return "namespace_pod_quota_exceeded" if name in workloads else ""


def _by_sentence(snapshot: Snapshot, cases: _Cases) -> None:
    told: set[tuple[str, Component]] = set()
    for one in refusals(snapshot):
        excess = _told(one.message)
        if excess and (one.source, one.component) not in told:
            told.add((one.source, one.component))
            proof = evidence(one.source, one.ref, one.message, one.at, weight=0.8 if one.source == "event" else 0.7)
            _add(cases, one.component.namespace or "", excess, proof, [one.component])
    for event in reversed(snapshot.events):
        # Of Services and claims whoever asked for them may be the one that tells.
        excess = _told(event.message) if event.kind not in _CONTROLLERS else []
        if excess and excess[0].fault in _OBJECTS:
            place = event.name if event.kind == "Namespace" else _where(snapshot, event.namespace, excess[0].quota)
            victim = snapshot.maker_of(snapshot.get(event.kind, event.namespace, event.name) or _unseen(event))
            proof = evidence("event", event.ref, event.message, event.at, weight=0.8)
            _add(cases, place, excess, proof, [] if event.kind == "Namespace" else [victim])


def _where(snapshot: Snapshot, told: str, quota: str) -> str:
    """The namespace of a quota by this name: a deployer's event stands in the deployer's namespace and speaks of another's."""
    places = {namespace_of(one) for one in snapshot.of("ResourceQuota") if name_of(one) == quota}
    return next(iter(places)) if len(places) == 1 else told


def _unseen(event: Event) -> Object:
    return {"kind": event.kind, "metadata": {"namespace": event.namespace, "name": event.name}}


def _told(message: str) -> list[Excess]:
    """What a sentence says was exceeded, the most exceeded first."""
    found = []
    for quota, *parts in _EXCEEDED.findall(message):
        asked, used, hard = (dict(pair.split("=", 1) for pair in part.split(",") if "=" in pair) for part in parts)
        found += [Excess(quota, key, asked[key], used.get(key, ""), hard.get(key, "")) for key in asked]
    for quota, names in _UNNAMED.findall(message):
        first = re.split(r"[, ]", names.strip().split(" for:")[0])[0]
        found.append(Excess(quota, first, "", "", ""))
    return sorted((one for one in found if one.fault), key=lambda one: -one.over)


def _add(cases: _Cases, namespace: str, excess: list[Excess], proof: Evidence, victims: list[Component]) -> None:
    """The most exceeded resource bears the blame; another family beside it is told, and weighs little."""
    for one in {each.fault: each for each in reversed(excess)}.values():
        case = cases.setdefault((namespace, one.fault), _Case(one, [], {}))
        case.victims |= dict.fromkeys(victims)
        weight = proof.weight if one.fault == excess[0].fault else 0.3
        if len(case.proof) < MOST_PROOF:
            case.proof.append(proof.model_copy(update={"weight": weight}))


def _by_pods(snapshot: Snapshot, cases: _Cases) -> None:
    """What one more pod, or a claim that is made for it, would add."""
    quotas = _quotas(snapshot)
    others = {one.component for one in refusals(snapshot) if not _told(one.message)}
    for program in snapshot.programs if quotas else ():
        near = quotas.get(program.namespace, [])
        if not near or program.component in others or not misses_pods(snapshot, program):
            continue
        for quota in near:
            claims = [one for asked in _claims_of_one(program) for one in _excess(quota, asked)]
            excess = claims + (list(_excess(quota, _one_more(snapshot, program))) if _covers(quota, program) else [])
            if excess:
                worst = max(excess, key=lambda one: one.over)
                ref = f"{component(quota)} status.used[{worst.resource}]"
                shown = (
                    f"{worst.resource}: {worst.used} of {worst.hard} used, and one more pod asks for {worst.requested}"
                )
                _add(
                    cases,
                    program.namespace,
                    [worst],
                    evidence("kubernetes", ref, shown, weight=0.85),
                    [program.component],
                )


def _claims_of_one(program: Program) -> Iterator[dict[str, float]]:
    """What each claim of one more pod adds, in all and of its class."""
    for template in rows(program.obj, "spec", "volumeClaimTemplates"):
        size = parse(dig(template, "spec", "resources", "requests", "storage")) or 0.0
        of_class = f"{class_of(template)}.storageclass.storage.k8s.io/"
        yield {
            "requests.storage": size,
            "persistentvolumeclaims": 1.0,
            "count/persistentvolumeclaims": 1.0,
            f"{of_class}requests.storage": size,
            f"{of_class}persistentvolumeclaims": 1.0,
        }


def _quotas(snapshot: Snapshot) -> dict[str, list[Object]]:
    found: dict[str, list[Object]] = {}
    for quota in snapshot.of("ResourceQuota"):
        found.setdefault(namespace_of(quota), []).append(quota)
    return found


def _excess(quota: Object, asked: dict[str, float]) -> Iterator[Excess]:
    hard = mapping(quota, "status", "hard") or mapping(quota, "spec", "hard")
    for resource, amount in asked.items():
        used, most = mapping(quota, "status", "used").get(resource), hard.get(resource)
        have, bound = parse(used), parse(most)
        if have is not None and bound is not None and amount > 0 and have + amount > bound * (1 + 1e-9):
            yield Excess(name_of(quota), resource, amount_text(amount), str(used), str(most))


def _one_more(snapshot: Snapshot, program: Program) -> dict[str, float]:
    """What one pod of it adds, under every name that a quota may count it by."""
    asked = requests(_with_defaults(snapshot, program.spec, program.namespace))
    limits_only = {"containers": [_limits_as_requests(row) for row in rows(program.spec, "containers")]}
    limits = requests(_with_defaults(snapshot, limits_only, program.namespace, "default"))
    found = {"pods": 1.0, "count/pods": 1.0}
    for resource, amount in asked.items():
        found |= {f"requests.{resource}": amount, resource: amount}
    return found | {f"limits.{resource}": amount for resource, amount in limits.items()}


def _limits_as_requests(container: Object) -> Object:
    return {"resources": {"requests": mapping(container, "resources", "limits")}}


def _with_defaults(snapshot: Snapshot, spec: Object, namespace: str, key: str = "defaultRequest") -> Object:
    """The spec with what a LimitRange gives to containers that say nothing."""
    given = [row for one in snapshot.of("LimitRange", namespace) for row in rows(one, "spec", "limits")]
    defaults = {
        name: value for row in given if row.get("type") == "Container" for name, value in mapping(row, key).items()
    }
    filled = []
    for container in rows(spec, "containers"):
        own = mapping(container, "resources", "limits") | mapping(container, "resources", "requests")
        filled.append({**container, "resources": {"requests": defaults | own}})
    return {**spec, "containers": filled}


def _covers(quota: Object, program: Program) -> bool:
    """Whether the quota's scopes take in the pods of this program."""
    named = dig(quota, "spec", "scopes")
    scopes = [str(one) for one in named] if isinstance(named, list) else []
    given = any(mapping(row, "resources", key) for row in program.containers for key in ("requests", "limits"))
    ends = dig(program.spec, "activeDeadlineSeconds") is not None
    truth = {"BestEffort": not given, "NotBestEffort": given, "Terminating": ends, "NotTerminating": not ends}
    for row in rows(quota, "spec", "scopeSelector", "matchExpressions"):
        scope, values = str(row.get("scopeName")), row.get("values") or []
        if scope != "PriorityClass":
            scopes.append(scope)
            continue
        own = dig(program.spec, "priorityClassName")
        holds = {"In": own in values, "NotIn": own not in values, "Exists": bool(own), "DoesNotExist": not own}
        if not holds.get(str(row.get("operator")), True):
            return False
    return all(truth.get(scope, True) for scope in scopes)


def _by_what_is_wanted(snapshot: Snapshot, graph: Graph, cases: _Cases) -> None:
    for quota in snapshot.of("ResourceQuota"):
        used = mapping(quota, "status", "used")
        for resource, hard in (mapping(quota, "status", "hard") or mapping(quota, "spec", "hard")).items():
            excess = Excess(name_of(quota), resource, "", str(used.get(resource, "")), str(hard))
            _full(snapshot, graph, cases, quota, excess)


def _full(snapshot: Snapshot, graph: Graph, cases: _Cases, quota: Object, one: Excess) -> None:
    namespace = namespace_of(quota)
    told = (namespace, one.fault) in cases
    if one.fault not in _OBJECTS or parse(one.used) is None or (one.over < _FULL and not told):
        return
    of_services = _OBJECTS[one.fault] == "Service"
    wanting = dict(
        _missing_services(snapshot, graph, namespace) if of_services else _missing_claims(snapshot, namespace)
    )
    ref, quote = f"{component(quota)} status.used[{one.resource}]", f"{one.resource}: {one.used} of {one.hard} used"
    case = cases.setdefault((namespace, one.fault), _Case(one, [], {}, latent=not wanting))
    case.latent = case.latent and not wanting
    if one.over >= _FULL:
        case.proof.append(evidence("kubernetes", ref, quote, weight=0.8 if wanting else 0.5))
    case.proof += [evidence("kubernetes", str(who), why, weight=0.5) for who, why in list(wanting.items())[:2]]
    case.victims |= dict.fromkeys(wanting)


def _by_recent_refusal(snapshot: Snapshot, cases: _Cases) -> None:
    """All pods are there by now, but lately one was refused, and there is still no room for the next."""
    for event in reversed(snapshot.events):
        if event.reason != "FailedCreate" or not event.at or snapshot.taken_at - event.at > RECENT:
            continue
        for one in _told(event.message)[:1]:
            quota = snapshot.get("ResourceQuota", event.namespace, one.quota)
            if (event.namespace, one.fault) not in cases and quota and _is_still_full(quota, one):
                where = f"{component(quota)} status.used[{one.resource}]"
                still = evidence(
                    "kubernetes", where, f"{_used(quota, one)} of {_hard(quota, one)} used, still", weight=0.4
                )
                proof = [evidence("event", event.ref, event.message, event.at, weight=0.5), still]
                cases[(event.namespace, one.fault)] = _Case(one, proof, {})


def _is_still_full(quota: Object, one: Excess) -> bool:
    used, wanted, hard = (parse(amount) for amount in (_used(quota, one), one.requested, _hard(quota, one)))
    return used is not None and hard is not None and used + (wanted or 0.0) > hard


def _used(quota: Object, one: Excess) -> str:
    return str(mapping(quota, "status", "used").get(one.resource) or "")


def _hard(quota: Object, one: Excess) -> str:
    return str((mapping(quota, "status", "hard") or mapping(quota, "spec", "hard")).get(one.resource) or "")


def _missing_services(snapshot: Snapshot, graph: Graph, namespace: str) -> Iterator[tuple[Component, str]]:
    """Who wants a Service of this namespace that is not there."""
    yield from _names_not_found(snapshot, namespace)
    if not snapshot.of("Service") and not snapshot.reads("Service"):
        return
    for program in snapshot.programs:
        for address in graph.addresses_of(program):
            target = meant(snapshot, address, program.namespace)
            if target.state == "missing" and target.namespace == namespace and _names_a_program(snapshot, target):
                yield program.component, f"it calls {address.host}, and there is no such Service"
        governing = dig(program.obj, "spec", "serviceName")
        if program.namespace == namespace and governing and not snapshot.get("Service", namespace, str(governing)):
            yield program.component, f"spec.serviceName: {governing}, and there is no such Service"
    for ingress in snapshot.of("Ingress", namespace):
        for rule in rows(ingress, "spec", "rules"):
            for path in rows(rule, "http", "paths"):
                named = dig(path, "backend", "service", "name")
                if named and not snapshot.get("Service", namespace, str(named)):
                    yield component(ingress), f"its backend {named} is no Service of this namespace"


def _names_not_found(snapshot: Snapshot, namespace: str) -> Iterator[tuple[Component, str]]:
    """Callers that do not find the name of a program which runs, unless a Service of that name was read."""
    for program in snapshot.speakers:
        for one in heard(snapshot, program, "no_such_host"):
            host = one.said.target.partition(":")[0]
            target = meant(snapshot, Address(host, None, ""), program.namespace)
            is_made = snapshot.get("Service", target.namespace, target.name) is not None
            if host and not is_made and target.namespace == namespace and _names_a_program(snapshot, target):
                yield program.component, f"it does not find {host}, though there is a workload of this name"


def _names_a_program(snapshot: Snapshot, target: Meant) -> bool:
    """Whether a missing Service has the name of a program, so that it is the Service that is wrong and not the address."""
    kinds = ("Deployment", "StatefulSet", "DaemonSet")
    return any(snapshot.get(kind, target.namespace, target.name) for kind in kinds)


def _missing_claims(snapshot: Snapshot, namespace: str) -> Iterator[tuple[Component, str]]:
    """Who wants a claim that could not be made: one that a template names, or one of a StatefulSet short of pods."""
    if not snapshot.of("PersistentVolumeClaim") and not snapshot.reads("PersistentVolumeClaim"):
        return
    for program in snapshot.programs:
        if program.namespace != namespace:
            continue
        for row in rows(program.spec, "volumes"):
            named = dig(row, "persistentVolumeClaim", "claimName")
            if named and not snapshot.get("PersistentVolumeClaim", namespace, str(named)):
                yield program.component, f"it mounts claim {named}, which does not exist"
        if rows(program.obj, "spec", "volumeClaimTemplates") and misses_pods(snapshot, program):
            yield program.component, "pods with claims of their own are missing"


def _finding(namespace: str, fault: str, case: _Case) -> Finding:
    one, what = case.excess, _NAMES[fault]
    who = ", ".join(str(each) for each in list(case.victims)[:3])
    short_en = f" {who} cannot get what it asks for." if who else ""
    short_zh = f"{who} 因此得不到所需资源。" if who else ""
    asked_en = f", and {one.requested} more are asked for" if one.requested else ""
    asked_zh = f"，还需要 {one.requested}" if one.requested else ""
    numbers_en = (
        f"{one.resource} has {one.used} of {one.hard} used{asked_en}" if one.used else f"{one.resource} must be stated"
    )
    numbers_zh = f"{one.resource} 已用 {one.used}/{one.hard}{asked_zh}" if one.used else f"必须声明 {one.resource}"
    return Finding(
        fault=fault,
        category="admission",
        component=Component(kind="Namespace", name=namespace),
        words=Text(
            f"ResourceQuota {namespace}/{one.quota} leaves no {what('en')}: {numbers_en}.{short_en} "
            f"Raise spec.hard[{one.resource}], or free what is not needed.",
            f"ResourceQuota {namespace}/{one.quota} 的{what('zh')}配额不足：{numbers_zh}。{short_zh}"
            f"请调高 spec.hard[{one.resource}]，或释放不需要的资源。",
        ),
        evidence=tuple(case.proof),
        onset=min((item.at for item in case.proof if item.at), default=None),
        latent=case.latent,
        harms=tuple(case.victims),
        facts={
            "quota": one.quota,
            "resource": one.resource,
            "used": one.used,
            "hard": one.hard,
            "requested": one.requested,
        },
    )
