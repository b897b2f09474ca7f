"""What fires, as Alertmanager's API shows it: by state, by receiver, by labels, in groups."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from alerts.arriving import Arrival
from alerts.board import Board, Wanted
from alerts.intake import Intake
from alerts.notify.pipeline import Routing
from alerts.routing.config import parse_config
from alerts.routing.matchers import parse_matcher, parse_matchers
from alerts.routing.silence import Silence
from alerts.silences import Silences
from alerts.store import AlertStore
from core.clock import ManualClock
from core.database import Database
from tests.alerts.night import EVENING

CONFIG = """
route:
  receiver: team
  group_by: [alertname]
  routes:
    - matchers: [severity="critical"]
      receiver: pager
      continue: true
    - matchers: [severity="critical"]
      receiver: log
receivers: [{name: team}, {name: pager}, {name: log, webhook_configs: [{url: "http://hooks.example.com/secret-token"}]}]
inhibit_rules:
  - {source_matchers: [alertname="Dark"], target_matchers: [alertname="Lamp"], equal: [house]}
"""


class House:
    def __init__(self, database: Database) -> None:
        self.clock = ManualClock(EVENING)
        self.routing = Routing(parse_config(CONFIG, "am.yml"), {})
        self.silences = Silences(database, self.clock, lambda: "s-1")
        self.board = Board(self.routing, self.silences, self.clock)
        self._intake = Intake(
            store=AlertStore(database),
            clock=self.clock,
            patience=lambda: timedelta(minutes=5),
            listeners=[lambda change: self.routing.put(change.alert, self.clock.now())],
        )

    async def sees(self, *labels: dict[str, str]) -> None:
        sending = asyncio.create_task(self._intake.take([Arrival(each, {}) for each in labels]))
        await asyncio.sleep(0)
        await self._intake.tick()
        await sending

    async def silence(self, matcher: str) -> None:
        until = EVENING + timedelta(hours=1)
        await self.silences.save(
            Silence("", (parse_matcher(matcher),), EVENING, until, EVENING, "mei", "known"), by="mei"
        )

    async def states(self, **wanted: Any) -> dict[str, str]:
        found = await self.board.alerts(Wanted(**wanted))
        return {each["labels"]["alertname"]: each["status"]["state"] for each in found}


@pytest.fixture
async def house(database: Database) -> House:
    house = House(database)
    await house.sees(
        {"alertname": "Lamp", "house": "1"},
        {"alertname": "Dark", "house": "1", "severity": "critical"},
        {"alertname": "Door", "house": "1"},
    )
    return house


async def test_an_alert_kept_back_is_suppressed_and_says_by_what(house: House) -> None:
    await house.silence('alertname="Door"')
    shown = {each["labels"]["alertname"]: each for each in await house.board.alerts(Wanted())}
    assert {name: each["status"]["state"] for name, each in shown.items()} == {
        "Lamp": "suppressed",
        "Dark": "active",
        "Door": "suppressed",
    }
    assert shown["Door"]["status"]["silencedBy"] == ["s-1"]
    assert shown["Lamp"]["status"]["inhibitedBy"] == [shown["Dark"]["fingerprint"]]


async def test_each_state_can_be_left_out(house: House) -> None:
    await house.silence('alertname="Door"')
    assert await house.states(silenced=False) == {"Lamp": "suppressed", "Dark": "active"}
    assert await house.states(inhibited=False) == {"Dark": "active", "Door": "suppressed"}
    assert await house.states(active=False) == {"Lamp": "suppressed", "Door": "suppressed"}


async def test_alerts_are_found_by_labels_and_by_receiver(house: House) -> None:
    assert await house.states(matchers=parse_matchers('severity=~"crit.*"')) == {"Dark": "active"}
    assert set(await house.states(receiver="team")) == {"Lamp", "Door"}
    assert set(await house.states(receiver="pa.*|log")) == {"Dark"}
    assert await house.states(receiver="nobody") == {}


async def test_an_alert_shows_every_receiver_that_would_be_told(house: House) -> None:
    (dark,) = await house.board.alerts(Wanted(matchers=parse_matchers('alertname="Dark"')))
    assert [each["name"] for each in dark["receivers"]] == ["pager", "log"]


async def test_groups_are_shown_once_for_each_receiver(house: House) -> None:
    shown = [(group["labels"]["alertname"], group["receiver"]["name"]) for group in await house.board.groups(Wanted())]
    assert shown == [("Dark", "log"), ("Dark", "pager"), ("Door", "team"), ("Lamp", "team")]


async def test_what_has_run_out_is_not_shown(house: House) -> None:
    await house.clock.advance(300)
    assert await house.board.alerts(Wanted()) == []


async def test_the_configuration_is_shown_without_addresses(house: House) -> None:
    assert "secret-token" not in house.board.configuration
    again = parse_config(house.board.configuration, "shown")
    assert list(again.receivers) == ["team", "pager", "log"]
    assert again.route == house.routing.config.route


async def test_labels_lead_to_the_ends_of_their_walk_and_to_whom_they_name(house: House) -> None:
    assert house.board.leads_to({"severity": "critical", "notification_channels": "log,nobody,log"})[-1] == "log"
    everything = house.board.leads_to({"alertname": "Nothing"})
    assert everything == house.board.leads_to({})
    assert house.board.leads_to({"notification_channels": "log"}) == [*everything, "log"]
