"""Would a node take this pod: the scheduler's filter, done again from the objects, each node taken by itself.

The scheduler's sentence counts nodes and hides what its later filters would have said; here every filter is asked of every node, so that
one can see which single requirement keeps the pod off all of them. Reserved amounts come from the requests of the pods that were read.
An obstacle is lasting when no other pod has to leave for it to hold: a request above all that the node has, a label it does not carry.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import Any

from tools.engines.crowding import Crowd, Repulsion, as_key, holds, matches, terms
from tools.engines.objects import (
    Object,
    dig,
    is_ready,
    mapping,
    name_of,
    namespace_of,
    rows,
    whole,
)
from tools.engines.quantity import parse
from tools.engines.snapshot import Snapshot

CONTROL_PLANE = {"node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"}
CORDON = "node.kubernetes.io/unschedulable"
_CONDITION = ("node.kubernetes.io/", "node.cloudprovider.kubernetes.io/")
_HARD = {"NoSchedule", "NoExecute"}
_ALMOST = 1e-6
MAX_ASKED = 100_000
"""Pairs of what pods ask for and a node."""
Amounts = dict[str, float]


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Kinds: selector, affinity, cordon, taint, control_plane, condition, cpu, memory, device, amount, pods, host_port, anti_affinity,
    pod_affinity, spread, volume."""

    kind: str
    node: str
    detail: str
    lasting: bool = False
    path: str = ""


