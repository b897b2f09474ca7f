"""Who reaches whom, read from the objects and the running containers.

A program reaches a dependency the way a real one does: it takes the address from its environment, the cluster's DNS turns the name into
a Service, and the Service's ready endpoints are the pods that get the requests. Whatever breaks on this way (no such Service, no
endpoints, a port on which nothing listens) breaks the call. Pods of one program that have the same limits, the same environment and
stand behind the same Services behave alike and are computed once, as a Group.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from simulator.apps import App, Call
from simulator.kubelet.runs import ContainerRun, PodRun
from simulator.objects import Object, labels_of, name_of, namespace_of
from simulator.quantity import resource
from simulator.registry import MIB
from simulator.store import Store

ServiceKey = tuple[str, str]  # (namespace, name)

_ADDRESS = re.compile(r"^(?:[a-z][a-z0-9+.-]*://)?(?:[^@/]*@)?([a-z0-9.-]+):(\d+)", re.IGNORECASE)
UNLIMITED_CORES = 4.0


@dataclass(frozen=True)
class Member:
    """One running container of a program."""

    run: PodRun
    container: ContainerRun
    pod: Object

    @property
    def uid(self) -> str:
        return self.run.uid


@dataclass
class Group:
    app: App
    namespace: str
    cpu_limit: float
    memory_limit_mib: float | None
    env: Mapping[str, str]
    services: tuple[ServiceKey, ...]
    members: list[Member] = field(default_factory=list)

    @property
    def serves(self) -> bool:
        return bool(self.services)


@dataclass
class Backend:
    """The ready endpoints of a Service: how many addresses lead to each group, how many to a closed port."""

    key: ServiceKey
    shares: dict[int, int]  # index of the group -> addresses
    closed: int = 0
    resets: int = 0  # addresses whose process was killed since the last tick

    @property
    def addresses(self) -> int:
        return sum(self.shares.values()) + self.closed


@dataclass(frozen=True)
class Target:
    """Where a call of a group goes: a Service's backend, or nowhere, with the client's own words."""

    host: str
    port: int
    backend: Backend | None
    refusal: str


@dataclass
class Topology:
    groups: list[Group]
    backends: dict[ServiceKey, Backend]
    addresses: dict[ServiceKey, str]  # cluster IPs

    def target(self, group: Group, call: Call) -> Target:
        address = group.env.get(call.env, "")
        match = _ADDRESS.match(address)
        if match is None:
            return Target(address, 0, None, f'dial tcp: missing address in {call.env}="{address}"')
        host, port = match[1], int(match[2])
        parts = host.split(".")
        key = (parts[1] if len(parts) > 1 else group.namespace, parts[0])
        if key not in self.backends:
            return Target(host, port, None, f"dial tcp: lookup {host} on 10.96.0.10:53: no such host")
        refusal = f"dial tcp {self.addresses.get(key, '')}:{port}: connect: connection refused"
        return Target(host, port, self.backends[key], refusal)


def survey(store: Store, runs: Iterable[PodRun]) -> Topology:
    """Read the present topology. Everything is visited in a fixed order, so equal worlds give equal topologies."""
    by_uid = {run.uid: run for run in runs}
    standing = _standing(store)
    groups: dict[tuple[object, ...], Group] = {}
    where: dict[str, int] = {}
    ordered: list[Group] = []
    for pod in store.list("Pod"):
        run = by_uid.get(pod["metadata"]["uid"])
        if run is None or run.stops_at is not None:
            continue
        for member in _programs(pod, run):
            group = _group(member, standing.get(run.uid, ()), groups, ordered)
            group.members.append(member)
            where[run.uid] = ordered.index(group)
    backends = {_key(service): _backend(store, service, where, ordered) for service in store.list("Service")}
    addresses = {_key(service): service["spec"].get("clusterIP", "") for service in store.list("Service")}
    return Topology(ordered, backends, addresses)


def _key(service: Object) -> ServiceKey:
    return namespace_of(service), name_of(service)


def _standing(store: Store) -> dict[str, tuple[ServiceKey, ...]]:
    """By pod uid: the Services among whose ready endpoints it is."""
    found: dict[str, list[ServiceKey]] = defaultdict(list)
    for endpoints in store.list("Endpoints"):
        for subset in endpoints.get("subsets") or []:
            for address in subset.get("addresses") or []:
                found[(address.get("targetRef") or {}).get("uid", "")].append(_key(endpoints))
    return {uid: tuple(keys) for uid, keys in found.items()}


def _programs(pod: Object, run: PodRun) -> list[Member]:
    return [
        Member(run, container, pod)
        for container in run
        if container.phase.is_running and container.image is not None and container.image.app is not None
    ]


def _group(
    member: Member, services: tuple[ServiceKey, ...], groups: dict[tuple[object, ...], Group], ordered: list[Group]
) -> Group:
    image = member.container.image
    if image is None or image.app is None:
        raise ValueError("only a running program belongs to a group")
    spec = next(each for each in member.pod["spec"]["containers"] if each["name"] == member.container.name)
    cpu = resource(spec, "limits", "cpu")
    memory = resource(spec, "limits", "memory")
    env = {each["name"]: each.get("value", "") for each in spec.get("env") or []}
    key = (image.app.name, member.run.namespace, cpu, memory, tuple(env.items()), services, member.run.is_ready)
    if key not in groups:
        mib = memory / MIB if memory else None
        groups[key] = Group(image.app, member.run.namespace, cpu or UNLIMITED_CORES, mib, env, services)
        ordered.append(groups[key])
    return groups[key]


def _backend(store: Store, service: Object, where: dict[str, int], groups: list[Group]) -> Backend:
    backend = Backend(_key(service), {})
    endpoints = store.get("Endpoints", namespace_of(service), name_of(service)) or {}
    for subset in endpoints.get("subsets") or []:
        ports = {port["port"] for port in subset.get("ports") or []}
        for address in subset.get("addresses") or []:
            index = where.get((address.get("targetRef") or {}).get("uid", ""))
            if index is not None and groups[index].app.port in ports:
                backend.shares[index] = backend.shares.get(index, 0) + 1
            else:
                backend.closed += 1
    return backend


def app_label(pod: Object) -> str:
    """The name under which a pod's metrics are scraped."""
    labels = labels_of(pod)
    return labels.get("app.kubernetes.io/name") or labels.get("app") or name_of(pod)
