"""The cause may live in another namespace: what is called from here is read too, as far as the bound goes, and what was not is named."""

import pytest

from core.clock import ManualClock
from core.errors import FirstmateError, Forbidden, NotFound, Upstream
from tests.tools.cluster import FakeCluster, FakeClusters, FakePrometheus, FakeSeries, in_time
from tests.tools.objects import NOW, NS, Object, caller, container, deployment, moved_to, pod, replica_set, service
from tests.tools.workshop import VIEWER
from tools.catalog.diagnose import Diagnose, DiagnoseTools
from tools.collect.collector import MAX_NEIGHBOURS, Collector
from tools.collect.kinds import LEASES
from tools.collect.objects import MAX_OBJECTS
from tools.engines.diagnosis import Diagnosis
from tools.engines.explain import diagnose
from tools.engines.snapshot import Snapshot
from tools.spec import Context, ToolResult

DENIED = Forbidden("You may not list pods in the namespace bank.", permission="list pods")
DOWN = Upstream("Prometheus", "did not answer within 10 s", retryable=True)


def program(name: str, namespace: str, calls: str = "") -> list[Object]:
    """A Deployment with a pod and its Service; `calls` is an address in its environment."""
    owner = caller(name, calls) if calls else deployment(name, container(cpu="1"))
    rs = replica_set(owner, 1, container(cpu="1"))
    return moved_to(namespace, owner, rs, pod(rs), service(name))


def usage(name: str, namespace: str, value: float = 0.1) -> FakeSeries:
    labels = {"namespace": namespace, "pod": f"{name}-rs1-bcdfg", "container": "app"}
    end = NOW.timestamp()
    return FakeSeries(labels, [(end - 60 * n, value) for n in range(10, -1, -1)])


def metrics(*usages: FakeSeries, calls: tuple[tuple[str, str], ...] = (), throttled: float = 0.0) -> FakePrometheus:
    held = [FakeSeries(one.labels, [(at, throttled) for at, _ in one.points]) for one in usages]
    graph = [FakeSeries({"client": client, "server": server}, [(1.0, 2.0)]) for client, server in calls]
    ranges = {"throttled": held, "cpu_usage": list(usages), "memory_working": list(usages), "request_total": graph}
    return FakePrometheus(ranges=ranges)


async def collected(clock: ManualClock, cluster: FakeCluster, prometheus: FakePrometheus) -> Snapshot:
    return await in_time(clock, Collector(FakeClusters(cluster), prometheus, clock).collect(NS))


def places(snap: Snapshot) -> set[str]:
    return {obj["metadata"]["namespace"] for obj in snap.of("Deployment")}


def beside(snap: Snapshot) -> list[str]:
    return [f"{gap.what}: {gap.why}" for gap in snap.gaps if gap.neighbour]


async def test_metrics_of_what_is_called_elsewhere_are_read_with_its_objects(clock: ManualClock) -> None:
    cluster = FakeCluster(*program("shopfront", NS, "http://ledger.bank.svc:80"), *program("ledger", "bank"))
    snap = await collected(clock, cluster, metrics(usage("shopfront", NS), usage("ledger", "bank")))
    assert {series.labels["namespace"] for series in snap.series("cpu_usage")} == {NS, "bank"}
    assert snap.gaps == []


async def test_a_cause_in_the_namespace_that_is_called_is_found_from_here(clock: ManualClock) -> None:
    cluster = FakeCluster(*program("shopfront", NS, "http://ledger.bank:80"), *program("ledger", "bank"))
    busy = metrics(usage("shopfront", NS), usage("ledger", "bank", 0.98), throttled=0.6)
    snap = await collected(clock, cluster, busy)
    found = diagnose(snap, NS, snap.window, snap.taken_at, focus="shopfront")
    assert [(cause.fault, str(cause.component)) for cause in found.causes] == [
        ("pod_cpu_overload", "Deployment bank/ledger")
    ]