class Places:
    """All nodes with what is on them, to be asked for one pod after another."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self.nodes = snapshot.of("Node")
        self.crowd = Crowd(snapshot, self.labels)
        self._asked: dict[str, dict[str, list[Obstacle]]] = {}
        self._near: dict[str, str] = {}
        self._largest: dict[str, str] = {}

    def obstacles(self, pod: Object) -> dict[str, list[Obstacle]]:
        """By node what keeps the pod off it; a node with an empty list would take it."""
        return self.answer(pod)[1]

    def answer(self, pod: Object) -> tuple[str, dict[str, list[Obstacle]]]:
        """The same under the name of all that the pod asks for; nothing once so much was asked that the rest must be left to sentences."""
        rules = _Rules(self, pod)
        if rules.key not in self._asked:
            if (len(self._asked) + 1) * len(self.nodes) > MAX_ASKED and self._asked:
                return rules.key, {}
            self._asked[rules.key] = {name_of(node): rules.on(node) for node in self.nodes}
        return rules.key, self._asked[rules.key]

    @cached_property
    def reserved(self) -> dict[str, Amounts]:
        found: dict[str, Amounts] = {}
        for node in self.nodes:
            amounts: Amounts = defaultdict(float)
            for pod in self._snapshot.pods_on(name_of(node)):
                amounts["pods"] += 1
                for resource, amount in requests(mapping(pod, "spec")).items():
                    amounts[resource] += amount
            found[name_of(node)] = amounts
        return found

    @cached_property
    def labels(self) -> dict[str, dict[str, Any]]:
        """Of each node; values are text, so that any may be the name of a domain."""
        return {
            name_of(node): {k: str(v) for k, v in mapping(node, "metadata", "labels").items() if v is not None}
            for node in self.nodes
        }

    @cached_property
    def values(self) -> dict[str, dict[str, None]]:
        """What the nodes carry under each label."""
        found: dict[str, dict[str, None]] = {}
        for node in self.nodes:
            for key, value in mapping(node, "metadata", "labels").items():
                found.setdefault(key, {})[str(value)] = None
        return found

    def nearest_label(self, key: str) -> str:
        if key not in self._near:
            close = [key] if key in self.values else get_close_matches(key, self.values, 1, 0.6)
            self._near[key] = next(iter(close), "")
        return self._near[key]

    def largest(self, resource: str) -> str:
        """The most that any node has of it."""
        if resource not in self._largest:
            amounts = (parse(str(dig(node, "status", "allocatable", resource) or "")) or 0.0 for node in self.nodes)
            most = max(amounts, default=0.0)
            self._largest[resource] = amount_text(most) if most else ""
        return self._largest[resource]

    @cached_property
    def taken_ports(self) -> dict[str, list[tuple[set[tuple[int, str]], Object]]]:
        """By node the pods on it that have ports of the node itself."""
        return {
            name: [(ports, pod) for pod in self._snapshot.pods_on(name) if (ports := host_ports(mapping(pod, "spec")))]
            for name in self.labels
        }

    def volumes_of(self, pod: Object) -> Iterator[Object]:
        for row in rows(pod, "spec", "volumes"):
            claim = self._snapshot.get(
                "PersistentVolumeClaim", namespace_of(pod), str(dig(row, "persistentVolumeClaim", "claimName") or "")
            )
            volume = self._snapshot.get("PersistentVolume", None, str(dig(claim, "spec", "volumeName") or ""))
            if volume:
                yield volume


class _Rules:
    """What one pod asks of a node; the rules that look at other pods are worked out once for all nodes."""

    def __init__(self, places: Places, pod: Object) -> None:
        self._places, self._pod, self._spec = places, pod, mapping(pod, "spec")
        self._wanted = requests(self._spec)
        self._tolerations = rows(self._spec, "tolerations")
        self._ports = host_ports(self._spec)
        self._volumes = list(places.volumes_of(pod))
        self._asked: tuple[Callable[[Object], Iterator[Obstacle]], ...] = (
            self._selector, self._affinity, self._taints, self._amounts, self._host_ports, self._volume_places,
            self._repelled, self._attracted, self._spread,
        )  # fmt: skip

    def on(self, node: Object) -> list[Obstacle]:
        return [obstacle for ask in self._asked for obstacle in ask(node)]

    def _selector(self, node: Object) -> Iterator[Obstacle]:
        labels = mapping(node, "metadata", "labels")
        for key, value in mapping(self._spec, "nodeSelector").items():
            if labels.get(key) != value:
                yield Obstacle("selector", name_of(node), f"{key}={value}", True, f"nodeSelector[{key}]")

    def _affinity(self, node: Object) -> Iterator[Obstacle]:
        required = dig(self._spec, "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution")
        terms = rows(required, "nodeSelectorTerms")
        if required is not None and not any(node_matches(term, node) for term in terms):
            shown = " or ".join(_shown(term) for term in terms)
            yield Obstacle("affinity", name_of(node), shown, True, "affinity.nodeAffinity.required...nodeSelectorTerms")

    def _taints(self, node: Object) -> Iterator[Obstacle]:
        name = name_of(node)
        closed = bool(dig(node, "spec", "unschedulable"))
        bearable = any(_tolerates(one, CORDON, "", "NoSchedule") for one in self._tolerations)
        if closed and not bearable:
            yield Obstacle("cordon", name, "spec.unschedulable: true", True)
        ill = rows(node, "status", "conditions") and not is_ready(node)
        for taint in rows(node, "spec", "taints"):
            key, value, effect = (str(taint.get(part) or "") for part in ("key", "value", "effect"))
            if (
                effect not in _HARD
                or key == CORDON
                or any(_tolerates(one, key, value, effect) for one in self._tolerations)
            ):
                continue
            kind = "control_plane" if key in CONTROL_PLANE else "condition" if key.startswith(_CONDITION) else "taint"
            ill = ill and kind != "condition"
            yield Obstacle(kind, name, f"{key}={value}:{effect}" if value else f"{key}:{effect}", True)
        tolerant = any(_tolerates(one, "node.kubernetes.io/not-ready", "", "NoExecute") for one in self._tolerations)
        if ill and not tolerant:
            yield Obstacle("condition", name, "not Ready", True)

    def _amounts(self, node: Object) -> Iterator[Obstacle]:
        name, has = name_of(node), mapping(node, "status", "allocatable") or mapping(node, "status", "capacity")
        taken = self._places.reserved.get(name, {})
        for resource, wanted in (self._wanted | {"pods": 1.0}).items():
            most = parse(has.get(resource))
            if most is None and ("/" not in resource or not has):
                continue
            most = most or 0.0
            if wanted > 0 and wanted + taken.get(resource, 0.0) > most + _ALMOST:
                free = max(0.0, most - taken.get(resource, 0.0))
                detail = f"{resource}: {amount_text(wanted)} asked, {amount_text(free)} of {amount_text(most)} free"
                yield Obstacle(_kind_of(resource), name, detail, wanted > most + _ALMOST, resource)

    def _host_ports(self, node: Object) -> Iterator[Obstacle]:
        if not self._ports:
            return
        for taken, other in self._places.taken_ports.get(name_of(node), ()):
            both = self._ports & taken
            if both:
                port, protocol = min(both)
                who = f"{namespace_of(other)}/{name_of(other)}"
                yield Obstacle("host_port", name_of(node), f"{port}/{protocol} is taken by {who}", path=str(port))
                return

    def _volume_places(self, node: Object) -> Iterator[Obstacle]:
        for volume in self._volumes:
            terms = rows(volume, "spec", "nodeAffinity", "required", "nodeSelectorTerms")
            if terms and not any(node_matches(term, node) for term in terms):
                shown = f"volume {name_of(volume)} is bound to {' or '.join(_shown(term) for term in terms)}"
                yield Obstacle("volume", name_of(node), shown, True, name_of(volume))

    @cached_property
    def key(self) -> str:
        """All that its obstacles depend on: pods with the same one find the same in their way."""
        spec, labels = self._spec, mapping(self._pod, "metadata", "labels")
        spreads, beside = rows(spec, "topologySpreadConstraints"), terms(self._pod, "podAffinity")
        near = [*beside, *spreads, *self._apart]
        own = [namespace_of(self._pod), *(matches(one.get("labelSelector"), labels) for one in near)] if near else []
        required = dig(spec, "affinity", "nodeAffinity")
        asked = [spec.get("nodeSelector"), required, spec.get("tolerations"), self._wanted, sorted(self._ports), near]
        return as_key([asked, [name_of(one) for one in self._volumes], own, [one.number for one in self._kept_off]])

    @cached_property
    def _apart(self) -> list[Object]:
        """Its rules against being beside others, of those of which any is placed."""
        crowd, own = self._places.crowd, namespace_of(self._pod)
        return [
            term
            for term in terms(self._pod, "podAntiAffinity")
            if crowd.standing(crowd.namespaces(term, own), term.get("labelSelector"), str(term.get("topologyKey")))
        ]

    @cached_property
    def _kept_off(self) -> list[Repulsion]:
        return self._places.crowd.keeping_off(namespace_of(self._pod), mapping(self._pod, "metadata", "labels"))

    @cached_property
    def _kept_off_by(self) -> dict[tuple[str, Any], str]:
        """Domains that pods repel this one from, by topology key and its value, with who does."""
        crowd, found = self._places.crowd, dict[tuple[str, Any], str]()
        for term in self._apart:
            key, spaces = str(term.get("topologyKey")), crowd.namespaces(term, namespace_of(self._pod))
            there = crowd.standing(spaces, term.get("labelSelector"), key)
            found.update({(key, value): who for value, (_, who) in there.items() if value is not None})
        repelled = [(at, rule.key, value, who) for rule in self._kept_off for value, (at, who) in rule.domains.items()]
        for _, key, value, who in sorted(repelled, key=lambda one: one[0]):
            if value is not None:
                found[(key, value)] = who
        return found

    def _repelled(self, node: Object) -> Iterator[Obstacle]:
        labels = self._places.labels[name_of(node)]
        for key in dict.fromkeys(key for key, _ in self._kept_off_by):
            if who := self._kept_off_by.get((key, labels.get(key))):
                yield Obstacle("anti_affinity", name_of(node), f"{who} is already in {key}={labels[key]}", path=key)
                return

    @cached_property
    def _wanted_beside(self) -> list[tuple[str, Any, set[Any]]]:
        found, own = [], namespace_of(self._pod)
        for term in terms(self._pod, "podAffinity"):
            key, selector = str(term.get("topologyKey")), term.get("labelSelector")
            crowd = self._places.crowd
            there = set(crowd.standing(crowd.namespaces(term, own), selector, key))
            # The first of a group that wants to be together may go anywhere.
            if there or not matches(selector, mapping(self._pod, "metadata", "labels")):
                found.append((key, selector, there))
        return found

    def _attracted(self, node: Object) -> Iterator[Obstacle]:
        for key, selector, there in self._wanted_beside:
            mine = self._places.labels[name_of(node)].get(key)
            if mine is None or mine not in there:
                yield Obstacle(
                    "pod_affinity", name_of(node), f"no pod with {_selector_text(selector)} in its {key}", path=key
                )

    @cached_property
    def _spreads(self) -> list[tuple[str, int, dict[Any, int], int]]:
        """Topology key, most skew, pods by domain, and whether the pod itself counts."""
        found = []
        for rule in rows(self._spec, "topologySpreadConstraints"):
            if rule.get("whenUnsatisfiable", "DoNotSchedule") != "DoNotSchedule":
                continue
            key, selector = str(rule.get("topologyKey")), rule.get("labelSelector")
            eligible = [one for one in self._places.nodes if not [*self._selector(one), *self._affinity(one)]]
            there = self._places.crowd.standing([namespace_of(self._pod)], selector, key)
            all_labels = (self._places.labels[name_of(one)] for one in eligible)
            counts = {labels[key]: there.get(labels[key], (0, ""))[0] for labels in all_labels if key in labels}
            few = len(counts) < (whole(rule.get("minDomains")) or 0)
            itself = int(matches(selector, mapping(self._pod, "metadata", "labels")))
            found.append(
                (
                    key,
                    (whole(rule.get("maxSkew")) or 1) + (0 if few else min(counts.values(), default=0)),
                    counts,
                    itself,
                )
            )
        return found

    def _spread(self, node: Object) -> Iterator[Obstacle]:
        labels = self._places.labels[name_of(node)]
        for key, most, counts, itself in self._spreads:
            if key not in labels:
                yield Obstacle("spread", name_of(node), f"it has no label {key}", True, key)
            elif counts.get(labels[key], 0) + itself > most:
                yield Obstacle(
                    "spread", name_of(node), f"{key}={labels[key]} has {counts.get(labels[key], 0)} already", path=key
                )


def requests(spec: Object) -> Amounts:
    """What one pod reserves, as the scheduler counts: containers and sidecars together, or the largest step before them."""
    running: Amounts = defaultdict(float)
    for container in rows(spec, "containers"):
        _add(running, _of(container))
    before: Amounts = defaultdict(float)
    sidecars: Amounts = defaultdict(float)
    for container in rows(spec, "initContainers"):
        one = _of(container)
        if container.get("restartPolicy") == "Always":
            _add(sidecars, one)
            one = {}
        for resource in {*one, *sidecars}:
            before[resource] = max(before[resource], one.get(resource, 0.0) + sidecars[resource])
    _add(running, sidecars)
    found = {key: max(running.get(key, 0.0), before.get(key, 0.0)) for key in {*running, *before}}
    for resource, amount in mapping(spec, "overhead").items():
        found[resource] = found.get(resource, 0.0) + (parse(amount) or 0.0)
    return found


def host_ports(spec: Object) -> set[tuple[int, str]]:
    own_network = spec.get("hostNetwork") is True
    return {
        (port, str(row.get("protocol") or "TCP"))
        for container in rows(spec, "containers")
        for row in rows(container, "ports")
        if (port := whole(row.get("hostPort")) or (whole(row.get("containerPort")) if own_network else None))
    }


def node_matches(term: Object, node: Object) -> bool:
    expressions, fields = rows(term, "matchExpressions"), rows(term, "matchFields")
    if not expressions and not fields:
        return False
    labels = mapping(node, "metadata", "labels")
    named = {"metadata.name": name_of(node)}
    return all(holds(row, labels) for row in expressions) and all(holds(row, named) for row in fields)


def _tolerates(toleration: Object, key: str, value: str, effect: str) -> bool:
    if toleration.get("effect") not in (None, "", effect):
        return False
    if not toleration.get("key"):
        return toleration.get("operator") == "Exists"
    return toleration["key"] == key and (
        toleration.get("operator") == "Exists" or str(toleration.get("value") or "") == value
    )


def _of(container: Object) -> Amounts:
    asked, limits = (mapping(container, "resources", key) for key in ("requests", "limits"))
    return {key: parse((limits | asked)[key]) or 0.0 for key in {*limits, *asked}}


def _add(total: Amounts, more: Amounts) -> None:
    for resource, amount in more.items():
        total[resource] = total.get(resource, 0.0) + amount


def _kind_of(resource: str) -> str:
    if resource in {"cpu", "memory", "pods"}:
        return resource
    if resource.startswith("hugepages-"):
        return "memory"
    return "device" if "/" in resource else "amount"


def amount_text(value: float) -> str:
    for size, suffix in ((2.0**40, "Ti"), (2.0**30, "Gi"), (2.0**20, "Mi")):
        if value >= size:
            return f"{value / size:.4g}{suffix}"
    return f"{value:.4g}"


def _shown(term: Object) -> str:
    found = [
        f"{row.get('key')} {row.get('operator')} {', '.join(map(str, row.get('values') or ()))}".strip()
        for row in rows(term, "matchExpressions") + rows(term, "matchFields")
    ]
    return " and ".join(found) or "an empty term"


def _selector_text(selector: Any) -> str:
    plain = [f"{key}={value}" for key, value in mapping(selector, "matchLabels").items()]
    return ", ".join([*plain, *(_shown({"matchExpressions": rows(selector, "matchExpressions")}),)][: len(plain) or 1])


def claims_without_volume(snapshot: Snapshot, pod: Object) -> list[Object]:
    """Claims of a pod that must be bound before any node is looked for; those that wait for the pod do not count."""
    found = []
    for row in rows(pod, "spec", "volumes"):
        name = str(dig(row, "persistentVolumeClaim", "claimName") or "")
        claim = snapshot.get("PersistentVolumeClaim", namespace_of(pod), name) if name else None
        storage = snapshot.get("StorageClass", None, str(dig(claim, "spec", "storageClassName") or ""))
        waits = dig(storage, "volumeBindingMode") == "WaitForFirstConsumer"
        if claim and not waits and dig(claim, "status", "phase") in ("Pending", "Lost"):
            found.append(claim)
    return found
