"""Repairs over a fake cluster in which a Service selects nothing, or an image cannot be pulled; time is manual."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from core.clock import ManualClock
from core.database import Database
from core.metrics import Metrics
from tests.tools.cluster import FakeCluster, FakeClusters, FakePrometheus, FakeSample, in_time
from tests.tools.objects import (
    NS,
    Object,
    caller,
    container,
    deployment,
    endpoint_slice,
    event,
    pod,
    replica_set,
    service,
    waiting,
)
from tools.autofix.guard import Policy
from tools.autofix.plan import AlertFacts, Plan
from tools.autofix.run import Repairs
from tools.collect import Collector
from tools.spec import Caller

ALICE = Caller("alice", "operator", "test")
BOB = Caller("bob", "admin", "test")
VIEWER = Caller("vera", "viewer", "test")
KEY = "a-key-for-tests-only"
ALERT = AlertFacts(
    "f00d", "NoEndpoints", "absent_pods > 0", {"alertname": "NoEndpoints", "namespace": NS, "service": "baker"}
)


class Killed(BaseException):
    """What a process that dies looks like from inside: no handler runs."""


def lost_service() -> list[Object]:
    owner = deployment("baker")
    new = replica_set(owner, 1, ready=1, minutes_ago=500)
    lost = service("baker", {"app": "baker-v2"})
    return [owner, new, pod(new), lost, endpoint_slice("baker", 0), caller("shopfront", "http://baker:80")]


def bad_image() -> list[Object]:
    owner = deployment("baker", container(image="reg.example/baker:oops"), available=1)
    old = replica_set(owner, 1, container(), ready=1, minutes_ago=500)
    new = replica_set(owner, 2, container(image="reg.example/baker:oops"), minutes_ago=5)
    hanging = pod(new, ready=False, state=waiting("ImagePullBackOff"))
    said = event(hanging, "Failed", 'Failed to pull image "reg.example/baker:oops": not found')
    return [owner, old, new, hanging, said]


class Workshop:
    """Everything a repair needs, with the parts a test wants to turn within reach."""

    def __init__(self, database: Database, clock: ManualClock, objects: list[Object], **policy: Any) -> None:
        self.database = database
        self.clock = clock
        self.cluster = FakeCluster(*objects)
        self.clusters = FakeClusters(self.cluster)
        self.prometheus = FakePrometheus(samples=[FakeSample({"namespace": NS, "service": "baker"})])
        self.policy = Policy(**{"verify_seconds": 60, **policy})
        self.repairs = self.restarted()

    def restarted(self) -> Repairs:
        """Another process over the same database."""

        async def lookup(fingerprint: str) -> AlertFacts | None:
            return ALERT if fingerprint == ALERT.fingerprint else None

        self.repairs = Repairs(
            database=self.database,
            clusters=self.clusters,
            prometheus=self.prometheus,
            collector=Collector(self.clusters, self.prometheus, self.clock),
            clock=self.clock,
            policy=self.policy,
            key=KEY,
            metrics=Metrics(),
            lookup=lookup,
        )
        return self.repairs

    def mends(self) -> None:
        """From now on a stored change has the effect that it has in a real cluster."""

        def effect(obj: Object) -> None:
            if obj["kind"] == "Service":
                right = obj["spec"]["selector"] == {"app": "baker"}
                self.cluster.find("EndpointSlice", "baker-x")["endpoints"] = endpoint_slice("baker", 2 if right else 0)[
                    "endpoints"
                ]
                self.prometheus.samples = [] if right else self.prometheus.samples
            else:
                obj["status"].update(availableReplicas=obj["spec"]["replicas"])
                self.cluster.objects = [one for one in self.cluster.objects if one["kind"] not in {"Pod", "Event"}]

        self.cluster.after_patch = effect

    async def proposed(self, **more: Any) -> Plan:
        return await self.repairs.propose(**{"namespace": NS, "caller": ALICE, **more})

    async def approved(self, **more: Any) -> Plan:
        plan = await self.proposed(**more)
        return await self.repairs.approve(plan.id, plan.hash, BOB)

    async def applied(self, plan: Plan) -> Plan:
        return await in_time(self.clock, self.repairs.apply(plan.id, plan.hash, ALICE))

    async def rows(self, plan: Plan) -> list[str]:
        return [f"{row.kind} {row.subject.split('/')[1] if '/' in row.subject else row.subject} {row.phase}".strip()
                for row in await self.repairs.ledger(plan.id)]  # fmt: skip


@asynccontextmanager
async def workshop(tmp_path: Path, clock: ManualClock, objects: list[Object], **policy: Any) -> AsyncIterator[Workshop]:
    database = Database("sqlite:///" + str(tmp_path / "t.db"))
    await database.create_tables()
    shop = Workshop(database, clock, objects, **policy)
    try:
        yield shop
    finally:
        await shop.repairs.close()
        await database.close()