async def test_calls_are_followed_by_addresses_over_two_namespaces(clock: ManualClock) -> None:
    cluster = FakeCluster(
        *program("shopfront", NS, "http://ledger.bank:80"),
        *program("ledger", "bank", "postgres://vault.store.svc.cluster.local:5432/x"),
        *program("vault", "store"),
    )
    quiet = metrics(usage("shopfront", NS), usage("ledger", "bank"), usage("vault", "store"))
    snap = await collected(clock, cluster, quiet)
    assert places(snap) == {NS, "bank", "store"}
    assert snap.gaps == []


async def test_calls_are_followed_by_the_service_graph_where_no_address_tells(clock: ManualClock) -> None:
    cluster = FakeCluster(*program("shopfront", NS), *program("ledger", "bank"), *program("vault", "store"))
    graph = (("shopfront", "ledger"), ("ledger", "vault"))
    quiet = metrics(usage("shopfront", NS), usage("ledger", "bank"), usage("vault", "store"), calls=graph)
    assert places(await collected(clock, cluster, quiet)) == {NS, "bank", "store"}
    # Both hops are known from the one answer: one turn, its metrics in one query each.
    assert sum('namespace=~"bank|store"' in asked for asked in quiet.asked) > 3


async def test_what_names_no_namespace_is_asked_once(clock: ManualClock) -> None:
    cluster = FakeCluster(*program("shopfront", NS), *program("ledger", "bank"))
    quiet = metrics(usage("shopfront", NS), usage("ledger", "bank"), calls=(("shopfront", "ledger"),))
    assert len((await collected(clock, cluster, quiet)).series("calls")) == 1


async def test_who_calls_from_elsewhere_is_read_where_there_is_room(clock: ManualClock) -> None:
    cluster = FakeCluster(*program("shopfront", NS), *program("gate", "edge"))
    quiet = metrics(usage("shopfront", NS), usage("gate", "edge"), calls=(("gate", "shopfront"),))
    assert places(await collected(clock, cluster, quiet)) == {NS, "edge"}


async def test_nothing_else_is_read_of_a_namespace_that_calls_nobody(clock: ManualClock) -> None:
    cluster = FakeCluster(*program("shopfront", NS), *program("ledger", "bank"))
    snap = await collected(clock, cluster, metrics(usage("shopfront", NS)))
    assert places(snap) == {NS}
    assert "bank" not in {namespace for _, namespace in cluster.listed}


@pytest.mark.parametrize("address", ["https://api.example.com/v1", "smtp://example.com:587", "redis://10.0.0.7:6379"])
async def test_addresses_of_the_outside_are_no_namespaces(clock: ManualClock, address: str) -> None:
    cluster = FakeCluster(*program("shopfront", NS, address))
    snap = await collected(clock, cluster, metrics(usage("shopfront", NS)))
    assert snap.gaps == []
    assert {namespace for _, namespace in cluster.listed} - {*LEASES} == {NS, None}


async def test_a_neighbour_that_may_not_be_read_is_one_gap_with_its_name(clock: ManualClock) -> None:
    cluster = FakeCluster(*program("shopfront", NS, "http://ledger.bank:80"), *program("ledger", "bank"))
    cluster.read_errors["bank/*"] = DENIED
    snap = await collected(clock, cluster, metrics(usage("shopfront", NS)))
    [gap] = beside(snap)
    assert gap.startswith("objects in bank (Pod, Deployment")
    assert "may not list pods" in gap
    assert diagnose(snap, NS, snap.window, snap.taken_at).healthy is None


async def test_a_neighbour_without_samples_is_a_gap_and_home_is_none(clock: ManualClock) -> None:
    cluster = FakeCluster(*program("shopfront", NS, "http://ledger.bank:80"), *program("ledger", "bank"))
    snap = await collected(clock, cluster, metrics(usage("shopfront", NS)))
    assert [gap.what for gap in snap.gaps] == ["metrics in bank (cpu_usage)", "metrics in bank (memory)"]


