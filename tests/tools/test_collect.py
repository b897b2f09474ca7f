"""From a live cluster to a snapshot: bounded, in parallel, and honest about what could not be read."""

from datetime import datetime
from pathlib import Path

import pytest
import yaml

from core.clock import ManualClock
from core.errors import Forbidden, NotConfigured, NotFound, Upstream
from tests.tools.cluster import FakeCluster, FakeClusters, FakePrometheus, FakeSample, FakeSeries
from tests.tools.objects import NS, Object, at, caller, deployment, pod, replica_set, service, waiting
from tools.clients.kinds import KindTable
from tools.collect import KINDS, MAX_LOG_PODS, Collector, Listener
from tools.collect.kinds import CLUSTER_KINDS, SYSTEM_KINDS
from tools.engines.explain import diagnose
from tools.engines.snapshot import Signal, Snapshot
from tools.queries import QUERIES

ROOT = Path(__file__).parents[2]


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
    assert {obj["kind"] for obj in snap.objects} == {"Namespace", "Deployment", "ReplicaSet", "Pod", "Service"}
    assert snap.window.end == clock.now()


async def test_each_signal_is_one_query_for_the_whole_namespace(clock: ManualClock) -> None:
    metrics = prometheus()
    await collected(clock, FakeCluster(*objects()), metrics)
    assert len([asked for asked in metrics.asked if "ALERTS" not in asked]) == len(QUERIES)
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
    (told,) = (one for one in snap.gaps if "may not list events" in one.why.lower())
    assert "deploy/rbac/read.yaml" in told.how


async def test_each_kind_that_is_forbidden_is_named_and_everything_else_is_read(clock: ManualClock) -> None:
    cluster = FakeCluster(*objects())
    for kind in ("Event", "Node", "EndpointSlice"):
        cluster.read_errors[kind] = Forbidden(f"You may not list {kind}.", permission=f"list {kind}")
    snap = await collected(clock, cluster)
    assert {one.what for one in snap.gaps} == {"Event objects", "Node objects", "EndpointSlice objects"}
    assert len(snap.objects) == len(objects()) + 1


@pytest.mark.parametrize("first", [0, 1])
async def test_with_half_of_the_kinds_forbidden_the_rest_is_diagnosed_and_not_called_healthy(
    clock: ManualClock, first: int
) -> None:
    cluster = FakeCluster(*objects())
    forbidden = [*KINDS, *CLUSTER_KINDS][first::2]
    for kind in forbidden:
        cluster.read_errors[kind] = Forbidden(f"You may not list {kind}.", permission=f"list {kind}")
    snap = await collected(clock, cluster)
    assert not snap.kinds_read & set(forbidden)
    assert diagnose(snap, NS, snap.window, snap.taken_at).healthy is not True


@pytest.mark.parametrize("broken", KINDS)
async def test_whichever_kind_fails_the_answer_is_there_and_says_so(clock: ManualClock, broken: str) -> None:
    cluster = FakeCluster(*objects())
    cluster.read_errors[broken] = Upstream("The Kubernetes API server", "failed with 500", retryable=True, status=500)
    snap = await collected(clock, cluster)
    assert "failed with 500" in gap(snap, f"{broken} objects")
    assert {obj["kind"] for obj in snap.objects} == {"Namespace", *(obj["kind"] for obj in objects())} - {broken}
    assert snap.kinds_read == {*KINDS, *CLUSTER_KINDS} - {broken}


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
    monkeypatch.setattr("tools.collect.objects.MAX_OBJECTS", 1)
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


async def test_of_secrets_only_the_keys_are_kept(clock: ManualClock) -> None:
    secret = {"kind": "Secret", "metadata": {"name": "db", "namespace": NS}, "data": {"password": "aHVudGVyMg=="}}
    snap = await collected(clock, FakeCluster(*objects(), secret))
    (found,) = snap.of("Secret")
    assert list(found["data"]) == ["password"]
    assert "aHVudGVyMg" not in str(found)


async def test_who_may_not_list_secrets_is_told_and_gets_the_rest(clock: ManualClock) -> None:
    cluster = FakeCluster(*objects())
    cluster.read_errors["Secret"] = Forbidden("You may not list secrets.", permission="list secrets")
    snap = await collected(clock, cluster)
    assert "may not list secrets" in gap(snap, "Secret")
    assert not snap.reads("Secret")
    assert snap.reads("ConfigMap")


