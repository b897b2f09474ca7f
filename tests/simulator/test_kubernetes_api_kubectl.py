"""The real kubectl against the API: what a person types has to work."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from tests.simulator.kubernetes_world import World, a_world, app_of, deployment, event, pod

KUBECTL = shutil.which("kubectl")
pytestmark = pytest.mark.real("kubectl")
Kubectl = Callable[..., Awaitable[str]]
REVISION = "deployment.kubernetes.io/revision"


@pytest.fixture
def world() -> World:
    return a_world()


@pytest.fixture
async def started() -> AsyncIterator[list[Process]]:
    """The processes a test left running; they end with it."""
    processes: list[Process] = []
    yield processes
    for process in processes:
        process.kill()
        await process.wait()


@pytest.fixture
async def kubectl(
    world: World, tmp_path: Path, started: list[Process], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Kubectl]:
    """Runs a kubectl command line and gives back what it printed; a failure's words too, after its code."""
    monkeypatch.setattr("simulator.kubernetes_api.follow.POLL_SECONDS", 0.01)
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app_of(world), log_level="warning", lifespan="off"))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    fixed = (f"--server=http://127.0.0.1:{listener.getsockname()[1]}", "--namespace=shop")
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}

    async def run(*arguments: str, stdin: str = "", wait: str = "yes") -> str:
        command = (str(KUBECTL), *fixed, *arguments)
        process = await asyncio.create_subprocess_exec(*command, env=environment, stdin=PIPE, stdout=PIPE, stderr=PIPE)
        if wait == "no":
            started.append(process)
            return ""
        out, err = await asyncio.wait_for(process.communicate(stdin.encode()), 20)
        return out.decode() + (f"[{process.returncode}] {err.decode()}" if process.returncode else "")

    yield run
    server.should_exit = True
    server.force_exit = True
    await serving


