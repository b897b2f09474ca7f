"""Lists, single objects and the overview: the unusual first, with why; what could not be read is named; no secret is shown."""

import asyncio
import base64
from typing import Any

import pytest

from core.errors import Forbidden, NotFound, Upstream
from tests.tools.stand_ins import NOW, Shelf, ShelfClusters, ago, ctx
from tests.tools.things import Thing, deployment, endpoint_slice, event, meta, node, pod, service
from tools.catalog.objects import GetObject, ListObjects, ObjectTools
from tools.catalog.overview import ClusterOverview, OverviewTools
from tools.catalog.pages import Pages, PageTools, ReadMore
from tools.clients.transport import Reply, Request
from tools.spec import ToolResult

KILLED: Thing = {"exitCode": 137, "reason": "OOMKilled", "finishedAt": ago(minutes=4)}
CRASHING: Thing = {
    "waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s restarting"},
    "last": KILLED,
    "restarts": 7,
}


def object_tools(clusters: ShelfClusters) -> ObjectTools:
    return ObjectTools(clusters, Pages(ctx().clock))


async def listed(clusters: ShelfClusters, **ask: str) -> ToolResult[Any]:
    return await object_tools(clusters).list_objects(ctx(), ListObjects(**ask))


async def seen(clusters: ShelfClusters, **ask: str) -> ToolResult[Any]:
    return await object_tools(clusters).get_object(ctx(), GetObject(**ask))


async def overview(clusters: ShelfClusters, **ask: str) -> ToolResult[Any]:
    return await OverviewTools(clusters, Pages(ctx().clock)).cluster_overview(ctx(), ClusterOverview(**ask))


async def test_the_unusual_members_of_a_list_come_first_with_the_reason() -> None:
    found = await listed(
        ShelfClusters(pod("a"), pod("z", ready=False, **CRASHING), pod("b")), kind="po", namespace="shop"
    )
    assert [row.name for row in found.data.rows] == ["z", "a", "b"]
    assert found.data.rows[0].status == "CrashLoopBackOff"
    assert found.data.rows[0].why == "app: CrashLoopBackOff after 7 restarts, last exit 137 (OOMKilled)"
    assert (found.data.total, found.data.in_trouble) == (3, 1)
    assert found.data.by_status == {"Running": 2, "CrashLoopBackOff": 1}
    assert found.summary.startswith("3 Pod in shop, 1 in trouble: z: app: CrashLoopBackOff")
    assert found.source[0].query == "GET /api/v1/namespaces/shop/pods"
    assert found.seen_at == NOW