async def test_a_kind_that_was_cut_is_not_known_in_full(clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.collect.objects.MAX_OBJECTS", 1)
    made = objects()
    snap = await collected(clock, FakeCluster(*made, pod(made[1], "hjklm")))
    assert not snap.reads("Pod")
    assert snap.reads("Deployment")


async def test_the_systems_own_pods_and_leases_are_read_whichever_namespace_was_asked_about(clock: ManualClock) -> None:
    dns = {"kind": "Pod", "metadata": {"name": "coredns-1", "namespace": "kube-system"}}
    lease = {"kind": "Lease", "metadata": {"name": "n1", "namespace": "kube-node-lease"}}
    snap = await collected(clock, FakeCluster(*objects(), dns, lease))
    assert snap.get("Pod", "kube-system", "coredns-1")
    assert snap.get("Lease", "kube-node-lease", "n1")


async def test_who_may_not_read_the_systems_namespaces_is_not_told_so_each_time(clock: ManualClock) -> None:
    cluster = FakeCluster(*objects())
    cluster.read_errors["kube-system/*"] = Forbidden("Not there.", permission="list pods")
    assert (await collected(clock, cluster)).gaps == []


async def test_alerts_that_fire_are_read_with_the_time_since_when(clock: ManualClock) -> None:
    metrics = prometheus()
    labels = {"__name__": "ALERTS", "alertname": "Slow", "namespace": NS, "alertstate": "firing"}
    metrics.samples = [FakeSample(labels, 1_772_442_000.0), FakeSample({"job": "x"})]
    (found,) = (await collected(clock, FakeCluster(*objects()), metrics)).alerts
    assert (found.name, found.labels) == ("Slow", {"alertname": "Slow", "namespace": NS})
    assert found.starts_at is not None
    assert found.starts_at.timestamp() == 1_772_442_000.0


async def test_who_runs_well_beside_trouble_is_heard_once_and_what_calls_it_first(
    clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.collect.logs.MAX_BESIDE", 1)
    made = objects()
    sick = pod(made[1], "hjklm", ready=False, restartCount=3, state=waiting("CrashLoopBackOff"))
    front, other = caller("zfront", f"http://baker.{NS}:80"), deployment("aother")
    well = []
    for owner in (front, other):
        new = replica_set(owner, 1)
        well += [owner, new, *(pod(new, name, state={"running": {"startedAt": at(60)}}) for name in ("bcdfg", "hjklm"))]
    snap = await collected(clock, FakeCluster(made[0], made[1], made[3], sick, *well))
    assert [str(key) for key in snap.logs] == [
        f"log {NS}/baker-rs1-hjklm/app (previous)",
        f"log {NS}/zfront-rs1-bcdfg/app",
    ]


async def test_who_listens_is_told_of_each_step_and_gets_each_log_as_it_came(clock: ManualClock) -> None:
    made = objects()
    bad = pod(made[1], "hjklm", ready=False, restartCount=3, state=waiting("CrashLoopBackOff"))
    steps: list[str] = []
    texts: list[str] = []
    listener = Listener(steps.append, lambda _key, text: texts.append(text))
    await Collector(FakeClusters(FakeCluster(*made, bad)), prometheus(), clock).collect(NS, listener=listener)
    assert texts == ["line\n"]
    assert {"Pod: 2", "metrics: memory"} <= set(steps)


def test_what_is_read_is_what_the_roles_grant_and_no_more() -> None:
    granted: dict[str, set[str]] = {}
    for role in yaml.safe_load_all((ROOT / "deploy/rbac/read.yaml").read_text()):
        for rule in role["rules"]:
            assert rule["verbs"] == ["get", "list"]
            for group in rule["apiGroups"]:
                granted.setdefault(group, set()).update(rule["resources"])
    kinds = KindTable()
    needed: dict[str, set[str]] = {"": {"pods/log"}}
    for name in (*KINDS, *CLUSTER_KINDS, *SYSTEM_KINDS, "Lease"):
        kind = kinds.get(name)
        assert kind, name
        needed.setdefault(kind.group, set()).add(kind.plural)
    assert granted == needed


async def test_shares_are_worked_out_of_what_a_live_cluster_counts(clock: ManualClock) -> None:
    """A Prometheus gives requests and errors; engines reason with the share of both."""
    labels = {"namespace": NS, "service": "baker"}
    metrics = prometheus(
        **{
            'by (namespace, service) (rate(http_requests_total{service!=""': [FakeSeries(labels, [(1.0, 10.0)])],
            'rate(http_requests_total{code=~"5..",service!=""': [FakeSeries(labels, [(1.0, 4.0)])],
        }
    )
    snap = await collected(clock, FakeCluster(*objects()), metrics)
    (share,) = snap.metrics["error_share"]
    assert share.points == [(1.0, 0.4)]