async def test_more_neighbours_than_the_bound_are_named_and_not_read(clock: ManualClock) -> None:
    names = [f"n{number}" for number in range(MAX_NEIGHBOURS + 2)]
    graph = tuple(("shopfront", f"app-{name}") for name in names)
    others = [obj for name in names for obj in program(f"app-{name}", name)]
    usages = [usage("shopfront", NS), *(usage(f"app-{name}", name) for name in names)]
    snap = await collected(clock, FakeCluster(*program("shopfront", NS), *others), metrics(*usages, calls=graph))
    assert len(places(snap)) == MAX_NEIGHBOURS + 1
    assert beside(snap)[0].startswith("namespaces n3, n4: called from here, but at most 3")


async def test_a_name_of_the_graph_that_several_namespaces_bear_is_not_guessed_at(clock: ManualClock) -> None:
    cluster = FakeCluster(*program("shopfront", NS), *program("cache", "red"), *program("cache", "blue"))
    snap = await collected(clock, cluster, metrics(usage("shopfront", NS), calls=(("shopfront", "cache"),)))
    assert places(snap) == {NS}
    assert beside(snap) == ["what is called as cache: there is one in each of blue, red"]


async def test_a_name_of_the_graph_that_stands_here_too_means_the_one_here(clock: ManualClock) -> None:
    cluster = FakeCluster(*program("shopfront", NS), *program("cache", NS), *program("cache", "red"))
    quiet = metrics(usage("shopfront", NS), usage("cache", NS), calls=(("shopfront", "cache"),))
    snap = await collected(clock, cluster, quiet)
    assert (places(snap), snap.gaps) == ({NS}, [])


async def test_what_cannot_be_looked_up_is_named_with_the_reason(clock: ManualClock) -> None:
    cluster = FakeCluster(*program("shopfront", NS), *program("ledger", "bank"))
    cluster.read_errors["Service everywhere"] = Forbidden("You may not list services.", permission="list services")
    snap = await collected(clock, cluster, metrics(usage("shopfront", NS), calls=(("shopfront", "ledger"),)))
    assert beside(snap) == ["what is called as ledger: You may not list services."]


async def test_an_unreadable_directory_is_no_gap_where_nothing_has_to_be_looked_up(clock: ManualClock) -> None:
    cluster = FakeCluster(*program("shopfront", NS, "http://ledger.bank:80"), *program("ledger", "bank"))
    cluster.read_errors["Service everywhere"] = Forbidden("You may not list services.", permission="list services")
    snap = await collected(clock, cluster, metrics(usage("shopfront", NS), usage("ledger", "bank")))
    assert (places(snap), snap.gaps) == ({NS, "bank"}, [])


async def test_a_prometheus_that_is_down_is_asked_once_and_names_the_neighbour_too(clock: ManualClock) -> None:
    cluster = FakeCluster(*program("shopfront", NS, "http://ledger.bank:80"), *program("ledger", "bank"))
    down = FakePrometheus(error=DOWN)
    snap = await collected(clock, cluster, down)
    assert beside(snap) == ["metrics in bank: Prometheus did not answer within 10 s"]
    assert not any("bank" in asked for asked in down.asked)


async def diagnosed(
    clock: ManualClock, cluster: FakeCluster, prometheus: FakePrometheus, name: str = "shopfront"
) -> ToolResult[Diagnosis]:
    ctx = Context(caller=VIEWER, clock=clock, language="en")
    tools = DiagnoseTools(Collector(FakeClusters(cluster), prometheus, clock), NS)
    return await in_time(clock, tools.diagnose(ctx, Diagnose(namespace=NS, name=name)))


async def test_the_tool_tells_which_namespaces_its_answer_rests_on(clock: ManualClock) -> None:
    cluster = FakeCluster(*program("shopfront", NS, "http://ledger.bank:80"), *program("ledger", "bank"))
    told = await diagnosed(clock, cluster, metrics(usage("shopfront", NS), usage("ledger", "bank")))
    assert told.source[0].query.endswith(f"in {NS}, bank")
    assert told.summary == f"{NS}/shopfront is healthy: everything was read."


async def test_the_tool_does_not_call_healthy_what_calls_somebody_it_may_not_read(clock: ManualClock) -> None:
    cluster = FakeCluster(*program("shopfront", NS, "http://ledger.bank:80"), *program("ledger", "bank"))
    cluster.read_errors["bank/*"] = DENIED
    told = await diagnosed(clock, cluster, metrics(usage("shopfront", NS)))
    assert told.summary.startswith(
        f"Nothing wrong was seen in {NS}/shopfront. Not everything could be read: objects in bank"
    )
    assert [missing.what.split(" (")[0] for missing in told.missing] == ["objects in bank"]


