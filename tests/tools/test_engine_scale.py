"""Large namespaces in a bad hour: what an answer costs grows with the number of objects, and the answer stays the same."""

import pytest

from tests.patience import ended
from tests.tools.objects import (
    NS,
    Object,
    caller,
    deployment,
    endpoint_slice,
    event,
    pod,
    replica_set,
    series,
    service,
    snapshot,
)
from tools.engines.analyzers.routing import Programs
from tools.engines.explain import diagnose, investigate
from tools.engines.labels import ByLabels, BySelector
from tools.engines.snapshot import Series, Signal, Snapshot

TRADES = ("baker", "miller", "smith", "tailor", "cooper", "mason")
OBJECTS_EACH = 6
CHAIN = 12


def estate(objects: int) -> Snapshot:
    """A namespace of that many objects, in chains of callers, in which every third Service selects nothing."""
    names = [f"{TRADES[place % len(TRADES)]}-{place}" for place in range(objects // OBJECTS_EACH)]
    found: list[Object] = []
    metrics: dict[Signal, list[Series]] = {"cpu_usage": [], "cpu_throttled": [], "calls": [], "failed_calls": []}
    for place, name in enumerate(names):
        called = names[(place + 1) % len(names)] if (place + 1) % CHAIN else "outside"
        lost = place % 3 == 0
        owner = caller(name, f"http://{called}:80")
        owner["spec"]["template"]["spec"]["containers"][0]["resources"] = {"limits": {"cpu": "1"}}
        set_of = replica_set(owner, 1, *owner["spec"]["template"]["spec"]["containers"], ready=1, minutes_ago=500)
        one = pod(set_of)
        front = service(name, {"app": f"{name}-v2"} if lost else None)
        found += [owner, set_of, one, front, endpoint_slice(name, 0 if lost else 1), event(one, "Pulled", "pulled")]
        who = {"namespace": NS, "pod": one["metadata"]["name"], "container": "app"}
        between = {"client": name, "server": called}
        metrics["cpu_usage"].append(series(who, 0.1, 0.1))
        metrics["cpu_throttled"].append(series(who, 0.0, 0.0))
        metrics["calls"].append(series(between, 1.0, 1.0))
        metrics["failed_calls"].append(series(between, 0.5, 0.5) if (place + 1) % 3 == 0 else series(between, 0.0))
    return snapshot(*found, metrics=metrics)


def test_of_four_thousand_objects_with_a_third_of_the_services_lost_the_selector_alone_is_blamed() -> None:
    seen = estate(4000)
    with ended():
        found = diagnose(seen, NS, seen.window, seen.taken_at)
    assert {cause.fault for cause in found.causes} == {"service_selector_mismatch"}


def test_every_lost_service_is_found_with_the_workload_that_was_meant() -> None:
    verdict, _ = investigate(estate(600))
    meant = {cause.finding.component.name: cause.finding.facts["service"] for cause in verdict.causes}
    assert len(meant) == 34
    assert all(workload == lost for workload, lost in meant.items())


def test_comparing_only_the_nearest_names_finds_the_same_two_as_comparing_all() -> None:
    seen = estate(600)
    programs = Programs(seen, NS)
    for lost in [one for one in seen.of("Service") if not seen.selected_by(one)]:
        assert programs.like(lost)[:2] == programs.like(lost, compared=10_000)[:2]


def test_a_small_namespace_is_compared_whole() -> None:
    seen = snapshot(deployment("zzz"), deployment("baker"))
    assert len(Programs(seen, NS).like(service("qqq"))) == 2


PEOPLE = [
    ("north", {"trade": "baker", "street": "high"}, "ann"),
    ("north", {"trade": "baker", "street": "low"}, "bob"),
    ("south", {"trade": "baker", "street": "high"}, "cas"),
]


@pytest.mark.parametrize(
    ("selector", "picked"),
    [
        ({"trade": "baker"}, ["ann", "bob"]),
        ({"trade": "baker", "street": "high"}, ["ann"]),
        ({"trade": "baker", "street": "side"}, []),
        ({}, []),
    ],
)
def test_a_selector_picks_what_carries_all_of_its_labels_in_its_own_place(
    selector: dict[str, str], picked: list[str]
) -> None:
    assert ByLabels(PEOPLE).picked("north", selector) == picked


def test_labels_are_picked_by_every_selector_that_they_satisfy_in_the_order_given() -> None:
    selectors = BySelector(
        [
            ("north", {"trade": "baker", "street": "low"}, "both"),
            ("north", {"trade": "baker"}, "one"),
            ("north", {}, "empty"),
            ("south", {"trade": "baker"}, "elsewhere"),
            ("north", {"street": "low"}, "other"),
        ]
    )
    assert selectors.picking("north", {"trade": "baker", "street": "low", "age": "7"}) == ["both", "one", "other"]
    assert selectors.picking("north", {"trade": "baker"}) == ["one"]


def test_a_label_that_is_no_text_breaks_nothing() -> None:
    odd: list[tuple[str, dict[str, object], str]] = [("north", {"trade": ["baker"], "n": None}, "odd")]
    assert ByLabels(odd).picked("north", {"trade": ["baker"]}) == ["odd"]
    assert BySelector(odd).picking("north", {"trade": "baker"}) == []
