"""Scenarios on their way through a world: by the clock, through the control doors, and from the command line."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from simulator.app import serve
from simulator.faults import Refused
from simulator.faults.ledger import Ledger
from simulator.objects import name_of
from simulator.scenarios import parse, shipped
from simulator.scenarios.acts import ACTS
from simulator.scenarios.player import Player, stage
from simulator.scenarios.scenario import Act
from simulator.scenarios.scene import Scene
from simulator.scenarios.symptoms import symptoms
from simulator.shop import SHOP
from simulator.variants import variant
from simulator.world import World
from tests.simulator.test_scenarios import CALM, GOOD
from tests.simulator.worlds import START, Watch, small_world, whole_world

NAMES = variant(SHOP, 0)[1]
SLIP = {
    **GOOD,
    "steps": [
        {"at": 0, "herring": {"unused_service": {"namespace": "shop"}}},
        {"at": 30, "inject": {"fault": "service_selector_mismatch", "target": "search", "as": "slip"}},
        {"at": 90, "undo": "slip"},
    ],
}


def player_of(written: dict[str, Any], world: World) -> Player:
    return Player(parse(written, "a.yaml"), world, NAMES, Ledger(world))


def test_every_step_is_done_at_its_time_and_told() -> None:
    player = player_of(SLIP, small_world())
    assert [each.kind for each in player.advance(START + timedelta(seconds=29))] == ["herring"]
    [injected] = player.advance(START + timedelta(seconds=60))
    assert injected.at == START + timedelta(seconds=30)
    assert injected.said == "selector app set from search to search-v2"
    assert not player.is_healed()
    [undone] = player.advance(player.ends)
    assert undone.at == START + timedelta(seconds=90)
    assert player.is_healed()
    assert player.next_at is None


def test_two_plays_of_one_scenario_are_the_same_play() -> None:
    def told() -> list[dict[str, str]]:
        player = player_of(SLIP, small_world())
        return [each.to_json() for each in player.advance(player.ends)]

    assert told() == told()


def test_under_another_seed_the_same_thing_happens_under_another_name() -> None:
    scenario = shipped()["selector-inventory-night"]
    player = stage(scenario, seed=77)
    player.advance(player.began + timedelta(seconds=120))
    [(answer, component)] = player.answers()
    assert (answer.name, component.name) == ("inventory", player.names.of("inventory"))
    assert component.name != "inventory"
    assert player.entries()[0].component == component
    assert any(component.name in line and "100%" in line for line in symptoms(player.world, player.began))


def test_more_customers_come_and_go_again() -> None:
    steps = [{"at": 10, "traffic": {"factor": 2, "routes": ["/search"]}}, {"at": 60, "undo": "traffic"}]
    world = small_world()
    player, before = player_of({**CALM, "steps": steps}, world), _rate(world, "/search")
    player.advance(START + timedelta(seconds=30))
    assert _rate(world, "/search") == pytest.approx(2 * before, rel=0.2)
    assert _rate(world, "/") == pytest.approx(_rate(small_world(), "/"), rel=0.2)
    player.advance(START + timedelta(seconds=70))
    assert _rate(world, "/search") == pytest.approx(before, rel=0.2)


def _rate(world: World, route: str) -> float:
    return next(float(entry.rate[0]) for entry in world.present_flow().entries if entry.route.path == route)


def test_a_healthy_world_shows_no_symptom_and_a_broken_one_does() -> None:
    world = small_world()
    watch = Watch(world).after(30)
    assert symptoms(world, START) == []
    watch.inject("incorrect_image_reference", "search")
    watch.after(60)
    said = symptoms(world, START)
    assert any("ImagePull" in line for line in said), said


class Done:
    """A world in which something was done as a client does it."""

    def __init__(self, verb: str, **options: Any) -> None:
        self.world = whole_world()
        self.scene = Scene(self.world, NAMES)
        act = Act(verb, options)
        self.said = ACTS[act.verb].do(self.scene, act.options)
        self.world.kick()

    def after(self, seconds: float) -> Done:
        self.world.advance(self.world.clock.now() + timedelta(seconds=seconds))
        return self

    def get(self, kind: str, name: str, namespace: str = "shop") -> dict[str, Any]:
        found = self.world.store.get(kind, namespace, name)
        assert found is not None
        return found


def test_a_rollout_to_the_version_before_ends_well() -> None:
    done = Done("set_version", target="cart", version="previous").after(60)
    assert done.said == "image of cart set to registry.shop.example/shop/cart:2.0.8"
    assert done.get("Deployment", "cart")["status"]["updatedReplicas"] == 2
    assert symptoms(done.world, START) == []


def test_a_restart_makes_every_pod_anew() -> None:
    before = {name_of(pod) for pod in Scene(whole_world(), NAMES).pods("cart")}
    done = Done("restart", target="cart").after(90)
    after = {name_of(pod) for pod in done.scene.pods("cart")}
    assert len(after) == len(before)
    assert not before & after


def test_a_variable_is_set_once_and_then_changed() -> None:
    done = Done("set_env", target="cart", name="FLAG", value="on")
    ACTS["set_env"].do(done.scene, {"target": "cart", "name": "FLAG", "value": "off"})
    env = done.get("Deployment", "cart")["spec"]["template"]["spec"]["containers"][0]["env"]
    assert [each for each in env if each["name"] == "FLAG"] == [{"name": "FLAG", "value": "off"}]


def test_a_deleted_pod_is_replaced() -> None:
    done = Done("delete_pod", target="cart").after(60)
    assert done.said.startswith("pod cart-")
    assert done.get("Deployment", "cart")["status"]["availableReplicas"] == 2


def test_a_drained_node_is_empty_and_closed_and_can_be_opened() -> None:
    done = Done("drain", target="node-3").after(120)
    node = done.get("Node", "node-3", "")
    assert node["spec"]["unschedulable"] is True
    left = [pod for pod in done.world.store.list("Pod") if pod["spec"].get("nodeName") == "node-3"]
    assert {owner["kind"] for pod in left for owner in pod["metadata"]["ownerReferences"]} <= {"DaemonSet", "Node"}
    ACTS["uncordon"].do(done.scene, {"target": "node-3"})
    assert "unschedulable" not in done.get("Node", "node-3", "")["spec"]


def test_a_workload_is_scaled() -> None:
    assert Done("scale", target="cart", replicas=1).said == "cart scaled from 2 to 1"


def test_an_object_is_applied_and_merged_patched_and_deleted() -> None:
    settings = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "flags", "namespace": "shop"}}
    done = Done("apply", object={**settings, "data": {"A": "1"}})
    ACTS["apply"].do(done.scene, {"object": {**settings, "data": {"B": "2"}}})
    assert done.get("ConfigMap", "flags")["data"] == {"A": "1", "B": "2"}
    ACTS["patch"].do(done.scene, {"kind": "ConfigMap", "target": "shop/flags", "patch": {"data": {"A": None}}})
    assert done.get("ConfigMap", "flags")["data"] == {"B": "2"}
    ACTS["delete"].do(done.scene, {"kind": "ConfigMap", "target": "shop/flags"})
    assert done.world.store.get("ConfigMap", "shop", "flags") is None


def test_a_node_gets_a_note() -> None:
    done = Done("annotate_node", target="node-2", annotations={"oncall/note": "fan replaced"})
    assert done.get("Node", "node-2", "")["metadata"]["annotations"]["oncall/note"] == "fan replaced"


@pytest.mark.parametrize(
    ("verb", "options"),
    [
        ("scale", {"target": "nobody", "replicas": 1}),
        ("cordon", {"target": "shop/cart"}),
        ("patch", {"kind": "Service", "target": "shop/none", "patch": {}}),
        ("delete", {"kind": "Service", "target": "shop/none"}),
        ("delete_pod", {"target": "shop/none"}),
        ("run_job", {"target": "shop/none"}),
    ],
)
def test_what_is_not_there_is_refused(verb: str, options: dict[str, Any]) -> None:
    with pytest.raises(Refused, match="target"):
        Done(verb, **options)


@pytest.fixture
async def door() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=serve(whole_world()))
    async with httpx.AsyncClient(transport=transport, base_url="http://world") as http:
        yield http


async def test_a_scenario_is_begun_in_a_running_world_and_goes_on_with_its_clock(door: httpx.AsyncClient) -> None:
    listed = (await door.get("/-/scenarios")).json()
    assert {one["id"] for one in listed["scenarios"]} == set(shipped())
    assert listed["playing"] == []
    begun = await door.post("/-/scenarios", json={"scenario": "selector-inventory-night"})
    assert begun.status_code == 201
    assert [each["kind"] for each in begun.json()["happened"]] == ["herring"]
    await door.post("/-/clock", json={"advance": 90})
    told = (await door.get("/-/scenarios/selector-inventory-night")).json()
    assert told["steps_left"] == 0
    assert told["healed"] is False
    assert told["answer"] == [
        {
            "fault": "service_selector_mismatch",
            "component": {"kind": "Deployment", "namespace": "fulfilment", "name": "inventory"},
        }
    ]
    assert (await door.get("/-/faults")).json()["faults"][0]["injected_at"] == "2026-01-14T09:01:00Z"


def test_a_step_whose_target_is_gone_stops_an_examination_and_not_a_world_that_is_served() -> None:
    world = small_world()
    world.store.delete("Service", "shop", "search")
    with pytest.raises(Refused, match="there is no Service 'search'"):
        player_of(SLIP, world).advance(world.clock.now() + timedelta(seconds=100))
    served = Player(parse(SLIP, "a.yaml"), world, NAMES, Ledger(world), goes_on=True)
    served.advance(world.clock.now() + timedelta(seconds=100))
    assert [each.kind for each in served.happened] == ["refused", "refused", "refused"]
    assert served.happened[-1].said == "undo: 'slip' has not been injected"


async def test_nonsense_at_the_door_of_scenarios_is_refused(door: httpx.AsyncClient) -> None:
    unknown = await door.post("/-/scenarios", json={"scenario": "none"})
    assert (unknown.status_code, unknown.json()["error"]) == (
        422,
        "scenario: 'none' is not known; GET /-/scenarios lists them",
    )
    assert (await door.post("/-/scenarios", json={"name": "x"})).status_code == 422
    assert (await door.get("/-/scenarios/none")).status_code == 404
    await door.post("/-/scenarios", json={"scenario": "selector-inventory-night"})
    twice = await door.post("/-/scenarios", json={"scenario": "selector-inventory-night"})
    assert "is being played" in twice.json()["error"]


def ran(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "simulator", "play", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_the_command_line_lists_scenarios_with_their_titles() -> None:
    listed = ran("--list")
    assert listed.returncode == 0
    assert "The quietest hour of the week" in listed.stdout
    assert len(listed.stdout.splitlines()) == len(shipped())


def test_the_command_line_plays_a_scenario_to_its_end_and_tells_the_answer() -> None:
    played = ran("selector-inventory-night", "--fast", "--answer")
    assert played.returncode == 0, played.stderr
    assert "fault service_selector_mismatch: selector" in played.stdout
    assert "healed: no" in played.stdout
    assert "answer: service_selector_mismatch of Deployment" in played.stdout


def test_a_scenario_that_is_not_there_is_said_on_standard_error() -> None:
    missed = ran("no-such-thing", "--fast")
    assert (missed.returncode, missed.stderr) == (
        2,
        "simulator: there is no scenario 'no-such-thing'; --list shows them\n",
    )
