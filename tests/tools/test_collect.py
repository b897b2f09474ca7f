"""From a live cluster to a snapshot: bounded, in parallel, and honest about what could not be read."""

from datetime import datetime

import pytest

from core.clock import ManualClock
from core.errors import Forbidden, NotConfigured, NotFound, Upstream
from tests.tools.cluster import FakeCluster, FakeClusters, FakePrometheus, FakeSeries
from tests.tools.objects import NS, Object, caller, deployment, pod, replica_set, service, waiting
from tools.collect import KINDS, MAX_LOG_PODS, Collector
from tools.engines.snapshot import Signal, Snapshot
from tools.queries import QUERIES


def objects() -> list[Object]:
    owner = deployment("baker")
    new = replica_set(owner, 1)
    return [owner, new, pod(new, "bcdfg"), service()]


def prometheus(**ranges: list[FakeSeries]) -> FakePrometheus:
    labels = {"namespace": NS, "pod": "baker-rs1-bcdfg", "container": "app"}
    usual = {
        "container_cpu_usage": [FakeSeries(labels, [(1.0, 0.1)])],
        "memory_working": [FakeSeries(labels, [(1.0, 5e7)])],
    }
    return FakePrometheus(ranges={**usual, **ranges})


async def collected(
    clock: ManualClock, cluster: FakeCluster, metrics: FakePrometheus | None = None, namespace: str | None = NS
) -> Snapshot:
    return await Collector(FakeClusters(cluster), metrics or prometheus(), clock).collect(namespace)


def gap(snap: Snapshot, word: str) -> str:
    return next(f"{one.what}: {one.why} ({one.how})" for one in snap.gaps if word in one.what)


async def test_everything_readable_leaves_no_gap(clock: ManualClock) -> None:
    snap = await collected(clock, FakeCluster(*objects()))
    assert snap.gaps == []
    assert {obj["kind"] for obj in snap.objects} == {"Deployment", "ReplicaSet", "Pod", "Service"}
    assert snap.window.end == clock.now()


async def test_each_signal_is_one_query_for_the_whole_namespace(clock: ManualClock) -> None:
    metrics = prometheus()
    await collected(clock, FakeCluster(*objects()), metrics)
    assert len(metrics.asked) == len(QUERIES)
    assert sum(f'namespace="{NS}"' in asked for asked in metrics.asked) == len(
        [text for text in QUERIES.values() if "%s" in text]
    )


async def test_a_namespace_name_cannot_leave_its_quotes(clock: ManualClock) -> None:
    metrics = prometheus()
    cluster = FakeCluster({"kind": "Namespace", "metadata": {"name": 'a"} or b{c="'}})
    await collected(clock, cluster, metrics, 'a"} or b{c="')
    assert any('namespace="a\\"} or b{c=\\""' in asked for asked in metrics.asked)


async def test_a_kind_that_is_forbidden_is_a_gap_and_hides_nothing_else(clock: ManualClock) -> None:
    cluster = FakeCluster(*objects())
    cluster.read_errors["Event"] = Forbidden("You may not list events.", permission="list events")
    snap = await collected(clock, cluster)
    assert "may not list events" in gap(snap, "Event")
    assert snap.of("Pod")


async def test_each_kind_that_is_forbidden_is_named_and_everything_else_is_read(clock: ManualClock) -> None:
    cluster = FakeCluster(*objects())
    for kind in ("Event", "Node", "EndpointSlice"):
        cluster.read_errors[kind] = Forbidden(f"You may not list {kind}.", permission=f"list {kind}")
    snap = await collected(clock, cluster)
    assert {one.what for one in snap.gaps} == {"Event objects", "Node objects", "EndpointSlice objects"}
    assert len(snap.objects) == len(objects())


@pytest.mark.parametrize("broken", KINDS)
async def test_whichever_kind_fails_the_answer_is_there_and_says_so(clock: ManualClock, broken: str) -> None:
    cluster = FakeCluster(*objects())
    cluster.read_errors[broken] = Upstream("The Kubernetes API server", "failed with 500", retryable=True, status=500)
    snap = await collected(clock, cluster)
    assert "failed with 500" in gap(snap, f"{broken} objects")
    assert {obj["kind"] for obj in snap.objects} == {obj["kind"] for obj in objects()} - {broken}


@pytest.mark.parametrize("signal", QUERIES)
async def test_whichever_query_is_refused_the_others_are_answered(clock: ManualClock, signal: Signal) -> None:
    picky = Picky(QUERIES[signal].partition("%s")[0])
    snap = await collected(clock, FakeCluster(*objects()), picky)
    assert [one.what for one in snap.gaps if "refused" in one.why] == [f"metrics ({signal})"]
    assert set(snap.metrics) == set(QUERIES) - {signal}


class Picky(FakePrometheus):
    """Refuses the one expression that begins like this."""

    def __init__(self, beginning: str) -> None:
        super().__init__()
        self.beginning = beginning

    async def query_range(self, expr: str, start: datetime, end: datetime, step: float) -> list[FakeSeries]:
        if expr.startswith(self.beginning):
            raise Upstream("Prometheus", "refused the query: too many samples", retryable=False)
        return await super().query_range(expr, start, end, step)


