"""What people ask about alerts, and what they do to them."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from alerts.feed import MAX_WAITING, Feed
from alerts.model import Alert, fingerprint
from alerts.rules import parse_rules
from core.errors import Conflict, Invalid, NotFound
from tests.alerts.night import EVENING, Begin, Night, Sample, rules

TWO = """
groups:
  - name: g
    interval: 15s
    rules:
      - {alert: Loud, expr: loud, labels: {severity: critical}}
      - {alert: Quiet, expr: quiet, for: 1h, labels: {severity: info}}
"""


async def evening(begin: Begin) -> Night:
    """Two loud alerts fire, one of them has just ended; a quiet one is pending."""
    night = await begin(parse_rules(TWO, "two.yaml"))
    night.prometheus.answers["loud"] = [Sample({"pod": "a", "namespace": "shop"}), Sample({"pod": "b"})]
    night.prometheus.answers["quiet"] = [Sample({"pod": "c"})]
    await night.until(0)
    night.prometheus.answers["loud"].pop()
    await night.until(15)
    return night


async def test_a_list_begins_with_what_presses_most(begin: Begin) -> None:
    night = await evening(begin)
    alerts, total = await night.desk.list()
    assert total == 3
    assert [(alert.state, alert.labels["pod"]) for alert in alerts] == [
        ("firing", "a"),
        ("pending", "c"),
        ("resolved", "b"),
    ]


@pytest.mark.parametrize(
    ("wanted", "pods"),
    [
        ({"state": "firing"}, ["a"]),
        ({"state": "pending"}, ["c"]),
        ({"severity": "critical"}, ["a", "b"]),
        ({"severity": "critical", "state": "resolved"}, ["b"]),
        ({"namespace": "shop"}, ["a"]),
        ({"name": "Quiet"}, ["c"]),
        ({"severity": "none-such"}, []),
    ],
)
async def test_a_list_can_be_filtered(begin: Begin, wanted: dict[str, str], pods: list[str]) -> None:
    night = await evening(begin)
    alerts, total = await night.desk.list(**wanted)  # type: ignore[arg-type]
    assert [alert.labels["pod"] for alert in alerts] == pods
    assert total == len(pods)


async def test_pages_do_not_overlap_and_the_total_is_of_all(begin: Begin) -> None:
    night = await begin(rules())
    night.at(0).sees(*(f"pod-{number:02}" for number in range(25)))
    await night.until(0)
    pages = [await night.desk.list("firing", limit=10, offset=offset) for offset in (0, 10, 20)]
    pods = [alert.labels["pod"] for alerts, _ in pages for alert in alerts]
    assert len(pods) == len(set(pods)) == 25
    assert {total for _, total in pages} == {25}


@pytest.mark.parametrize(
    ("ask", "field"),
    [({"state": "burning"}, "state"), ({"limit": 0}, "limit"), ({"limit": 501}, "limit"), ({"offset": -1}, "limit")],
)
async def test_an_impossible_list_is_refused_by_the_fields_name(
    begin: Begin, ask: dict[str, object], field: str
) -> None:
    night = await begin(rules())
    with pytest.raises(Invalid) as refused:
        await night.desk.list(**ask)  # type: ignore[arg-type]
    assert refused.value.details["field"] == field


async def test_an_alert_that_was_only_pending_is_not_listed_once_it_is_gone(begin: Begin) -> None:
    night = await begin(rules(hold="1h"))
    night.at(0).sees("a")
    night.at(15).sees()
    await night.until(15)
    assert await night.desk.list() == ([], 0)
    assert len((await night.desk.list("inactive"))[0]) == 1


async def test_a_fingerprint_may_be_given_by_its_beginning(begin: Begin) -> None:
    night = await evening(begin)
    (alert,), _ = await night.desk.list("firing")
    assert await night.desk.get(alert.fingerprint[:6]) == alert
    assert await night.desk.get(f" {alert.fingerprint.upper()} ") == alert


async def test_a_beginning_that_means_several_names_them(begin: Begin) -> None:
    night = await begin(rules())
    night.at(0).sees(*(f"p{number}" for number in range(40)))
    await night.until(0)
    prefixes = [alert.fingerprint[0] for alert in night.latest.values()]
    common = max(prefixes, key=prefixes.count)
    with pytest.raises(Invalid, match="means more than one alert") as refused:
        await night.desk.get(common)
    assert len(refused.value.details["allowed"]) > 1  # type: ignore[arg-type]


@pytest.mark.parametrize("wanted", ["Loud", "loud", "Loudd"])
async def test_a_name_in_place_of_a_fingerprint_leads_to_the_alert(begin: Begin, wanted: str) -> None:
    night = await evening(begin)
    (alert,), _ = await night.desk.list("firing")
    with pytest.raises(NotFound) as missed:
        await night.desk.get(wanted)
    assert f"{alert.fingerprint} (Loud)" in missed.value.sentence


@pytest.mark.parametrize("wanted", ["", "zzzz", "%", "_", "0" * 17, "x" * 100_000])
async def test_what_is_no_fingerprint_is_not_found_in_a_short_sentence(begin: Begin, wanted: str) -> None:
    night = await evening(begin)
    with pytest.raises(NotFound) as missed:
        await night.desk.get(wanted)
    assert len(missed.value.sentence) < 400


async def test_the_first_to_acknowledge_has_it(begin: Begin) -> None:
    night = await evening(begin)
    (alert,), _ = await night.desk.list("firing")
    taken = await night.desk.acknowledge(alert.fingerprint, "mei", "looking")
    again = await night.desk.acknowledge(alert.fingerprint, "tom", "me too")
    assert taken == again
    assert (again.acknowledged_by, again.acknowledged_note, again.state) == ("mei", "looking", "firing")
    moves = await night.desk.transitions(alert.fingerprint)
    assert [(move.before, move.after, move.by) for move in moves][-1] == ("firing", "acknowledged", "mei")
    assert sum(move.after == "acknowledged" for move in moves) == 1


async def test_of_two_who_acknowledge_at_once_one_has_it(begin: Begin) -> None:
    night = await evening(begin)
    (alert,), _ = await night.desk.list("firing")
    both = await asyncio.gather(*(night.desk.acknowledge(alert.fingerprint, name) for name in ("mei", "tom")))
    assert both[0].acknowledged_by == both[1].acknowledged_by


async def test_an_acknowledgement_stays_while_the_evaluator_writes_beside_it(begin: Begin) -> None:
    night = await begin(rules())
    night.at(0).sees("a", value=1)
    await night.until(0)
    (alert,), _ = await night.desk.list()
    await night.desk.acknowledge(alert.fingerprint, "mei")
    night.at(15).sees("a", value=2)
    await night.until(15)
    (later,), _ = await night.desk.list()
    assert (later.value, later.acknowledged_by) == (2, "mei")


@pytest.mark.parametrize("state", ["pending", "resolved"])
async def test_only_what_fires_can_be_acknowledged(begin: Begin, state: str) -> None:
    night = await evening(begin)
    (alert,), _ = await night.desk.list(state)
    with pytest.raises(Conflict, match=f"is {state}; only a firing alert"):
        await night.desk.acknowledge(alert.fingerprint, "mei")


async def test_a_note_is_bounded(begin: Begin) -> None:
    night = await evening(begin)
    with pytest.raises(Invalid):
        await night.desk.acknowledge("a", "mei", "x" * 2001)


async def test_facts_are_what_is_needed_to_ask_again(begin: Begin) -> None:
    night = await evening(begin)
    (alert,), _ = await night.desk.list("firing")
    assert await night.desk.facts(alert.fingerprint) == ("Loud", "loud", alert.labels)
    assert await night.desk.facts("0000000000000000") is None


async def test_rules_tell_their_health_and_what_they_raise(begin: Begin) -> None:
    night = await evening(begin)
    loud, quiet = night.desk.rules()
    assert (loud["state"], loud["alerts"], loud["health"], loud["file"]) == ("firing", 1, "ok", "two.yaml")
    assert (quiet["state"], quiet["for"], quiet["interval"]) == ("pending", "1h", "15s")


async def test_statistics_count_states_moves_decisions_and_deliveries(begin: Begin) -> None:
    night = await evening(begin)
    await night.until(30)
    told = await night.desk.statistics()
    assert told["by_state"] == {"pending": 1, "firing": 1, "resolved": 1}
    assert told["firing_by_severity"] == {"critical": 1}
    assert told["firing_by_name"] == {"Loud": 1}
    day = told["last_24h"]
    assert (day["fired"], day["resolved"]) == (2, 1)
    assert day["decisions"]["first"] == 2
    assert day["deliveries"] == {"sent": 2}
    assert told["rules"] == {"total": 2, "failing": 0}


async def test_news_reaches_whoever_follows(begin: Begin) -> None:
    night = await evening(begin)
    (alert,), _ = await night.desk.list("firing")
    follower = night.desk.changes()
    waiting = asyncio.create_task(_next(follower))
    await asyncio.sleep(0)
    await night.desk.acknowledge(alert.fingerprint, "mei")
    assert (await waiting).acknowledged_by == "mei"


async def test_a_slow_follower_loses_the_oldest_news_and_delays_nobody() -> None:
    feed = Feed()
    follower = feed.follow()
    first = asyncio.create_task(_next(follower))
    await asyncio.sleep(0)
    for number in range(MAX_WAITING + 10):
        feed.publish(_numbered(number))
    await first
    assert (await _next(follower)).value == 11


def test_a_fingerprint_is_alertmanagers() -> None:
    # What github.com/prometheus/common/model computes for these labels.
    assert fingerprint({}) == "cbf29ce484222325"
    assert fingerprint({"a": "b", "c": "d"}) == fingerprint({"c": "d", "a": "b"})
    assert fingerprint({"a": "bc"}) != fingerprint({"ab": "c"})


def test_an_alert_as_json_names_no_number_that_json_has_not() -> None:
    assert _numbered(float("nan")).to_json()["value"] is None
    assert _numbered(float("inf")).to_json()["value"] is None
    assert _numbered(1.5).to_json()["value"] == 1.5


async def test_values_that_are_no_numbers_survive_the_store(begin: Begin) -> None:
    night = await begin(rules())
    night.at(0).sees("a", value=float("nan"))
    await night.until(0)
    (alert,), _ = await night.desk.list()
    assert alert.value != alert.value
    assert alert.annotations["summary"] == "a is at NaN"


def _numbered(value: float) -> Alert:
    return Alert("f", "r", "Trouble", {}, {}, "firing", value, "e", EVENING + timedelta(seconds=0))


async def _next(follower: AsyncIterator[Alert]) -> Alert:
    return await anext(follower)
