"""A shop that lives: what it has done in the days before, what it does while one looks, and that none of it is an alarm."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from simulator.clock import epoch_ms, parse_rfc3339
from simulator.life import people
from simulator.life.calendar import Calendar, Happening
from simulator.objects import Object, annotations_of, name_of
from simulator.promql.engine import Engine
from simulator.shop import SEARCH, image
from simulator.world import World
from tests.simulator.test_world_determinism import fingerprint, lines
from tests.simulator.worlds import START, Watch, small_shop, small_world

RULES = Path(__file__).parents[2] / "alerts" / "rules"
DAYS = 2.0


def living(seed: int = 7, history_days: float = 0.0, start: datetime = START) -> World:
    return World(seed, start, history_days=history_days, shop=small_shop(), life=True)


@cache
def grown() -> World:
    """With two days behind it; nobody may move it."""
    return living(history_days=DAYS)


def next_of(kind: str, after: datetime, seed: int = 7) -> Happening:
    calendar = Calendar(seed)
    while True:
        found = calendar.between(after, after + timedelta(days=7))
        for happening in found:
            if happening.kind == kind:
                return happening
        after += timedelta(days=7)


def before(kind: str) -> World:
    """A living world a minute before something of this kind."""
    return living(start=next_of(kind, START).at - timedelta(minutes=1))


def releases(world: World) -> list[Object]:
    return [each for each in world.store.list("ReplicaSet") if people.CHANGE_CAUSE in annotations_of(each)]


def test_releases_of_the_days_before_stand_as_revisions_with_their_dates() -> None:
    made = releases(grown())
    expected = [
        each
        for each in Calendar(7).between(START - timedelta(days=DAYS), START - timedelta(minutes=30))
        if each.kind == "release"
    ]
    assert len(made) == len(expected) > 1
    for replicaset, happening in zip(
        sorted(made, key=lambda each: str(each["metadata"]["creationTimestamp"])), expected, strict=True
    ):
        born = parse_rfc3339(replicaset["metadata"]["creationTimestamp"])
        assert timedelta() <= born - happening.at < timedelta(minutes=10)
        assert re.match(r"[a-z-]+ \d+\.\d+\.\d+: ", annotations_of(replicaset)[people.CHANGE_CAUSE])


def test_a_happening_in_the_minutes_that_are_leapt_over_gives_no_moment_a_second_sample() -> None:
    world = living(history_days=0.5, start=START + timedelta(hours=1))
    crowded = [
        each.labels
        for each in world.tsdb.select([], 0, epoch_ms(world.clock.now()))
        if any(later <= earlier for earlier, later in pairwise(each.times.tolist()))
    ]
    assert not crowded


def test_a_released_version_runs_everywhere_and_the_pipeline_signed_it() -> None:
    world = grown()
    newest = max(releases(world), key=lambda each: str(each["metadata"]["creationTimestamp"]))
    deployment = world.store.get("Deployment", "shop", newest["metadata"]["ownerReferences"][0]["name"])
    assert deployment is not None
    assert deployment["status"]["availableReplicas"] == deployment["spec"]["replicas"]
    assert people.PIPELINE in {each["manager"] for each in deployment["metadata"]["managedFields"]}


def test_the_metrics_of_pods_end_and_begin_with_the_release_and_have_no_hole() -> None:
    world = grown()
    newest = max(releases(world), key=lambda each: str(each["metadata"]["creationTimestamp"]))
    program = newest["metadata"]["ownerReferences"][0]["name"]
    released = parse_rfc3339(newest["metadata"]["creationTimestamp"])
    query = f'count(kube_pod_info{{pod=~"{program}-.*"}})'
    names = f'count(kube_pod_info{{pod=~"{name_of(newest)}-.*"}})'
    pods = newest["spec"]["replicas"]
    for minutes in (-9, 0, 1, 2, 3, 4, 9, 12):
        assert instant(world, query, released + timedelta(minutes=minutes)) == [pods]
    assert instant(world, names, released - timedelta(minutes=6)) == []
    assert instant(world, names, released + timedelta(minutes=6)) == [pods]


def test_counters_of_the_edge_go_on_over_a_release() -> None:
    world = grown()
    resets = 'sum(resets(traces_service_graph_request_total{client="user"}[47h]))'
    assert instant(world, resets, START) == [0.0]


def test_nightly_jobs_of_the_nights_before_are_there_with_their_pods() -> None:
    world = grown()
    jobs = world.store.list("Job")
    assert len(jobs) == 6
    assert all(job["status"]["succeeded"] == 1 for job in jobs)
    nightly = {job["metadata"]["ownerReferences"][0]["name"] for job in jobs}
    assert nightly == {"shop-db-backup", "shop-db-log-rotation", "shop-db-report"}
    assert sum(pod["status"]["phase"] == "Succeeded" for pod in world.store.list("Pod")) == 6


def test_events_are_of_the_last_hour_only() -> None:
    told = [parse_rfc3339(event["lastTimestamp"]) for event in grown().store.list("Event")]
    assert all(each >= START - timedelta(hours=1, minutes=5) for each in told)


def test_a_release_rolls_out_while_one_looks() -> None:
    watch = Watch(before("release"))
    was = {name_of(each) for each in watch.world.store.list("ReplicaSet")}
    watch.after(240)
    (new,) = [each for each in watch.world.store.list("ReplicaSet") if name_of(each) not in was]
    assert annotations_of(new)[people.CHANGE_CAUSE]
    assert new["status"]["availableReplicas"] == new["spec"]["replicas"]
    said = [event["message"] for event in watch.world.store.list("Event") if event["reason"] == "ScalingReplicaSet"]
    assert any(name_of(new) in each for each in said)


def test_the_pipeline_deploys_into_no_incident_and_over_nobody_elses_image() -> None:
    world = small_world()
    registry, shop = world.registry, world.shop
    broken = Watch(world)
    broken.inject("incorrect_image_reference", "search")
    broken.after(60)
    assert people.release(world.store, registry, shop, 7, "any", world.clock.now()) is None
    calm = Watch(small_world())
    for name in ("catalogue", "search", "edge-gateway"):
        calm.replace_in_deployment(name, image="docker.io/library/nginx:1.25.4")
    assert people._next_version(calm.get("Deployment", "search"), SEARCH) is None


def test_a_patch_follows_the_version_that_runs() -> None:
    deployment = small_world().store.get("Deployment", "shop", "search")
    assert deployment is not None
    assert image(SEARCH).endswith(":2.4.1")
    assert people._next_version(deployment, SEARCH) == "2.4.2"


def test_a_process_ends_once_with_its_last_words_and_is_back_at_once() -> None:
    world = before("restart")
    world.advance(world.clock.now() + timedelta(seconds=150))
    restarted = [
        (pod, status)
        for pod in world.store.list("Pod")
        for status in pod["status"].get("containerStatuses", [])
        if status["restartCount"]
    ]
    ((pod, status),) = restarted
    assert status["ready"]
    assert status["lastState"]["terminated"]["exitCode"] == 1
    said = world.read_log("shop", name_of(pod), status["name"], previous=True) or []
    assert any("background task" in line.text or "后台任务" in line.text for line in said)


def test_a_kernel_says_something_and_the_node_stays_ready() -> None:
    world = before("kernel")
    world.advance(world.clock.now() + timedelta(seconds=90))
    (event,) = [each for each in world.store.list("Event") if each["reason"] == "UnregisterNetDevice"]
    assert event["involvedObject"]["kind"] == "Node"
    assert event["source"]["component"] == "kernel-monitor"
    ready = [
        each for node in world.store.list("Node") for each in node["status"]["conditions"] if each["type"] == "Ready"
    ]
    assert {each["status"] for each in ready} == {"True"}


def test_settings_are_touched_without_effect() -> None:
    world = before("settings")
    pods = [name_of(pod) for pod in world.store.list("Pod")]
    world.advance(world.clock.now() + timedelta(seconds=90))
    settings = world.store.get("ConfigMap", "shop", world.shop.settings)
    assert settings is not None
    assert "SEASONAL_BANNER" in settings["data"]
    assert "kubectl-edit" in {each["manager"] for each in settings["metadata"]["managedFields"]}
    assert [name_of(pod) for pod in world.store.list("Pod")] == pods


def test_the_backup_starts_by_itself_is_felt_by_the_database_and_ends() -> None:
    start = START.replace(hour=2, minute=14)
    watch = Watch(living(start=start))
    idle = float(watch.flow("shop-db").cores[0])
    watch.after(180)
    assert float(watch.flow("shop-db").cores[0]) > idle + 0.1
    watch.after(360)
    assert float(watch.flow("shop-db").cores[0]) < idle + 0.05
    (job,) = watch.world.store.list("Job")
    assert job["status"]["succeeded"] == 1


def test_a_crawler_brings_requests_and_shows_in_the_access_log() -> None:
    crawler = next_of("crawler", START)
    watch = Watch(living(start=crawler.at - timedelta(minutes=1)))
    busiest = watch.world.shop.entries[0].route
    usual = edge_rate(watch, busiest)
    watch.after(180)
    assert edge_rate(watch, busiest) > usual * 1.1
    assert any("192.0.2.17" in line for line in watch.log("edge-gateway"))


def test_scanners_get_a_404_in_metrics_and_log_and_count_as_no_error() -> None:
    watch = Watch(living()).after(300)
    assert sum(watch.query('http_requests_total{code="404"}').values()) > 0
    assert any(" 404 " in line for line in watch.log("edge-gateway"))
    errors = 'sum(rate(http_requests_total{code=~"5.."}[2m])) / sum(rate(http_requests_total[2m]))'
    assert watch.value(errors) < 0.01


def test_a_moment_of_slowness_is_felt_and_over() -> None:
    blip = next_of("blip", START)
    watch = Watch(living(start=blip.at - timedelta(minutes=1)))
    usual = slowest(watch)
    during = slowest(watch.after(72))
    assert during > usual + 0.03
    assert slowest(watch.after(120)) < usual + 0.02


def test_programs_say_everyday_things_of_which_some_are_warnings_in_two_languages() -> None:
    world = World(7, START, history_days=0, life=True)
    watch = Watch(world).after(120)
    said = [line for each in world.shop.apps for line in Watch(world, each.namespace).log(each.name)]
    assert any("deprecated" in line or "弃用" in line for line in said)
    assert any("连接池" in line or "缓存" in line or "健康报告" in line or "垃圾回收" in line for line in said)
    assert any("pool stats" in line or "cache warmed" in line or "health report" in line for line in said)
    assert watch.world.clock.now() > START


def test_a_quiet_world_has_none_of_it() -> None:
    world = small_world()
    assert world.store.list("CronJob") == []
    assert releases(world) == []


def test_the_same_seed_lives_the_same_life_in_one_stride_or_in_many() -> None:
    start = next_of("release", START).at - timedelta(minutes=1)
    stride, steps = living(start=start), living(start=start)
    stride.advance(start + timedelta(minutes=4))
    for seconds in range(7, 240, 7):
        steps.advance(start + timedelta(seconds=seconds))
    steps.advance(start + timedelta(minutes=4))
    assert fingerprint(stride) == fingerprint(steps)
    assert lines(stride) == lines(steps)


def shipped() -> list[dict[str, Any]]:
    files = [yaml.safe_load(path.read_text()) for path in sorted(RULES.glob("*.yaml"))]
    return [rule for file in files for group in file["groups"] for rule in group["rules"]]


@pytest.mark.parametrize("rule", shipped(), ids=lambda rule: str(rule["alert"]))
def test_no_shipped_alert_is_raised_by_two_days_of_it(rule: dict[str, Any]) -> None:
    wait = int(str(rule.get("for", "0m")).removesuffix("m"))
    engine, step = Engine(grown().tsdb), 60_000
    first, last = epoch_ms(START - timedelta(days=DAYS) + timedelta(minutes=15)), epoch_ms(START)
    for row in engine.range(rule["expr"], first, last, step).rows:
        times = [int(each) for each in row.times]
        streaks = [0]
        for one, other in pairwise(times):
            streaks.append(streaks[-1] + 1 if other - one == step else 0)
        assert max(streaks) < wait, (rule["alert"], row.labels)


def instant(world: World, expression: str, at: datetime) -> list[float]:
    result = Engine(world.tsdb).instant(expression, epoch_ms(at))
    return [float(each) for each in getattr(result, "values", [])]


def edge_rate(watch: Watch, route: str) -> float:
    entries = [call for call in watch.world.present_flow().entries if call.call.route == route]
    return sum(float(call.rate[0]) for call in entries)


def slowest(watch: Watch) -> float:
    """How much slower than usual the slowest of the inner programs answers."""
    flow = watch.world.present_flow()
    means = [
        float(route.ok.mean[0])
        for group in flow.groups
        if group.group.app.protocol == "http"
        for route in group.routes.values()
    ]
    return max(means)


@pytest.mark.parametrize("hour", [2, 8])
def test_the_present_may_begin_with_a_scrape_on_a_whole_minute(hour: int) -> None:
    start = datetime(2026, 11, 20, hour, tzinfo=UTC)
    world = World(7, start, history_days=3, shop=small_shop(), life=True)
    assert world.clock.now() == start
