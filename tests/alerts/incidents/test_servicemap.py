"""Incidents by who calls whom and what runs where; and what is said when that is not known."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.incidents.book import IncidentBook
from alerts.incidents.grouping import assign, incident_id
from alerts.incidents.incident import why
from alerts.incidents.member import Member, member_of
from alerts.incidents.servicemap import (
    EVERY,
    KEEP,
    MAX_CALLS,
    PATIENCE,
    UNKNOWN,
    Place,
    ServiceMap,
    Surroundings,
    service_map,
)
from alerts.model import Alert, Change, Transition
from alerts.store import AlertStore
from core.clock import ManualClock
from core.database import Database
from core.errors import Upstream
from tests.alerts.incidents.test_grouping import alert, partition
from tests.alerts.night import EVENING, soon, underway


def shop(name: str) -> Place:
    return "shop", name


def a_map(
    *calls: tuple[str, str],
    runs_on: Mapping[Place, Iterable[str]] | None = None,
    makers: Mapping[Place, Place] | None = None,
    services: Mapping[Place, Place] | None = None,
) -> ServiceMap:
    nodes = {place: frozenset(there) for place, there in (runs_on or {}).items()}
    return service_map([(shop(one), shop(other)) for one, other in calls], nodes, makers or {}, services or {})


def of(name: str, minute: float, workload: str, namespace: str = "shop", cluster: str = "") -> Alert:
    return alert(name, minute, deployment=workload, namespace=namespace, cluster=cluster)


def together(around: ServiceMap, *alerts: Alert) -> bool:
    return len(partition([[member_of(each, around) for each in alerts]])) == 1


def reasons(around: ServiceMap, *alerts: Alert) -> list[str]:
    members = [member_of(each, around) for each in alerts]
    plan = assign(members, [], {})
    return [why(replace(one, why=plan.why.get(one.id, "")), "en") for one in members]


SHOP = a_map(("web", "api"), ("api", "db"), ("cart", "db"))


def test_who_calls_what_is_in_trouble_is_of_the_same_trouble() -> None:
    assert together(SHOP, of("DbDown", 0, "db"), of("ApiFails", 2, "api"), of("WebSlow", 4, "web"))
    assert not together(UNKNOWN, of("DbDown", 0, "db"), of("ApiFails", 2, "api"))


def test_two_that_only_call_the_same_third_are_two_troubles_until_it_fires_too() -> None:
    two = of("ApiFails", 0, "api"), of("CartFails", 1, "cart")
    assert not together(SHOP, *two)
    assert together(SHOP, *two, of("DbDown", 2, "db"))


def test_a_call_counts_for_as_long_as_a_beginning_is_near() -> None:
    assert together(SHOP, of("DbDown", 0, "db"), of("ApiFails", 5, "api"))
    assert not together(SHOP, of("DbDown", 0, "db"), of("ApiFails", 6, "api"))


def test_a_caller_in_another_namespace_is_known_by_its_place() -> None:
    around = service_map([(("web", "front"), shop("api"))], {}, {}, {})
    assert together(around, of("ApiFails", 0, "api"), of("Slow", 1, "front", namespace="web"))
    assert not together(around, of("ApiFails", 0, "api"), of("Slow", 1, "front", namespace="bank"))


def test_what_runs_on_a_machine_that_fires_is_of_its_trouble_and_not_of_its_neighbours() -> None:
    around = a_map(runs_on={shop("api"): ["n1"], shop("db"): ["n1", "n2"]})
    node = alert("NodeDown", 0, node="n1")
    api, db = of("ApiFails", 1, "api"), of("DbDown", 2, "db")
    assert together(around, node, api)
    assert together(around, node, api, db)
    assert not together(around, api, db)
    assert not together(around, alert("NodeDown", 0, node="n3"), api)


def test_a_pod_is_known_by_its_maker_and_a_service_by_what_is_behind_it() -> None:
    around = a_map(makers={shop("odd-name"): shop("api")}, services={shop("front-door"): shop("api")})
    known = of("Slow", 0, "api")
    assert together(around, known, alert("Crash", 9, pod="odd-name", namespace="shop"))
    assert together(around, known, alert("NoEndpoints", 9, service="front-door", namespace="shop"))
    assert not together(UNKNOWN, known, alert("Crash", 9, pod="odd-name", namespace="shop"))


def test_the_service_that_a_number_was_scraped_from_is_not_what_it_is_about() -> None:
    one = alert("A", 0, pod="api-0", service="exporter", namespace="shop")
    other = alert("B", 9, pod="db-0", service="exporter", namespace="shop")
    assert member_of(one).workload == "api"
    assert not together(UNKNOWN, one, other)


def test_each_alert_says_why_it_is_there() -> None:
    around = a_map(("web", "api"), ("api", "db"), runs_on={shop("api"): ["n1"]})
    told = reasons(
        around,
        alert("NodeDown", 0, node="n1"),
        of("ApiFails", 1, "api"),
        of("DbDown", 2, "db"),
        of("WebSlow", 3, "web"),
        of("ApiSlow", 4, "api"),
    )
    assert told == [
        "the first of it",
        "runs on n1",
        "called by shop/api",
        "calls shop/api",
        "the same workload, shop/api",
    ]
    assert reasons(UNKNOWN, alert("A", 0, node="n1"), alert("B", 1, node="n1"))[1] == "the same node, n1"
    assert reasons(around, of("ApiFails", 0, "api"), alert("NodeDown", 1, node="n1"))[1] == "shop/api runs on it"
    assert reasons(UNKNOWN, of("A", 0, "x"), of("A", 1, "y"))[1] == "the same alert in the same namespace"
    words = [alert(name, 0, "disk is full", deployment=name, namespace="shop") for name in ("a", "b")]
    assert sorted(reasons(UNKNOWN, *words)) == ["the first of it", "the same words"]


def test_the_cluster_of_a_key_is_no_part_of_the_reason() -> None:
    arn = "arn:aws:eks:eu-1:1:cluster/prod"
    db, api = of("DbDown", 0, "db", cluster=arn), of("ApiFails", 1, "api", cluster=arn)
    assert reasons(SHOP, db, api)[1] == "calls shop/db"
    assert reasons(SHOP, replace(api, fired_at=EVENING), replace(db, fired_at=api.fired_at))[1] == "called by shop/api"


def test_reasons_are_told_in_chinese_too() -> None:
    member = Member("f", "r", "e", "A", "", "shop", "api", (), EVENING, why="calls:/shop/api>shop/db")
    assert why(member, "zh") == "调用 shop/db"


def test_a_hub_that_everybody_calls_has_no_endless_list_of_keys() -> None:
    around = a_map(*((f"w{number:04}", "hub") for number in range(1000)))
    assert len(member_of(of("Down", 0, "hub"), around).keys) <= MAX_CALLS + 4


names = st.sampled_from(["web", "api", "db", "cart", "mail"])
maps = st.builds(
    lambda calls, on: a_map(*calls, runs_on={shop(name): nodes for name, nodes in on.items()}),
    calls=st.lists(st.tuples(names, names).filter(lambda pair: pair[0] != pair[1]), max_size=8),
    on=st.dictionaries(names, st.lists(st.sampled_from(["n1", "n2"]), max_size=2), max_size=4),
)
alerts_of_a_shop = st.lists(
    st.one_of(
        st.builds(of, st.sampled_from(["A", "B", "C"]), st.integers(0, 15), names),
        st.builds(
            lambda minute, node: alert("Node", minute, node=node), st.integers(0, 15), st.sampled_from(["n1", "n2"])
        ),
    ),
    min_size=1,
    max_size=12,
    unique_by=lambda one: (one.fingerprint, one.episode),
)


@settings(max_examples=150, deadline=None)
@given(maps, alerts_of_a_shop, st.randoms(use_true_random=False))
def test_with_a_map_too_the_order_of_arrival_does_not_change_who_is_together(
    around: ServiceMap, alerts: list[Alert], chance: Random
) -> None:
    members = [member_of(each, around) for each in alerts]
    at_once = partition([members])
    chance.shuffle(members)
    assert partition([[each] for each in members]) == at_once


@settings(max_examples=100, deadline=None)
@given(maps, alerts_of_a_shop)
def test_whoever_is_with_others_has_a_reason_and_whoever_is_first_has_none(
    around: ServiceMap, alerts: list[Alert]
) -> None:
    members = [member_of(each, around) for each in alerts]
    plan = assign(members, [], {})
    for one in members:
        assert (one.id in plan.why) == (plan.joins[one.id] != incident_id([one.id]))
        assert plan.why.get(one.id, one.keys[0]) in one.keys


class Reader:
    """What reads the map: a map, an error, or nothing for ever."""

    def __init__(self) -> None:
        self.answer: ServiceMap | Upstream | None = SHOP
        self.times = 0

    async def __call__(self) -> ServiceMap:
        self.times += 1
        if self.answer is None:
            await asyncio.Event().wait()
        if isinstance(self.answer, Upstream):
            raise self.answer
        assert self.answer is not None
        return self.answer


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(EVENING)


async def test_before_it_was_read_nothing_is_claimed(clock: ManualClock) -> None:
    around = Surroundings(Reader(), clock)
    assert around.present is UNKNOWN
    assert around.to_json() == {"known": False, "read_at": None, "calls": 0, "missing": ["it has not been read yet"]}
    await around.look()
    assert around.present is SHOP
    assert around.to_json() == {"known": True, "read_at": EVENING.isoformat(), "calls": 3, "missing": []}


async def test_a_reading_that_fails_leaves_the_last_one_in_force_for_a_while_and_says_so(clock: ManualClock) -> None:
    reader = Reader()
    around = Surroundings(reader, clock)
    await around.look()
    reader.answer = Upstream("Kubernetes", "refused the connection", retryable=True)
    await clock.advance(60)
    await around.look()
    assert around.present is SHOP
    assert "refused the connection" in around.to_json()["missing"][0]
    await clock.advance(KEEP.total_seconds())
    assert around.present is UNKNOWN
    assert around.to_json()["known"] is False


async def test_a_cluster_that_hangs_is_waited_for_with_a_bound(clock: ManualClock) -> None:
    reader = Reader()
    reader.answer = None
    around = Surroundings(reader, clock)
    async with underway(around.run()):
        await soon(lambda: reader.times)
        await clock.advance(PATIENCE + 1)
        await soon(lambda: "could not be read within" in around.to_json()["missing"][0])
        reader.answer = SHOP
        await clock.advance(EVERY + 1)
        await soon(lambda: around.present is SHOP)


async def test_the_book_writes_down_why_and_by_whose_hand(database: Database, clock: ManualClock) -> None:
    store = AlertStore(database)
    around = Surroundings(Reader(), clock)
    book = IncidentBook(database, store, clock, around=around)
    await around.look()
    alerts = [of("DbDown", 0, "db"), of("ApiFails", 2, "api"), alert("DiskFull", 1, node="n9")]
    for one in alerts:
        change = Change(one, Transition("inactive", "firing", "seen", one.starts_at))
        await store.save([change])
        book.put(change)
    await book.tick()
    found = await all_of(store)
    shop_incident, disk = found["DbDown"], found["DiskFull"]
    assert found["ApiFails"] == shop_incident
    assert await told(book, shop_incident) == {"DbDown": "the first of it", "ApiFails": "calls shop/db"}
    await book.merge(shop_incident, [disk], "mei")
    assert (await told(book, shop_incident))["DiskFull"] == "by hand by mei"
    assert (await told(book, shop_incident))["ApiFails"] == "calls shop/db"


async def all_of(store: AlertStore) -> dict[str, str]:
    return {one.name: one.incident or "" for one in await store.known()}


async def told(book: IncidentBook, incident: str) -> dict[str, str]:
    _, members = await book.get(incident)
    return {member.name: why(member, "en") for member in members}