def rows(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def revision(world: World, number: int, image: str) -> None:
    """A ReplicaSet as the deployment controller leaves it behind for each revision."""
    owner = world.store.list("Deployment")[0]
    labels = {"app": "web", "pod-template-hash": f"h{number}"}
    spec = {**deployment()["spec"], "replicas": 0, "selector": {"matchLabels": labels}}
    spec["template"]["metadata"] = {"labels": labels}
    spec["template"]["spec"]["containers"][0]["image"] = image
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": owner["metadata"]["uid"]}
    metadata = {
        "name": f"web-h{number}",
        "namespace": "shop",
        "labels": labels,
        "annotations": {REVISION: str(number)},
        "ownerReferences": [{**reference, "controller": True}],
    }
    world.create("ReplicaSet", {"kind": "ReplicaSet", "apiVersion": "apps/v1", "metadata": metadata, "spec": spec})


def update(world: World, **parts: Any) -> None:
    world.store.update("Deployment", {**world.store.list("Deployment")[0], **parts})


async def test_get_prints_the_columns_people_know(kubectl: Kubectl) -> None:
    header, first, *_ = rows(await kubectl("get", "pods"))
    assert header == ["NAME", "READY", "STATUS", "RESTARTS", "AGE"]
    assert first == ["web-0", "1/1", "Running", "0", "5h"]
    everything = await kubectl("get", "all", "--all-namespaces")
    assert "pod/ledger-0" in everything
    assert "deployment.apps/web" in everything


async def test_get_by_selector_field_and_output(kubectl: Kubectl) -> None:
    assert await kubectl("get", "po", "-A", "-l", "app in (ledger)", "-o", "name") == "pod/ledger-0\n"
    only = await kubectl("get", "po", "--field-selector", "metadata.name=web-1", "-o", "name", "--chunk-size=1")
    assert only == "pod/web-1\n"
    assert await kubectl("get", "deploy", "web", "-o", "jsonpath={.spec.replicas}") == "2"


async def test_what_is_not_there_is_said_in_the_known_words(kubectl: Kubectl) -> None:
    missing = await kubectl("get", "deploy", "ghost")
    assert 'Error from server (NotFound): deployments.apps "ghost" not found' in missing
    assert "the server doesn't have a resource type" in await kubectl("get", "unicorns")


async def test_describe_tells_a_pod_with_its_events(kubectl: Kubectl, world: World) -> None:
    happened = event("web-0.1")
    happened["involvedObject"]["uid"] = world.store.list("Pod", "shop")[0]["metadata"]["uid"]
    world.create("Event", happened)
    told = await kubectl("describe", "pod", "web-0")
    assert "Image:" in told
    assert "Back-off restarting failed container" in told
    assert "StrategyType:" in await kubectl("describe", "deployment", "web")
    assert "Non-terminated Pods:" in await kubectl("describe", "node", "node-1")


async def test_logs_come_and_their_refusals_too(kubectl: Kubectl) -> None:
    assert await kubectl("logs", "web-0", "--tail=1") == "line 4\n"
    assert "previous terminated container" in await kubectl("logs", "web-0", "--previous")
    assert "container nope is not valid for pod web-0" in await kubectl("logs", "web-0", "-c", "nope")


async def test_scale_set_image_and_patch_change_the_deployment(kubectl: Kubectl, world: World) -> None:
    assert "scaled" in await kubectl("scale", "deployment/web", "--replicas=4")
    assert "image updated" in await kubectl("set", "image", "deployment/web", "web=shop/web:2")
    assert "patched" in await kubectl("patch", "deployment", "web", "-p", '{"spec":{"paused":true}}')
    spec = world.store.list("Deployment")[0]["spec"]
    assert (spec["replicas"], spec["paused"]) == (4, True)
    assert spec["template"]["spec"]["containers"][0]["image"] == "shop/web:2"


async def test_a_bad_patch_is_explained(kubectl: Kubectl) -> None:
    told = await kubectl("patch", "deployment", "web", "-p", '{"spec":{"replicas":-3}}')
    assert (
        'The Deployment "web" is invalid: spec.replicas: Invalid value: -3: must be greater than or equal to 0' in told
    )


async def test_labels_annotations_and_cordon_are_written(kubectl: Kubectl, world: World) -> None:
    await kubectl("label", "pod", "web-0", "tier=front")
    await kubectl("annotate", "pod", "web-0", "note=hello")
    await kubectl("cordon", "node-1")
    metadata = world.store.list("Pod", "shop")[0]["metadata"]
    assert (metadata["labels"]["tier"], metadata["annotations"]["note"]) == ("front", "hello")
    assert "SchedulingDisabled" in await kubectl("get", "nodes")


async def test_apply_creates_configures_and_shows_a_difference(kubectl: Kubectl, world: World) -> None:
    manifest = Path(__file__).with_name("kubectl_app.yaml").read_text()
    assert "deployment.apps/api created" in await kubectl("apply", "-f", "-", stdin=manifest)
    assert "deployment.apps/api unchanged" in await kubectl("apply", "-f", "-", stdin=manifest)
    newer = manifest.replace("shop/api:1", "shop/api:2")
    assert "+      - image: shop/api:2" in await kubectl("diff", "-f", "-", stdin=newer)
    dry = await kubectl("apply", "--dry-run=server", "-f", "-", stdin=newer)
    assert "deployment.apps/api configured (server dry run)" in dry
    assert "deployment.apps/api configured" in await kubectl("apply", "-f", "-", stdin=newer)
    wrong = manifest.replace("replicas:", "replica:")
    assert 'strict decoding error: unknown field "spec.replica"' in await kubectl("apply", "-f", "-", stdin=wrong)
    assert len(world.store.list("Service")) == 1


async def test_delete_waits_until_the_object_is_gone(kubectl: Kubectl, world: World) -> None:
    assert "deleted" in await kubectl("delete", "deployment", "web")
    assert "force deleted" in await kubectl("delete", "pod", "web-0", "--force", "--grace-period=0")
    assert world.store.list("Deployment") == []
    dry = await kubectl("delete", "pod", "web-1", "--dry-run=server")
    assert "deleted (server dry run)" in dry
    assert world.store.get("Pod", "shop", "web-1") is not None


async def test_rollout_history_undo_status_and_restart(kubectl: Kubectl, world: World) -> None:
    revision(world, 1, "shop/web:1.3")
    revision(world, 2, "shop/web:1.4")
    found = world.store.list("Deployment")[0]
    update(world, metadata={**found["metadata"], "annotations": {REVISION: "2"}})
    history = await kubectl("rollout", "history", "deployment/web")
    assert [row[0] for row in rows(history)[2:4]] == ["1", "2"]
    assert "rolled back" in await kubectl("rollout", "undo", "deployment/web")
    spec = world.store.list("Deployment")[0]["spec"]
    assert spec["template"]["spec"]["containers"][0]["image"] == "shop/web:1.3"
    generation = world.store.list("Deployment")[0]["metadata"]["generation"]
    counts = dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), 2)
    update(world, status={**counts, "observedGeneration": generation})
    assert "successfully rolled out" in await kubectl("rollout", "status", "deployment/web", "--timeout=5s")
    assert "restarted" in await kubectl("rollout", "restart", "deployment/web")


async def test_watch_shows_changes_as_they_come(kubectl: Kubectl, world: World, started: list[Process]) -> None:
    await kubectl("get", "pods", "--watch", "-o", "name", wait="no")
    lines = started[0].stdout
    assert lines is not None
    seen = [await asyncio.wait_for(lines.readline(), 10) for _ in range(2)]
    world.create("Pod", pod("web-2"))
    seen.append(await asyncio.wait_for(lines.readline(), 10))
    assert seen == [b"pod/web-0\n", b"pod/web-1\n", b"pod/web-2\n"]


async def test_logs_can_be_followed(kubectl: Kubectl, world: World, started: list[Process]) -> None:
    await kubectl("logs", "web-0", "--follow", "--tail=1", wait="no")
    lines = started[0].stdout
    assert lines is not None
    assert await asyncio.wait_for(lines.readline(), 10) == b"line 4\n"
    world.logs[("web-0", "web", False)].append("line 5")
    assert await asyncio.wait_for(lines.readline(), 10) == b"line 5\n"


async def test_discovery_and_explain_work(kubectl: Kubectl) -> None:
    assert ["deployments", "deploy", "apps/v1", "true", "Deployment"] in rows(await kubectl("api-resources"))
    assert "rollingUpdate" in await kubectl("explain", "deployment.spec.strategy")
    assert "Server Version: v1.31" in await kubectl("version")