async def test_a_name_that_is_nowhere_is_not_excused_by_a_neighbour_that_is_dark(clock: ManualClock) -> None:
    cluster = FakeCluster(*program("shopfronts", NS, "http://ledger.bank:80"), *program("ledger", "bank"))
    cluster.read_errors["bank/*"] = DENIED
    with pytest.raises(NotFound, match="shopfronts"):
        await diagnosed(clock, cluster, metrics(usage("shopfronts", NS)))


async def test_a_namespace_is_no_object_in_itself_that_could_be_called_healthy(clock: ManualClock) -> None:
    place: Object = {"kind": "Namespace", "metadata": {"name": NS}}
    cluster = FakeCluster(*program("shopfront", NS), place)
    with pytest.raises(NotFound, match=f"There is no object named {NS} in {NS}"):
        await diagnosed(clock, cluster, metrics(usage("shopfront", NS)), name=NS)


async def test_neither_is_a_neighbour_nor_does_a_dark_prometheus_excuse_a_name_that_is_nowhere(
    clock: ManualClock,
) -> None:
    cluster = FakeCluster(*program("shopfront", NS, "http://ledger.bank:80"), *program("ledger", "bank"))
    with pytest.raises(NotFound, match="ledger"):
        await diagnosed(clock, cluster, metrics(usage("shopfront", NS), usage("ledger", "bank")), name="ledger")
    with pytest.raises(NotFound, match="unicorn"):
        await diagnosed(clock, cluster, FakePrometheus(error=DOWN), name="unicorn")


class Slow(FakePrometheus):
    """Lets every asker wait, and then answers or gives up."""

    def __init__(self, clock: ManualClock, like: FakePrometheus, error: FirstmateError | None = None) -> None:
        super().__init__(ranges=like.ranges)
        self.clock, self.late = clock, error

    async def query_range(self, expr: str, *args: object, **more: object) -> list[FakeSeries]:
        await self.clock.sleep(10)
        if self.late:
            raise self.late
        return await super().query_range(expr, *args, **more)  # type: ignore[arg-type]


async def test_a_prometheus_that_hangs_costs_one_time_out_in_all(clock: ManualClock) -> None:
    cluster = FakeCluster(*program("shopfront", NS, "http://ledger.bank:80"), *program("ledger", "bank"))
    began = clock.now()
    snap = await collected(clock, cluster, Slow(clock, metrics(), DOWN))
    assert (clock.now() - began).total_seconds() <= 11
    assert places(snap) == {NS, "bank"}


async def test_neighbours_of_neighbours_wait_no_longer_than_an_asker_would(clock: ManualClock) -> None:
    chain = ["town", "a", "b", "c"]
    objects = [
        obj
        for here, there in zip(chain, [*chain[1:], ""], strict=True)
        for obj in program(f"app-{here}", here, f"http://app-{there}.{there}:80" if there else "")
    ]
    began = clock.now()
    quiet = metrics(*(usage(f"app-{place}", place) for place in chain))
    snap = await collected(clock, FakeCluster(*objects), Slow(clock, quiet))
    assert (clock.now() - began).total_seconds() <= 32
    assert places(snap) == {NS, "a", "b"}
    assert beside(snap)[0].startswith("namespaces c:")


async def test_five_thousand_pods_are_read_up_to_the_bound_and_that_is_told(clock: ManualClock) -> None:
    plain: Object = {"kind": "Pod", "status": {"phase": "Succeeded"}}
    crowd = [{**plain, "metadata": {"name": f"p{number}", "namespace": NS}} for number in range(5000)]
    snap = await collected(clock, FakeCluster(*program("shopfront", NS), *crowd), metrics(usage("shopfront", NS)))
    assert len(snap.of("Pod")) == MAX_OBJECTS
    assert [gap.what for gap in snap.gaps] == ["Pod objects"]
