"""Events: the same thing said again is counted, and a forgotten hour is forgotten."""

from __future__ import annotations

from simulator.clock import SimClock
from simulator.events import Recorder, Source
from simulator.objects import Object
from simulator.store import Store
from tests.simulator.clusters import NOON

KUBELET = Source("kubelet", "node-1")


class Desk:
    def __init__(self) -> None:
        self.clock = SimClock(NOON)
        self.store = Store(self.clock.now, 1)
        self.recorder = Recorder(self.store, self.clock.now)
        self.pod = self.store.create("Pod", {"metadata": {"name": "web-0", "namespace": "shop"}})

    def say(self, message: str, reason: str = "BackOff", field: str = "") -> None:
        self.recorder.record(self.pod, "Pod", "Warning", reason, message, KUBELET, field)

    def events(self) -> list[Object]:
        return self.store.list("Event")


def test_an_event_names_its_object_its_source_and_its_time() -> None:
    desk = Desk()
    desk.say("it fell", field="spec.containers{web}")
    (event,) = desk.events()
    assert event["involvedObject"] == {
        "kind": "Pod",
        "namespace": "shop",
        "name": "web-0",
        "uid": desk.pod["metadata"]["uid"],
        "apiVersion": "v1",
        "resourceVersion": desk.pod["metadata"]["resourceVersion"],
        "fieldPath": "spec.containers{web}",
    }
    assert event["source"] == {"component": "kubelet", "host": "node-1"}
    assert (event["count"], event["firstTimestamp"], event["lastTimestamp"]) == (
        1,
        "2026-03-02T12:00:00Z",
        "2026-03-02T12:00:00Z",
    )


def test_the_same_thing_said_again_is_counted_on_the_same_event() -> None:
    desk = Desk()
    for _ in range(3):
        desk.say("it fell")
        desk.clock.advance(10)
    (event,) = desk.events()
    assert (event["count"], event["firstTimestamp"], event["lastTimestamp"]) == (
        3,
        "2026-03-02T12:00:00Z",
        "2026-03-02T12:00:20Z",
    )


def test_another_message_reason_or_field_is_another_event() -> None:
    desk = Desk()
    desk.say("it fell")
    desk.say("it fell twice")
    desk.say("it fell", reason="Failed")
    desk.say("it fell", field="spec.containers{web}")
    assert len(desk.events()) == 4


def test_an_event_lives_an_hour_after_it_was_last_said() -> None:
    desk = Desk()
    desk.say("it fell")
    desk.clock.advance(3000)
    desk.say("it fell")
    desk.clock.advance(3000)
    desk.recorder.forget_old()
    assert len(desk.events()) == 1
    desk.clock.advance(1000)
    desk.recorder.forget_old()
    assert desk.events() == []


def test_what_is_said_about_a_node_goes_to_the_default_namespace() -> None:
    desk = Desk()
    node = desk.store.create("Node", {"metadata": {"name": "node-1"}})
    desk.recorder.record(node, "Node", "Normal", "Starting", "Starting kubelet.", KUBELET)
    (event,) = desk.events()
    assert event["metadata"]["namespace"] == "default"
    assert "namespace" not in event["involvedObject"]