async def test_a_kind_the_cluster_does_not_have_is_no_gap(clock: ManualClock) -> None:
    cluster = FakeCluster(*objects())
    cluster.read_errors["HorizontalPodAutoscaler"] = NotFound("There is no such kind.")
    assert (await collected(clock, cluster)).gaps == []


async def test_an_unknown_namespace_is_an_error_not_an_empty_cluster(clock: ManualClock) -> None:
    with pytest.raises(NotFound):
        await collected(clock, FakeCluster(), namespace="twon")


async def test_one_who_may_not_read_namespaces_still_gets_a_snapshot(clock: ManualClock) -> None:
    cluster = FakeCluster(*objects())
    cluster.read_errors["Namespace"] = Forbidden("No.", permission="get namespaces")
    assert (await collected(clock, cluster)).of("Pod")


async def test_an_api_server_that_is_down_is_named_once_with_all_kinds(clock: ManualClock) -> None:
    cluster = FakeCluster(*objects())
    cluster.read_errors["*"] = Upstream("The Kubernetes API server", "refused the connection", retryable=True)
    snap = await collected(clock, cluster)
    assert snap.objects == []
    assert "Deployment" in gap(snap, "Pod")
    assert "refused the connection" in gap(snap, "Pod")


async def test_prometheus_down_is_one_gap_and_the_objects_are_read(clock: ManualClock) -> None:
    down = FakePrometheus(error=Upstream("Prometheus", "did not answer within 10 s", retryable=True))
    snap = await collected(clock, FakeCluster(*objects()), down)
    assert len(snap.gaps) == 1
    assert "did not answer" in gap(snap, "metrics")
    assert snap.of("Pod")


async def test_prometheus_not_set_up_says_how(clock: ManualClock) -> None:
    snap = await collected(clock, FakeCluster(*objects()), FakePrometheus(configured=False))
    assert "PROMETHEUS_URL" in gap(snap, "metrics")


async def test_no_samples_where_there_must_be_some_is_a_gap(clock: ManualClock) -> None:
    snap = await collected(clock, FakeCluster(*objects()), FakePrometheus())
    assert "no samples" in gap(snap, "cpu_usage")
    assert not any("requests" in one.what for one in snap.gaps)


async def test_a_cluster_that_was_never_set_up_is_an_error(clock: ManualClock) -> None:
    clusters = FakeClusters(FakeCluster(), error=NotConfigured("Kubernetes", "set K8S_CONFIG_PATH"))
    with pytest.raises(NotConfigured):
        await Collector(clusters, prometheus(), clock).collect(NS)


async def test_logs_are_read_only_of_containers_in_trouble(clock: ManualClock) -> None:
    made = objects()
    bad = pod(made[1], "hjklm", ready=False, restartCount=3, state=waiting("CrashLoopBackOff"))
    snap = await collected(clock, FakeCluster(*made, bad))
    assert [str(key) for key in snap.logs] == [f"log {NS}/baker-rs1-hjklm/app (previous)"]


async def test_logs_are_read_of_a_bounded_number_of_pods(clock: ManualClock) -> None:
    made = objects()
    many = [pod(made[1], f"x{n}", ready=False, restartCount=1, state=waiting("Error")) for n in range(40)]
    assert len((await collected(clock, FakeCluster(*made, *many))).logs) == MAX_LOG_PODS


async def test_forbidden_logs_are_a_gap_and_missing_ones_are_not(clock: ManualClock) -> None:
    made = objects()
    cluster = FakeCluster(*made, pod(made[1], "hjklm", ready=False, restartCount=3, state=waiting("Error")))
    cluster.log_text = NotFound("previous terminated container not found")
    assert (await collected(clock, cluster)).gaps == []
    cluster.log_text = Forbidden("You may not read logs.", permission="get pods/log")
    assert "may not read logs" in gap(await collected(clock, cluster), "log ")


async def test_the_namespaces_that_addresses_name_are_read_too(clock: ManualClock) -> None:
    away = service("ledger")
    away["metadata"]["namespace"] = "bank"
    cluster = FakeCluster(*objects(), caller("shopfront", "http://ledger.bank.svc:80"), away)
    assert (await collected(clock, cluster)).get("Service", "bank", "ledger")


async def test_more_objects_than_the_bound_is_told(clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.collect.MAX_OBJECTS", 1)
    made = objects()
    snap = await collected(clock, FakeCluster(*made, pod(made[1], "hjklm")))
    assert "only the first" in gap(snap, "Pod")


async def test_samples_that_are_not_numbers_are_left_out(clock: ManualClock) -> None:
    ratio = [
        FakeSeries({"pod": "x"}, [(1.0, float("nan"))]),
        FakeSeries({"pod": "y"}, [(1.0, float("nan")), (2.0, 0.5)]),
    ]
    snap = await collected(clock, FakeCluster(*objects()), prometheus(throttled=ratio))
    assert [series.points for series in snap.series("cpu_throttled")] == [[(2.0, 0.5)]]
