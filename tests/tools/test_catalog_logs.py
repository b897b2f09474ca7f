"""Logs of a pod or a workload as patterns: errors first, the dead container on request, the silent one named."""

from typing import Any

import pytest

from core.errors import Invalid, NotFound
from tests.tools.stand_ins import ShelfClusters, ctx
from tests.tools.things import Thing, pod
from tools.catalog.logs import LogTools, ReadLogs
from tools.catalog.pages import Pages
from tools.spec import ToolResult

KILLED: Thing = {"exitCode": 1, "reason": "Error", "finishedAt": "2026-03-02T08:58:00Z"}
REFUSED = "level=error msg=refused host=db:5432"


def told(*lines: str) -> str:
    return "\n".join(f"2026-03-02T08:{place:02}:00Z {line}" for place, line in enumerate(lines))


async def read(clusters: ShelfClusters, **ask: Any) -> ToolResult[Any]:
    return await LogTools(clusters, Pages(ctx().clock)).read_logs(ctx(), ReadLogs(**ask))


def web(*pods: Thing, **logs: str) -> ShelfClusters:
    return ShelfClusters(*pods, logs={key.replace("__", "/").replace("_", "-"): text for key, text in logs.items()})


async def test_a_pods_log_becomes_patterns_with_errors_first() -> None:
    lines = [f"level=info msg=request id={number}" for number in range(20)] + [REFUSED, REFUSED]
    found = await read(web(pod("web-0"), web_0__app=told(*lines)), name="web-0")
    assert [(one.level, one.count) for one in found.data.patterns] == [("error", 2), ("info", 20)]
    assert found.data.by_level == {"error": 2, "info": 20}
    assert found.data.patterns[0].example == REFUSED
    assert found.data.first == [
        "level=info msg=request id=0",
        "level=info msg=request id=1",
        "level=info msg=request id=2",
    ]
    assert found.data.last[-1] == REFUSED
    assert (
        found.summary == f"22 lines of 1 containers in the last 1h, 2 patterns; 2 lines look like errors: 2x {REFUSED}."
    )
    assert "sinceSeconds=3600" in found.source[0].query


async def test_a_workloads_name_reads_its_pods_together_those_in_trouble_first() -> None:
    pods = [pod(f"web-5d-x{number}", owner=("ReplicaSet", "web-5d"), ready=number != 3) for number in range(7)]
    logs = {f"web-5d-x{number}/app": told(f"hello from {number}") for number in range(7)}
    found = await read(ShelfClusters(*pods, logs=logs), name="web")
    assert found.data.read[0] == "web-5d-x3/app"
    assert len(found.data.read) == 5
    assert found.data.patterns[0].pods == 5
    assert found.missing[0].why == "2 more pods were not read"


async def test_a_name_that_is_neither_pod_nor_workload_is_not_found_with_near_misses() -> None:
    clusters = ShelfClusters(
        pod("web-5d-x1", owner=("ReplicaSet", "web-5d")), pod("webshop-1", owner=("ReplicaSet", "webshop"))
    )
    with pytest.raises(NotFound, match=r"no Pod wbe-5d-x1 in namespace shop\. Did you mean web-5d-x1"):
        await read(clusters, name="wbe-5d-x1")


async def test_the_dead_container_is_read_when_asked_however_long_ago_it_died() -> None:
    clusters = web(
        pod("web-0", last=KILLED, restarts=3),
        web_0__app__previous=told("panic: no config"),
        web_0__app=told("starting"),
    )
    found = await read(clusters, name="web-0", previous=True)
    assert found.data.read == ["web-0/app (previous)"]
    assert found.data.patterns[0].level == "fatal"
    assert "previous=true" in found.source[0].query
    assert "sinceSeconds" not in found.source[0].query


async def test_asking_for_a_dead_container_where_none_died_says_so() -> None:
    with pytest.raises(NotFound, match="No container of web-0 has run before"):
        await read(web(pod("web-0")), name="web-0", previous=True)


async def test_an_unknown_container_names_those_there_are() -> None:
    with pytest.raises(Invalid) as caught:
        await read(web(pod("web-0")), name="web-0", container="sidecar")
    assert caught.value.details["allowed"] == ["app"]


async def test_a_container_that_has_not_started_is_named_and_the_others_are_read() -> None:
    pods = [pod(name, owner=("ReplicaSet", "web")) for name in ("web-a", "web-b")]
    found = await read(ShelfClusters(*pods, logs={"web-a/app": told("fine")}), name="web")
    assert found.data.read == ["web-a/app"]
    assert found.missing[0].what == "log web-b/app"
    assert "waiting to start" in found.missing[0].why


async def test_nothing_readable_and_nothing_said_are_two_different_answers() -> None:
    assert (await read(web(pod("web-0")), name="web-0")).summary == "No log of web-0 could be read."
    silent = await read(web(pod("web-0"), web_0__app=""), name="web-0", last="5m")
    assert silent.summary == "web-0 wrote no lines in the last 5m."


async def test_only_lines_that_contain_a_word_are_counted_when_asked() -> None:
    found = await read(web(pod("web-0"), web_0__app=told("a cat", "a dog", "a CAT")), name="web-0", contains="cat")
    assert found.data.lines == 2


@pytest.mark.parametrize("last", ["yesterday", "0s", "-5m", "5", "9999d"])
async def test_a_span_that_makes_no_sense_is_refused_by_its_field(last: str) -> None:
    with pytest.raises(Invalid) as caught:
        await read(web(pod("web-0")), name="web-0", last=last)
    assert caught.value.details["field"] == "last"


async def test_init_containers_are_read_only_where_they_failed() -> None:
    stuck = pod("web-0", phase="Pending", ready=False, waiting={"reason": "PodInitializing"})
    stuck["spec"]["initContainers"] = [{"name": "migrate"}, {"name": "warm"}]
    stuck["status"]["initContainerStatuses"] = [
        {"name": "migrate", "state": {"terminated": {"exitCode": 0}}},
        {"name": "warm", "state": {"waiting": {"reason": "CrashLoopBackOff"}}},
    ]
    found = await read(ShelfClusters(stuck, logs={"web-0/warm": told("fatal: no cache")}), name="web-0")
    assert found.data.read == ["web-0/warm"]
    assert [one.what for one in found.missing] == ["log web-0/app"]
