"""Files that change under a running watch: read again, and never half of one."""

import asyncio
import os
from pathlib import Path

import pytest

from alerts.notify.channels import Shared
from alerts.notify.receivers import Integration
from alerts.notify.workshop import build_channels
from alerts.reloading import Reloader, Source
from alerts.routing.config import parse_config
from alerts.rules import load_rules, rule_files
from core.clock import ManualClock
from core.errors import Invalid
from tests.alerts.night import EVENING, Begin, Receiver, rules, soon, underway

RULE = "groups: [{name: g, rules: [{alert: Trouble, expr: trouble%s}]}]"
ROUTES = """
route: {receiver: %s, group_by: [alertname, namespace], group_wait: 10s, group_interval: 60s}
receivers: [{name: phone}, {name: desk}]
"""


class Taken:
    """Whoever is given what was read."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "rules.yaml"
        self.file.write_text(RULE % "")
        self.given: list[str] = []
        source = Source("rules", lambda: rule_files([folder]), lambda: load_rules([folder]), self.take)
        self.reloader = Reloader([source], ManualClock(EVENING))

    async def take(self, groups: list[object]) -> None:
        self.given.append(str(len(groups)))

    def write(self, text: str, name: str = "rules.yaml") -> None:
        path = self.file.with_name(name)
        path.write_text(text)
        os.utime(path, ns=(len(self.given) + 1, len(self.given) + 1))


@pytest.fixture
def taken(tmp_path: Path) -> Taken:
    return Taken(tmp_path)


async def test_a_file_that_did_not_change_is_not_read_again(taken: Taken) -> None:
    await taken.reloader.look()
    assert taken.given == []


async def test_a_changed_file_and_a_new_one_are_read(taken: Taken) -> None:
    taken.write(RULE % ", for: 5m")
    await taken.reloader.look()
    taken.write(RULE.replace("name: g", "name: h").replace("Trouble", "Other") % "", "more.yml")
    await taken.reloader.look()
    assert taken.given == ["1", "2"]


async def test_a_bad_file_changes_nothing_and_is_complained_of_until_it_is_good(taken: Taken) -> None:
    taken.write(RULE % ", for: soon")
    await taken.reloader.look()
    assert taken.given == []
    assert "rule 'Trouble'" in taken.reloader.complaints["rules"]
    taken.write(RULE % "")
    await taken.reloader.look()
    assert taken.reloader.complaints == {}


async def test_on_request_a_complaint_is_an_answer(taken: Taken) -> None:
    taken.write("groups: [")
    with pytest.raises(Invalid, match="not valid YAML"):
        await taken.reloader.reload()


async def test_a_rule_that_stays_keeps_its_alerts_and_one_that_goes_lets_them_go(begin: Begin) -> None:
    night = await begin(rules(hold="1m"))
    night.at(0).sees("a")
    await night.until(45)
    night.expect(pending=["a"])
    await night.evaluator.reload(rules(hold="1m", extra="keep_firing_for: 5m"))
    await night.until(60)
    night.expect(firing=["a"])
    await night.evaluator.reload([])
    night.expect()
    assert night.moves()[-1] == (60, "firing > resolved: rule_removed")


async def test_the_watch_goes_on_with_the_new_rules(begin: Begin) -> None:
    night = await begin([])
    async with underway(night.evaluator.run()):
        await asyncio.sleep(0)
        await night.evaluator.reload(rules())
        await soon(lambda: night.prometheus.asked)


async def test_new_routes_hold_for_what_fires_and_nobody_is_told_twice(begin: Begin) -> None:
    night = await begin(rules())
    night.at(0).sees("a")
    await night.until(15)
    other = Receiver("desk")
    ways = {"phone": (Integration("phone", "test"),), "desk": (Integration("desk", "test"),)}
    await night.outbox.replace([night.phone, other])
    for name in ("phone", "desk"):
        await night.notifier.reload(parse_config(ROUTES % name, "am.yml"), ways)
        await night.until(night.second + 30)
    assert (night.phone.said, other.said) == (["firing first"], ["firing first"])


async def test_the_outbox_goes_on_with_the_new_channels(begin: Begin) -> None:
    night = await begin(rules())
    gone, new = Receiver("gone"), Receiver("phone")
    await night.outbox.replace([gone])
    night.at(0).sees("a")
    async with underway(night.outbox.run()):
        await asyncio.sleep(0)
        await night.outbox.replace([new])
        night._play()
        await night.evaluator.tick()
        await night.clock.advance(10)
        await night.notifier.tick()
        await soon(lambda: new.got)


def test_a_kind_of_channel_that_is_none_is_refused_with_what_was_meant() -> None:
    config = parse_config("{route: {receiver: a}, receivers: [{name: a, webhok_configs: [{url: http://x}]}]}", "am.yml")
    with pytest.raises(Invalid, match=r"no channel webhok. Did you mean webhook_configs"):
        build_channels(config, Shared(ManualClock(EVENING)))
