"""What the exporters make of objects, pods and machines: the values, and the seams between past and present."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from simulator.clock import epoch_ms
from simulator.conditions import Kind, Level, Pressure, node_place
from simulator.kubernetes_api import defaulted
from simulator.promql.matchers import Matcher, MatchType
from simulator.promql.tsdb import Series
from simulator.shop import SHOP
from simulator.telemetry import node_exporter
from simulator.telemetry.descriptions import type_of
from simulator.telemetry.kube_state import COLLECTORS
from simulator.telemetry.labels import Sample
from simulator.telemetry.node_exporter import Load
from simulator.world import World
from tests.simulator.worlds import START, Object, Watch, small_shop, small_world, whole_world


@pytest.fixture(scope="module")
def shop() -> Watch:
    return Watch(whole_world())


@pytest.fixture(scope="module")
def past() -> Watch:
    return Watch(World(7, START, history_days=0.5, shop=small_shop()))


def told(kind: str, obj: Object) -> dict[str, list[tuple[dict[str, str], float]]]:
    """By metric name."""
    found: dict[str, list[tuple[dict[str, str], float]]] = {}
    for labels, value in COLLECTORS[kind](obj):
        named = dict(labels)
        found.setdefault(named.pop("__name__"), []).append((named, value))
    return found


def of(kind: str, version: str, spec: Object, status: Object) -> Object:
    metadata = {
        "name": "x",
        "namespace": "shop",
        "uid": "u",
        "generation": 2,
        "creationTimestamp": "2026-01-01T00:00:00Z",
    }
    return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec, "status": status}


def value(found: dict[str, list[tuple[dict[str, str], float]]], name: str, **labels: str) -> float:
    (one,) = [value for known, value in found[name] if labels.items() <= known.items()]
    return one


def test_an_evicted_pod_says_so_and_a_moment_is_seconds_since_1970() -> None:
    pod = of("Pod", "v1", {"containers": []}, {"phase": "Failed", "reason": "Evicted"})
    found = told("Pod", pod)
    assert value(found, "kube_pod_status_reason", reason="Evicted") == 1
    assert value(found, "kube_pod_status_reason", reason="NodeLost") == 0
    assert value(found, "kube_pod_created") == 1_767_225_600


def test_init_containers_have_metrics_of_their_own() -> None:
    waiting = {"name": "wait", "ready": False, "restartCount": 3, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}
    found = told("Pod", of("Pod", "v1", {"containers": []}, {"initContainerStatuses": [waiting]}))
    assert value(found, "kube_pod_init_container_status_waiting_reason", reason="CrashLoopBackOff") == 1
    assert value(found, "kube_pod_init_container_status_restarts_total") == 3
    assert "kube_pod_container_status_waiting" not in found


def test_a_pod_without_a_node_is_unschedulable_when_the_scheduler_said_so() -> None:
    scheduled = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
    found = told("Pod", of("Pod", "v1", {"containers": []}, {"conditions": [scheduled]}))
    assert value(found, "kube_pod_status_unschedulable") == 1


@pytest.mark.parametrize(
    ("kind", "spec", "status", "name", "labels", "wanted"),
    [
        ("StatefulSet", {"replicas": 3}, {"readyReplicas": 2}, "kube_statefulset_status_replicas_ready", {}, 2),
        ("StatefulSet", {"replicas": 3}, {}, "kube_statefulset_replicas", {"statefulset": "x"}, 3),
        ("DaemonSet", {}, {"numberUnavailable": 1}, "kube_daemonset_status_number_unavailable", {}, 1),
        ("Job", {"completions": 2}, {"succeeded": 1}, "kube_job_status_succeeded", {"job_name": "x"}, 1),
        (
            "Job",
            {},
            {"failed": 7, "conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]},
            "kube_job_failed",
            {"condition": "true"},
            1,
        ),
        ("CronJob", {"schedule": "0 3 * * *", "suspend": True}, {}, "kube_cronjob_spec_suspend", {}, 1),
        (
            "HorizontalPodAutoscaler",
            {"maxReplicas": 5, "scaleTargetRef": {"kind": "Deployment", "name": "search"}},
            {"currentReplicas": 5},
            "kube_horizontalpodautoscaler_status_current_replicas",
            {},
            5,
        ),
        (
            "PodDisruptionBudget",
            {},
            {"disruptionsAllowed": 1},
            "kube_poddisruptionbudget_status_pod_disruptions_allowed",
            {},
            1,
        ),
        ("ResourceQuota", {}, {"hard": {"pods": "10"}}, "kube_resourcequota", {"type": "hard", "resource": "pods"}, 10),
        (
            "PersistentVolumeClaim",
            {},
            {"phase": "Pending"},
            "kube_persistentvolumeclaim_status_phase",
            {"phase": "Pending"},
            1,
        ),
        ("PersistentVolume", {"capacity": {"storage": "1Gi"}}, {}, "kube_persistentvolume_capacity_bytes", {}, 2**30),
        (
            "LimitRange",
            {"limits": [{"type": "Container", "max": {"cpu": "500m"}}]},
            {},
            "kube_limitrange",
            {"constraint": "max", "type": "Container"},
            0.5,
        ),
    ],
)
def test_objects_of_every_kind_are_told(
    kind: str, spec: Object, status: Object, name: str, labels: dict[str, str], wanted: float
) -> None:
    assert value(told(kind, of(kind, "v1", spec, status)), name, **labels) == wanted


def test_an_ingress_tells_where_its_paths_lead() -> None:
    backend = {"service": {"name": "edge", "port": {"number": 80}}}
    rule = {"host": "shop.example", "http": {"paths": [{"path": "/", "backend": backend}]}}
    found = told("Ingress", of("Ingress", "networking.k8s.io/v1", {"rules": [rule]}, {}))
    assert value(found, "kube_ingress_path", host="shop.example", service_name="edge", service_port="80") == 1


def test_an_object_that_did_not_change_is_not_told_again(shop: Watch) -> None:
    state = shop.world.collector._kube_state
    before = state.made()
    service = shop.get("Service", "search")
    shop.world.store.update("Service", {**service, "metadata": {**service["metadata"], "labels": {"a": "b"}}})
    after = state.made()
    changed = {key for key in after if after[key] is not before[key]}
    assert {kind for kind, _ in changed} <= {"Service", "Endpoints"}


def flat(**changes: float) -> Load:
    return Load(**{each.name: np.array([changes.get(each.name, 0.0)]) for each in fields(Load)})


def grown(load: Load) -> dict[tuple[str, str], float]:
    node = SHOP.nodes[0]
    increments = node_exporter.rates(node, 7, np.array([0.0]), load)[:, 0]
    named = [dict(row.labels) for row in node_exporter.rows(node)]
    found: dict[tuple[str, str], float] = {}
    for labels, value in zip(named, increments.tolist(), strict=True):
        key = labels["__name__"], labels.get("mode", "")
        found[key] = found.get(key, 0.0) + value
    return found


@pytest.mark.parametrize("load", [flat(), flat(cores=4), flat(cores=2, stolen=0.7), flat(disk=0.99, cores=1)])
def test_the_modes_of_a_machines_cpus_make_one_second_each(load: Load) -> None:
    assert sum(value for (name, _), value in grown(load).items() if name == "node_cpu_seconds_total") == pytest.approx(
        4
    )


def test_stolen_time_and_waiting_for_a_disk_are_told_apart() -> None:
    stolen, disk = grown(flat(cores=1, stolen=0.6)), grown(flat(cores=1, disk=0.98))
    cpu = "node_cpu_seconds_total"
    assert stolen[cpu, "steal"] == pytest.approx(2.4)
    assert stolen[cpu, "iowait"] < 0.05
    assert disk[cpu, "iowait"] > 1
    assert disk["node_disk_io_time_seconds_total", ""] == pytest.approx(0.98)
    assert disk["node_pressure_io_waiting_seconds_total", ""] > 0.8


def test_a_crowded_machine_shows_pressure_and_a_quiet_one_hardly_any() -> None:
    name = ("node_pressure_cpu_waiting_seconds_total", "")
    assert grown(flat(cores=0.8, wanted=0.8))[name] < 0.01
    assert grown(flat(cores=4, wanted=9))[name] > 0.9


def test_a_clock_that_is_wrong_shows_on_its_own_machine_only() -> None:
    watch = Watch(small_world())
    watch.world.conditions.press(Pressure(Kind.CLOCK_OFFSET, node_place("node-2")), Level(180.0))
    watch.after(30)
    offsets = watch.query("node_timex_offset_seconds")
    assert sorted(abs(each) > 1 for each in offsets.values()) == [False, False, True]
    assert watch.value("count(node_timex_sync_status == 0)") == 1


def test_programs_tell_of_their_process_and_their_pools(shop: Watch) -> None:
    assert shop.value('max(process_open_fds{service="cart"}) / max(process_max_fds{service="cart"})') < 0.01
    assert shop.value('max(http_requests_in_flight{service="search"} / http_worker_pool_size{service="search"})') < 0.2
    used = 'max(db_client_connections_usage{service="orders",pool_name="shop-db",state="used"})'
    assert 0 <= shop.value(used) <= 2
    assert shop.value("max(pg_stat_activity_count / pg_settings_max_connections)") < 0.7


def test_a_cache_hits_nearly_always(shop: Watch) -> None:
    hits, misses = "sum(rate(redis_keyspace_hits_total[5m]))", "sum(rate(redis_keyspace_misses_total[5m]))"
    assert shop.value(f"{hits} / ({hits} + {misses})") == pytest.approx(0.94, abs=0.01)


def test_client_and_server_see_the_same_latency_where_nothing_is_between_them(shop: Watch) -> None:
    def mean(side: str) -> float:
        name = f"traces_service_graph_request_{side}_seconds"
        return shop.value(f"sum(rate({name}_sum[5m])) / sum(rate({name}_count[5m]))")

    assert mean("client") == pytest.approx(mean("server"), rel=1e-6)


def test_the_clusters_own_parts_are_scraped(shop: Watch) -> None:
    for job in ("apiserver", "kube-scheduler", "kube-controller-manager", "coredns"):
        assert shop.value(f'up{{job="{job}"}}') == 1
    assert shop.value("sum(scheduler_pending_pods)") == 0
    assert shop.value("sum(rate(coredns_dns_requests_total[5m]))") > 5


def test_a_pod_that_finds_no_node_is_pending_in_the_schedulers_queue() -> None:
    watch = Watch(small_world())
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "big", "namespace": "shop"}}
    container = {"name": "big", "image": "docker.io/library/busybox:1.36.1", "resources": {"requests": {"cpu": "99"}}}
    watch.world.store.create("Pod", defaulted("Pod", {**pod, "spec": {"containers": [container]}}))
    watch.world.kick()
    watch.after(30)
    assert watch.value('scheduler_pending_pods{queue="unschedulable"}') == 1


def series(watch: Watch, name: str, **labels: str) -> list[Series]:
    matchers = [Matcher(key, MatchType.EQUAL, value) for key, value in {"__name__": name, **labels}.items()]
    return watch.world.tsdb.select(matchers, 0, epoch_ms(watch.world.clock.now()))


@pytest.mark.parametrize(
    "name",
    [
        "process_cpu_seconds_total",
        "redis_keyspace_hits_total",
        "node_netstat_Tcp_OutSegs",
        "node_disk_io_time_seconds_total",
        "container_network_receive_packets_total",
        "coredns_dns_requests_total",
        "traces_service_graph_request_client_seconds_count",
    ],
)
def test_the_new_counters_have_a_past_and_no_seam(past: Watch, name: str) -> None:
    for each in series(past, name):
        assert each.times[0] < epoch_ms(START) - 11 * 3_600_000
        assert (np.diff(each.values) >= 0).all()


@pytest.mark.parametrize("name", ["http_requests_in_flight", "node_timex_offset_seconds", "container_threads", "pg_up"])
def test_the_new_gauges_have_a_past_too(past: Watch, name: str) -> None:
    assert all(each.times[0] < epoch_ms(START) - 11 * 3_600_000 for each in series(past, name))


def test_the_healthy_shop_has_a_moderate_number_of_series(shop: Watch) -> None:
    assert 4_000 < len(shop.world.tsdb) < 7_000


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("node_netstat_Tcp_RetransSegs", "counter"),
        ("pg_stat_database_xact_commit", "counter"),
        ("nodejs_active_handles_total", "gauge"),
        ("kube_pod_created", "gauge"),
    ],
)
def test_the_kind_of_a_metric_follows_from_its_name(name: str, wanted: str) -> None:
    assert type_of(name) == wanted


def test_a_sample_of_every_kind_can_be_replaced() -> None:
    load = replace(flat(), mib=np.array([512.0]))
    gauges = node_exporter.gauges(SHOP.nodes[0], 7, np.array([0.0]), load)
    assert len(gauges) == len(node_exporter.gauge_labels(SHOP.nodes[0]))


def test_an_owner_that_is_none_is_told_as_none() -> None:
    samples: list[Sample] = list(COLLECTORS["Pod"](of("Pod", "v1", {"containers": []}, {})))
    owners = [dict(labels) for labels, _ in samples if dict(labels)["__name__"] == "kube_pod_owner"]
    assert owners[0]["owner_kind"] == "<none>"
