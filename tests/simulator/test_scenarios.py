"""What the shipped scenarios promise: all readable, all playable, and their answers right by what the faults say of themselves."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from simulator.apps import Shop
from simulator.faults import FAULTS
from simulator.faults.base import Component, Place
from simulator.faults.ledger import Ledger, read_parameters
from simulator.scenarios import Scenario, Unreadable, parse, shipped
from simulator.scenarios.acts import ACTS
from simulator.scenarios.herrings import HERRINGS
from simulator.scenarios.player import Player
from simulator.scenarios.scenario import Act, Herring, Inject
from simulator.scenarios.scene import NODE_OF, Scene
from simulator.shop import SHOP
from simulator.variants import variant
from simulator.world import World
from tests.simulator.fault_catalogue import CATALOGUE
from tests.simulator.worlds import whole_world

ALL = list(shipped().values())
EVERY_ID = {fault for ids in CATALOGUE.values() for fault in ids}


@cache
def observed() -> Scene:
    """A healthy world to ask; nothing is changed in it."""
    return Scene(whole_world(), variant(SHOP, 0)[1])


def injected(scenarios: list[Scenario]) -> list[tuple[Scenario, Inject]]:
    return [(scenario, deed) for scenario in scenarios for deed in scenario.injections]


def test_every_fault_of_the_catalogue_that_can_be_injected_has_a_scenario() -> None:
    played = {deed.fault for _, deed in injected([one for one in ALL if not one.is_control])}
    assert sorted((EVERY_ID & FAULTS.keys()) - played) == []


def test_no_scenario_names_a_fault_that_nobody_knows() -> None:
    named = {deed.fault for _, deed in injected(ALL)} | {answer.fault for one in ALL for answer in one.answers}
    assert sorted(named - FAULTS.keys()) == []
    assert sorted({fault for one in ALL for fault in one.never_faults} - EVERY_ID) == []


def test_every_fault_is_filed_where_the_catalogue_has_it() -> None:
    where = {fault: category for category, ids in CATALOGUE.items() for fault in ids}
    wrong = [(one.id, one.category) for one in ALL if one.category not in ("control", "double")]
    filed = {one.id: where[one.answers[0].fault] for one in ALL if one.category not in ("control", "double")}
    assert wrong == list(filed.items())


@pytest.mark.parametrize("scenario", [one for one in ALL if one.answers], ids=lambda one: one.id)
def test_the_answer_agrees_with_what_the_faults_say_of_themselves(scenario: Scenario) -> None:
    scene = observed()
    said = {(deed.fault, _component(scene, deed)) for deed in scenario.injections}
    for answer in scenario.answers:
        name = scene.place(answer.name).name if answer.name.startswith(NODE_OF) else answer.name
        assert (answer.fault, Component(answer.kind, answer.namespace, name)) in said
    allowed = {repair for answer in scenario.answers for repair in FAULTS[answer.fault].repairs}
    assert set(scenario.acceptable_repairs) <= allowed


def _component(scene: Scene, deed: Inject) -> Component:
    return FAULTS[deed.fault].component(scene.world, scene.place(deed.target))


@pytest.mark.parametrize("scenario", [one for one in ALL if one.injections], ids=lambda one: one.id)
def test_every_injection_names_a_place_and_parameters_that_exist(scenario: Scenario) -> None:
    for deed in scenario.injections:
        fault = FAULTS[deed.fault]
        assert fault.suits(observed().world, _program(deed))
        read_parameters(fault, deed.parameters)


def _program(deed: Inject) -> Place:
    return observed().place(deed.target.removeprefix(NODE_OF))


@pytest.mark.parametrize("scenario", ALL, ids=lambda one: one.id)
def test_what_must_not_be_said_is_not_the_answer(scenario: Scenario) -> None:
    names = {answer.name for answer in scenario.answers}
    faults = {answer.fault for answer in scenario.answers}
    assert not names & set(scenario.never_components)
    assert not faults & set(scenario.never_faults)
    for role in scenario.never_components:
        assert observed().place(role)


def test_enough_of_them_are_told_in_both_languages_and_no_two_alike() -> None:
    titles = [title for one in ALL for title in one.title.values()]
    assert len(set(titles)) == len(titles)
    assert all(any("\u4e00" <= letter <= "\u9fff" for letter in one.title["zh"]) for one in ALL)


GOOD: dict[str, Any] = {
    "id": "a",
    "title": {"en": "A", "zh": "甲"},
    "category": "routing",
    "world": {"seed": 1, "hour": 9, "weekday": "monday"},
    "steps": [{"at": 60, "inject": {"fault": "service_selector_mismatch", "target": "cart"}}],
    "lasts": 600,
    "answer": {
        "fault": "service_selector_mismatch",
        "component": {"kind": "Deployment", "namespace": "shop", "name": "cart"},
    },
    "acceptable_repairs": ["patch_service"],
}
CALM: dict[str, Any] = {**GOOD, "steps": [], "answer": {"healthy": True}, "category": "control"}


def changed(**fields: Any) -> dict[str, Any]:
    return {**GOOD, **fields}


def step(**fields: Any) -> dict[str, Any]:
    return changed(steps=[{"at": 1, **fields}])


@pytest.mark.parametrize(
    ("written", "refusal"),
    [
        (changed(tilte="x"), "a.yaml: tilte: unknown field; known are acceptable_repairs, answer"),
        (step(inject={"fault": "x", "targt": "cart"}), r"a.yaml: steps\[0\].inject.targt: unknown field"),
        (step(inject={"fault": "x"}), r"a.yaml: steps\[0\].inject.target: is missing"),
        (step(), r"a.yaml: steps\[0\]: must have exactly one of inject, undo"),
        (step(change={"scale": {"target": "cart", "replica": 2}}), r"steps\[0\].change.scale.replica: unknown field"),
        (step(change={"scal": {}}), r"steps\[0\].change.scal: unknown field"),
        (step(undo="slip"), "steps: undo: nothing is called 'slip'"),
        (changed(lasts=30), "lasts: must be from 60 to 14400"),
        (changed(lasts="long"), "lasts: must be a number"),
        (changed(world={"seed": 1, "hour": 24, "weekday": "monday"}), "world.hour: must be from 0 to 23.99"),
        (changed(world={"seed": 1, "hour": 9, "weekday": "Mon"}), "world.weekday: 'Mon' is none of monday"),
        (
            changed(world={"seed": 1, "hour": 2, "weekday": "monday", "life": "yes"}),
            "world.life: must be true or false",
        ),
        (changed(category="routes"), "category: 'routes' is none of admission"),
        (changed(acceptable_repairs=["pray"]), r"acceptable_repairs\[0\]: 'pray' is none of rollback"),
        (changed(acceptable_repairs=[]), "acceptable_repairs: is missing"),
        (changed(answer={"healthy": True}), "category: a healthy answer and the category control go together"),
        (changed(answer={"healthy": "yes"}), "answer: healthy: must be true"),
        (changed(answer=[]), "answer: must name a fault"),
        (changed(answer={"fault": "x"}), "answer.component: is missing"),
        (changed(title={"en": "A"}), "title.zh: is missing"),
        (changed(steps="none"), "steps: must be a list"),
        (changed(steps=[{"at": 5, "undo": "b"}, {"at": 1, "undo": "b"}]), "steps: must stand in the order of their"),
        (changed(steps=[{"at": 700, "traffic": {"factor": 2}}]), "steps: the last one is after the end, 600"),
        (["no", "mapping"], "a.yaml: : must be a mapping"),
    ],
)
def test_what_is_not_understood_is_refused_by_file_and_path(written: Any, refusal: str) -> None:
    with pytest.raises(Unreadable, match=refusal):
        parse(written, "a.yaml")


def test_a_scenario_is_read_as_it_is_written() -> None:
    read = parse(GOOD, "a.yaml")
    assert (read.onset, read.is_control, read.lasts) == (60, False, 600)
    assert read.injections[0].label == "service_selector_mismatch"
    assert parse(CALM, "a.yaml").is_control
    assert parse(CALM, "a.yaml").onset is None


def test_hours_are_those_of_the_customers() -> None:
    setting = parse(changed(world={"seed": 1, "hour": 20.5, "weekday": "friday"}), "a.yaml").setting
    assert setting.start.isoformat() == "2026-03-06T12:30:00+00:00"


def test_a_world_may_be_furnished_differently() -> None:
    world = {"seed": 1, "hour": 9, "weekday": "monday", "programs": {"cart": {"replicas": 4}}, "peak_rps": 40}
    furnished: Shop = parse(changed(world=world), "a.yaml").setting.furnished(SHOP)
    assert furnished.app("cart").replicas == 4
    assert furnished.app("search") == SHOP.app("search")
    assert furnished.peak_rps == 40


def performed(world: World, kind: str, what: Herring | Act) -> Player:
    scenario = parse({**CALM, "id": kind}, "a.yaml")
    player = Player(scenario, world, variant(SHOP, 0)[1], Ledger(world))
    player._perform(what)
    return player


@pytest.fixture(scope="module")
def with_all_herrings() -> World:
    world = whole_world()
    for kind, verb in HERRINGS.items():
        options = {"target": "node-3" if "node" in kind else "cart", "namespace": "shop"}
        performed(world, kind, Herring(kind, {name: options[name] for name in verb.required}))
    return world


def test_all_herrings_together_hurt_nobody(with_all_herrings: World) -> None:
    world = with_all_herrings
    Player(parse(CALM, "a.yaml"), world, variant(SHOP, 0)[1], Ledger(world)).advance(world.clock.now())
    flow = world.present_flow()
    assert max(float(call.failed[0]) for call in flow.entries) < 0.02


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("Service", "legacy-importer"),
        ("NetworkPolicy", "deny-legacy-importer"),
        ("Job", "catalogue-import-2025"),
        ("Pod", "gpu-trial"),
        ("Deployment", "old-frontend"),
        ("PersistentVolumeClaim", "report-archive"),
    ],
)
def test_a_herring_is_older_than_the_trouble(with_all_herrings: World, kind: str, name: str) -> None:
    found = with_all_herrings.store.get(kind, "shop", name)
    assert found is not None
    assert found["metadata"]["creationTimestamp"] < "2026-01-13"


def test_old_warnings_are_about_a_pod_that_is_gone(with_all_herrings: World) -> None:
    events = [
        event
        for event in with_all_herrings.store.list("Event", "shop")
        if event["reason"] == "BackOff" and event["involvedObject"]["name"].startswith("cart-")
    ]
    assert [event["count"] for event in events] == [14]
    assert with_all_herrings.store.get("Pod", "shop", events[0]["involvedObject"]["name"]) is None


def test_every_act_and_every_herring_is_used_by_some_scenario() -> None:
    deeds = [step.deed for one in ALL for step in one.steps]
    assert {deed.kind for deed in deeds if isinstance(deed, Herring)} == set(HERRINGS)
    assert {deed.verb for deed in deeds if isinstance(deed, Act)} == set(ACTS)


def test_there_are_more_than_a_hundred_and_twenty_and_thirty_of_them_are_controls() -> None:
    assert len(ALL) >= 120
    assert sum(one.is_control for one in ALL) >= 30