@pytest.mark.parametrize(
    ("thing", "status", "why"),
    [
        (
            pod(
                "p",
                ready=False,
                phase="Pending",
                waiting={"reason": "ImagePullBackOff", "message": 'Back-off pulling image "x:1"'},
            ),
            "ImagePullBackOff",
            'app: ImagePullBackOff: Back-off pulling image "x:1"',
        ),
        (
            pod(
                "p",
                ready=False,
                phase="Pending",
                conditions=[
                    {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes"}
                ],
            ),
            "Pending",
            "Unschedulable: 0/3 nodes",
        ),
        (pod("p", ready=False), "Running", "running, but not ready"),
        (
            pod("p", last=KILLED, restarts=2),
            "Running",
            "app: restarted 2 times, last exit 137 (OOMKilled) at 08:56:00Z",
        ),
        (pod("p", last={**KILLED, "finishedAt": ago(days=2)}, restarts=2), "Running", ""),
        (pod("p", phase="Succeeded", ready=False), "Completed", ""),
        (
            pod("p", phase="Pending", ready=False, waiting={"reason": "ContainerCreating"}),
            "ContainerCreating",
            "still being created since 04:00:00Z",
        ),
        (deployment("d", 3, 1), "1/3", "1 of 3 ready"),
        (deployment("d", 0, 0), "0/0", "scaled to zero"),
        (deployment("d", 2, 2, updatedReplicas=1), "2/2", "rolling out: 1 of 2 updated"),
        (
            deployment(
                "d", 2, 2, conditions=[{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]
            ),
            "2/2",
            "ProgressDeadlineExceeded",
        ),
        (node("n"), "Ready", ""),
        (node("n", "Unknown"), "NotReady", "KubeletNotReady: container runtime is down"),
        (node("n", DiskPressure="True"), "Ready", "DiskPressure: DiskPressure it is"),
        (node("n", cordoned=True), "Ready,SchedulingDisabled", "cordoned: takes no new pods"),
        (
            {"kind": "PersistentVolumeClaim", "metadata": meta("c"), "status": {"phase": "Pending"}},
            "Pending",
            "Pending",
        ),
        (
            {
                "kind": "ResourceQuota",
                "metadata": meta("q"),
                "status": {"hard": {"pods": "4", "cpu": "2"}, "used": {"pods": "4", "cpu": "500m"}},
            },
            "full",
            "quota used up: pods 4/4",
        ),
        (
            {
                "kind": "HorizontalPodAutoscaler",
                "metadata": meta("h"),
                "spec": {"maxReplicas": 5},
                "status": {"currentReplicas": 5},
            },
            "5 replicas",
            "at its maximum of 5 replicas",
        ),
        (
            {
                "kind": "Job",
                "metadata": meta("j"),
                "status": {"conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]},
            },
            "Failed",
            "BackoffLimitExceeded",
        ),
        (
            {
                "kind": "Job",
                "metadata": meta("j"),
                "status": {"succeeded": 1, "conditions": [{"type": "Complete", "status": "True"}]},
            },
            "Complete",
            "",
        ),
        ({"kind": "CronJob", "metadata": meta("j"), "spec": {"suspend": True}}, "Suspended", "Suspended"),
        ({"kind": "ReplicaSet", "metadata": meta("r"), "spec": {"replicas": 0}}, "0/0", ""),
        (
            {
                "kind": "Ingress",
                "metadata": meta("i"),
                "status": {"conditions": [{"type": "Ready", "status": "False", "message": "no backend"}]},
            },
            "not ready",
            "Ready: no backend",
        ),
    ],
)
async def test_each_kind_is_judged_as_an_expert_reads_it(thing: Thing, status: str, why: str) -> None:
    found = await listed(ShelfClusters(thing), kind=thing["kind"])
    assert (found.data.rows[0].status, found.data.rows[0].why) == (status, why)


async def test_a_service_without_ready_endpoints_is_in_trouble_and_one_without_selector_is_not() -> None:
    clusters = ShelfClusters(
        service("web", app="web"),
        endpoint_slice("web", 2),
        service("api", app="api"),
        endpoint_slice("api", 0),
        service("outside"),
    )
    found = await listed(clusters, kind="svc", namespace="shop")
    assert [(row.name, row.why) for row in found.data.rows] == [
        ("api", "no ready endpoints behind it"),
        ("outside", ""),
        ("web", ""),
    ]
    assert found.data.rows[2].facts == {"ports": "80->8080", "ready_endpoints": 2}


async def test_an_unknown_namespace_is_never_an_empty_list() -> None:
    with pytest.raises(NotFound, match=r"no Namespace shopp\. Did you mean shop"):
        await listed(ShelfClusters(), kind="Pod", namespace="shopp")


async def test_an_empty_list_is_said_in_words() -> None:
    assert (await listed(ShelfClusters(), kind="Pod", namespace="shop")).summary == "No Pod in shop matches."


async def test_a_list_can_be_narrowed_by_labels_and_by_a_part_of_the_name() -> None:
    clusters = ShelfClusters(pod("web-1", labels={"app": "web"}), pod("web-2"), pod("api-1", labels={"app": "web"}))
    assert [row.name for row in (await listed(clusters, kind="po", labels="app=web", name="WEB")).data.rows] == [
        "web-1"
    ]


async def test_a_long_list_gives_a_handle_and_the_pages_fit_together() -> None:
    clusters, pages = ShelfClusters(*(pod(f"web-{number:03}") for number in range(60))), Pages(ctx().clock)
    first = await ObjectTools(clusters, pages).list_objects(ctx(), ListObjects(kind="Pod"))
    assert (len(first.data.rows), first.data.total, first.pages) == (25, 60, 3)
    assert first.handle
    rest = [await PageTools(pages).read_more(ctx(), ReadMore(handle=first.handle, page=page)) for page in (2, 3)]
    names = [row.name for row in first.data.rows] + [row["name"] for page in rest for row in page.data.rows]
    assert names == [f"web-{number:03}" for number in range(60)]
    assert rest[1].summary.startswith("Pod: page 3 of 3, 10 of 60 rows")


async def test_who_may_read_one_namespace_only_is_shown_that_one_and_told_so() -> None:
    found = await listed(
        ShelfClusters(pod("web"), pod("far", namespace="infra"), broken={"Pod everywhere": 403}), kind="Pod"
    )
    assert [row.name for row in found.data.rows] == ["web"]
    assert found.missing[0].what == "Pod outside shop"
    assert "does not allow" in found.missing[0].why


async def test_what_may_not_be_read_at_all_is_an_error_and_not_an_empty_list() -> None:
    with pytest.raises(Forbidden):
        await listed(ShelfClusters(broken={"Pod": 403}), kind="Pod")


async def test_one_object_comes_with_its_owners_pods_and_events() -> None:
    owned = {"kind": "ReplicaSet", "metadata": meta("web-5d", owner=("Deployment", "web"))}
    clusters = ShelfClusters(
        deployment("web"),
        owned,
        pod("web-5d-x1", owner=("ReplicaSet", "web-5d"), labels={"app": "web"}),
        pod("web-5d-x2", ready=False, labels={"app": "web"}, **CRASHING),
        event("Deployment/web", "ScalingReplicaSet", "Scaled up", warns=False),
        event("Pod/web-5d-x2", "BackOff", "Back-off restarting failed container app"),
        event("Pod/other", "BackOff", "not ours"),
    )
    shown = await seen(clusters, kind="deploy", name="web")
    assert [row.name for row in shown.data.pods] == ["web-5d-x2", "web-5d-x1"]
    assert [one.reason for one in shown.data.events] == ["BackOff", "ScalingReplicaSet"]
    assert "1 of its 2 pods in trouble" in shown.summary
    assert "warned BackOff: Back-off restarting failed container app" in shown.summary
    assert (await seen(clusters, kind="pod", name="web-5d-x1")).data.owners == ["ReplicaSet/web-5d", "Deployment/web"]


async def test_a_service_whose_selector_matches_nothing_says_so() -> None:
    shown = await seen(
        ShelfClusters(service("web", app="wbe"), endpoint_slice("web", 0), pod("w", labels={"app": "web"})),
        kind="svc",
        name="web",
    )
    assert (
        shown.summary
        == "Service shop/web: ClusterIP (no ready endpoints behind it); no pod matches its selector app=wbe."
    )


async def test_values_of_a_secret_never_leave_and_its_keys_and_sizes_do() -> None:
    secret = {
        "kind": "Secret",
        "metadata": {
            **meta("db"),
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "hunter2-secret"},
        },
        "type": "Opaque",
        "data": {"password": base64.b64encode(b"hunter2-secret").decode()},
    }
    shown = await seen(ShelfClusters(secret), kind="secret", name="db")
    assert shown.data.object["data"] == {"password": "<14 bytes>"}
    assert "hunter2" not in shown.model_dump_json()
    assert "aHVudGVyMi1zZWNyZXQ" not in shown.model_dump_json()
    assert "hunter2" not in (await listed(ShelfClusters(secret), kind="secret")).model_dump_json()


async def test_a_variable_whose_name_says_secret_is_shown_by_its_length_only() -> None:
    workload = deployment("web")
    workload["spec"]["template"]["spec"]["containers"][0]["env"] = [
        {"name": "DB_PASSWORD", "value": "hunter2"},
        {"name": "DB_HOST", "value": "db"},
        {"name": "API_TOKEN", "valueFrom": {"secretKeyRef": {"name": "s", "key": "t"}}},
    ]
    env = (await seen(ShelfClusters(workload), kind="deploy", name="web")).data.object["spec"]["template"]["spec"][
        "containers"
    ][0]["env"]
    assert env[0]["value"] == "<7 characters>"
    assert env[1]["value"] == "db"
    assert env[2]["valueFrom"]["secretKeyRef"]["name"] == "s"


async def test_book_keeping_is_dropped_and_a_giant_is_cut_with_a_word_about_it() -> None:
    giant = {
        "kind": "ConfigMap",
        "metadata": {**meta("big"), "managedFields": [{"manager": "kubectl"}]},
        "data": {f"key-{number}": "x" * 10_000 for number in range(50)},
    }
    shown = await seen(ShelfClusters(giant), kind="cm", name="big")
    assert "managedFields" not in shown.data.object["metadata"]
    assert len(shown.model_dump_json()) < 20_000
    assert shown.missing[0].why == "long parts were cut to fit"
    assert "kubectl get configmaps big" in shown.missing[0].how


OF_WEB = ("ReplicaSet", "web-5d8f7c9b6d")


async def test_a_workload_that_is_ready_between_two_crashes_is_listed_as_in_trouble_with_its_restarts() -> None:
    pods = [
        pod("web-5d8f7c9b6d-x2x9q", owner=OF_WEB, last=KILLED, restarts=9),
        pod("web-5d8f7c9b6d-abcde", owner=OF_WEB),
    ]
    found = await listed(ShelfClusters(deployment("api"), deployment("web"), *pods), kind="deploy", namespace="shop")
    assert (found.data.in_trouble, found.data.rows[0].name, found.data.rows[0].status) == (1, "web", "2/2")
    assert found.data.rows[0].why.startswith(
        "1 of 2 pods restarted within the hour, 9 times in all, last exit 137 (OOMKilled) at "
    )


@pytest.mark.parametrize(
    "last",
    [
        {"exitCode": 137, "reason": "OOMKilled", "finishedAt": ago(hours=3)},
        {"exitCode": 0, "reason": "Completed", "finishedAt": ago(minutes=4)},
    ],
)
async def test_restarts_of_long_ago_and_containers_that_ended_well_accuse_no_workload(last: Thing) -> None:
    clusters = ShelfClusters(deployment("web"), pod("web-5d8f7c9b6d-x2x9q", owner=OF_WEB, last=last, restarts=9))
    found = await listed(clusters, kind="deploy", namespace="shop")
    assert found.summary == "1 Deployment in shop, none in trouble."


async def test_pods_that_may_not_be_read_are_named_beside_a_list_of_workloads() -> None:
    found = await listed(ShelfClusters(deployment("web"), broken={"Pod": 403}), kind="deploy", namespace="shop")
    assert found.data.rows[0].status == "2/2"
    assert [one.what for one in found.missing] == ["Pod"]


async def test_events_that_cannot_be_read_do_not_hide_the_object() -> None:
    shown = await seen(ShelfClusters(deployment("web"), broken={"Event": 403}), kind="deploy", name="web")
    assert shown.data.status == "2/2"
    assert [one.what for one in shown.missing] == ["Event"]


async def test_the_overview_counts_what_is_ready_and_names_what_is_not() -> None:
    clusters = ShelfClusters(
        node("n1"),
        node("n2", "Unknown"),
        deployment("web", 3, 1),
        deployment("api"),
        deployment("dns", namespace="infra"),
        pod("web-1", ready=False, **CRASHING),
        pod("api-1"),
        service("web", app="web"),
        endpoint_slice("web", 0),
        event("Pod/web-1", "BackOff", "Back-off restarting failed container app in pod web-1_shop(u)", count=9),
        event("Pod/old-1", "BackOff", "long ago", minutes=90),
        event("Pod/api-1", "Pulled", "fine", warns=False),
    )
    found = await overview(clusters)
    assert found.summary.startswith(
        "2 of 3 workloads in 2 namespaces ready; 1 of 2 nodes ready; to look at: Deployment shop/web: 1 of 3 ready; "
    )
    assert "Nothing unusual" not in found.summary
    shop = found.data.namespaces[0]
    assert (shop.name, shop.workloads, shop.workloads_ready, shop.pods_in_trouble) == ("shop", 2, 1, 1)
    assert shop.ready == {"web": "1/3", "api": "2/2"}
    assert [(row.kind, row.name) for row in found.data.unusual] == [("Deployment", "web"), ("Service", "web")]
    assert [row.name for row in found.data.pods] == ["web-1"]
    assert [(one.reason, one.count) for one in found.data.warnings] == [("BackOff", 9)]
    assert [row.name for row in found.data.nodes] == ["n2", "n1"]
    assert found.data.version == "v1.31.0"


async def test_all_well_is_said_only_when_everything_was_read() -> None:
    well = (node("n1"), deployment("web"), pod("web-1"))
    whole = await overview(ShelfClusters(*well))
    assert whole.summary.endswith(f" ready. {whole.data.calm}.")
    assert whole.data.calm == "Nothing unusual"
    partly = await overview(ShelfClusters(*well, broken={"Event": 403, "Node": 500}))
    assert "Nothing unusual" not in partly.summary
    assert partly.data.calm == ""
    assert partly.summary.endswith("Not read: Node, Event.")
    assert {one.what for one in partly.missing} == {"Node", "Event"}
    assert partly.data.nodes == []


async def test_the_overview_of_one_namespace_leaves_the_others_out() -> None:
    found = await overview(
        ShelfClusters(deployment("web"), deployment("dns", 2, 0, namespace="infra")), namespace="shop"
    )
    assert [row.name for row in found.data.namespaces] == ["shop"]
    assert "infra" not in found.summary


async def test_when_nothing_at_all_can_be_read_the_failure_is_the_answer() -> None:
    everything = (
        "Node",
        "Namespace",
        "Pod",
        "Deployment",
        "StatefulSet",
        "DaemonSet",
        "Service",
        "EndpointSlice",
        "Event",
    )
    rest = ("PersistentVolumeClaim", "HorizontalPodAutoscaler", "ResourceQuota", "Job")
    with pytest.raises(Upstream, match="answered 500"):
        await overview(ShelfClusters(broken=dict.fromkeys((*everything, *rest), 500)))


async def test_warnings_about_the_pods_of_one_workload_are_one_row() -> None:
    events = (
        event(f"Pod/web-7d4b9c6f5-abcd{n}", "Unhealthy", f"Readiness probe failed: 10.0.0.{n}", minutes=n, count=n)
        for n in (1, 2, 3)
    )
    found = await overview(ShelfClusters(*events))
    assert [(one.about, one.count, one.age) for one in found.data.warnings] == [
        ("Pod shop/web-7d4b9c6f5-abcd1 (+2)", 6, "60s")
    ]


async def test_answers_are_in_the_readers_language() -> None:
    tools = object_tools(ShelfClusters(deployment("web", 3, 1)))
    found = await tools.list_objects(ctx("zh"), ListObjects(kind="deploy", namespace="shop"))
    assert found.summary == "1 个 Deployment（shop），1 个异常：web: 3 个中就绪 1 个。"


async def test_rows_leave_out_what_they_have_nothing_to_say_about() -> None:
    row = (await listed(ShelfClusters(pod("a")), kind="Pod")).model_dump(mode="json")["data"]["rows"][0]
    assert "why" not in row
    assert row["facts"] == {"ready": "1/1", "restarts": 0, "node": "node-1"}


class LastFirst(Shelf):
    """Answers the later of several questions sooner."""

    waiting = 0

    async def send(self, request: Request) -> Reply:
        self.waiting += 1
        for _ in range(200 - 4 * self.waiting):
            await asyncio.sleep(0)
        return await super().send(request)


async def test_sources_stand_in_the_order_of_the_questions_whichever_answer_came_first() -> None:
    clusters = ShelfClusters()
    clusters.shelf = LastFirst([node("n"), pod("a")], {}, {})
    found = await overview(clusters)
    assert [one.query for one in found.source[:3]] == [
        "GET /api/v1/nodes",
        "GET /api/v1/namespaces",
        "GET /apis/apps/v1/deployments",
    ]
