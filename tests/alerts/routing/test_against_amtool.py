"""What `amtool` refuses is refused here, what it takes is taken, and its routes lead to the same receivers.

Where we are stricter by intent: a month that is none, an alert believed for no time at all, and a time zone that is whichever the machine
happens to have, are mistakes. Where we are laxer: `global` holds defaults for channels that Alertmanager does not have.
"""

import itertools
import random
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from alerts.notify.channels import Shared
from alerts.notify.workshop import build_channels
from alerts.routing.config import parse_config
from core.clock import ManualClock
from core.errors import Invalid
from tests.alerts.night import EVENING
from tests.alerts.timelines import tree

STRICTER = {"month 13", "month 0", "location Local", "resolve 0"}
LAXER = {"unknown global"}
TREES = 10
BASE = "receivers: [{name: a}]\n"

R = "route: {receiver: a}\n"


def root(x: str) -> str:
    return f"route: {{receiver: a, {x}}}\n" + BASE


def below(x: str) -> str:
    return f"route: {{receiver: a, routes: [{{{x}}}]}}\n" + BASE


def hours(x: str) -> str:
    return R + BASE + f"time_intervals: [{{name: t, time_intervals: [{{{x}}}]}}]\n"


def inhibits(x: str) -> str:
    return R + BASE + f"inhibit_rules: [{{{x}}}]\n"


FILES: dict[str, str] = {
    "least": R + BASE,
    "no route": BASE,
    "no receivers": R,
    "empty": "",
    "unknown top": R + BASE + "x: 1\n",
    "root without receiver": "route: {group_by: [a]}\n" + BASE,
    "root with match": root("match: {a: b}"),
    "root with matchers": root("matchers: ['a=b']"),
    "root muted": root("mute_time_intervals: [t]") + "time_intervals: [{name: t}]\n",
    "root active": root("active_time_intervals: [t]") + "time_intervals: [{name: t}]\n",
    "root continue": root("continue: true"),
    "unknown receiver": "route: {receiver: b}\n" + BASE,
    "unknown child receiver": below("receiver: b"),
    "double receiver": R + "receivers: [{name: a}, {name: a}]\n",
    "nameless receiver": R + "receivers: [{name: a}, {}]\n",
    "group_by twice": root("group_by: [x, x]"),
    "group_by all and one": root("group_by: ['...', x]"),
    "group_by bad name": root("group_by: ['x y']"),
    "group_by empty": root("group_by: []"),
    "interval 0": root("group_interval: 0s"),
    "repeat 0": root("repeat_interval: 0s"),
    "wait 0": root("group_wait: 0s"),
    "wait wrong": root("group_wait: 5"),
    "wait negative": root("group_wait: -5s"),
    "wait float": root("group_wait: 1.5s"),
    "wait order": root("group_wait: 5s1m"),
    "wait long": root("group_wait: 1d2h3m4s5ms"),
    "unknown field route": below("recieverr: a"),
    "child unknown interval": below("mute_time_intervals: [t]"),
    "child unknown active": below("active_time_intervals: [t]"),
    "bad matcher": below("matchers: ['a']"),
    "bad matcher name": below("matchers: ['1a=b']"),
    "bad regex": below("""matchers: ['a=~"("']"""),
    "bad match_re": below("match_re: {a: '('}"),
    "bad match name": below("match: {'a b': c}"),
    "matcher with braces": below("""matchers: ['{a="b",c="d"}']"""),
    "matchers with comma": below("""matchers: ['a="b",c="d"']"""),
    "matcher unquoted": below("matchers: [a=b]"),
    "matcher spaces": below("matchers: ['a = b']"),
    "matcher trailing comma": below("""matchers: ['a="b",']"""),
    "matcher one string": below("""matchers: a="b" """),
    "matcher empty text": below("matchers: ['']"),
    "matcher number value": below("match: {a: 1}"),
    "double interval": R + BASE + "time_intervals: [{name: t}, {name: t}]\n",
    "double across": R + BASE + "time_intervals: [{name: t}]\nmute_time_intervals: [{name: t}]\n",
    "nameless interval": R + BASE + "time_intervals: [{time_intervals: []}]\n",
    "24:00": hours("times: [{start_time: '00:00', end_time: '24:00'}]"),
    "25:00": hours("times: [{start_time: '00:00', end_time: '25:00'}]"),
    "backwards time": hours("times: [{start_time: '10:00', end_time: '09:00'}]"),
    "same time": hours("times: [{start_time: '10:00', end_time: '10:00'}]"),
    "no end": hours("times: [{start_time: '10:00'}]"),
    "unquoted time": hours("times: [{start_time: 10:00, end_time: 17:00}]"),
    "one digit": hours("times: [{start_time: '9:00', end_time: '17:00'}]"),
    "weekdays": hours("weekdays: ['monday:friday', Sunday]"),
    "weekday backwards": hours("weekdays: ['friday:monday']"),
    "weekday wrong": hours("weekdays: [mon]"),
    "weekday number": hours("weekdays: ['1']"),
    "days": hours("days_of_month: ['1:5', '-3:-1']"),
    "day 0": hours("days_of_month: ['0']"),
    "day 32": hours("days_of_month: ['32']"),
    "day -32": hours("days_of_month: ['-32']"),
    "day 1:-1": hours("days_of_month: ['1:-1']"),
    "day -1:5": hours("days_of_month: ['-1:5']"),
    "day 5:1": hours("days_of_month: ['5:1']"),
    "day -1:-3": hours("days_of_month: ['-1:-3']"),
    "day 31:-30": hours("days_of_month: ['31:-31']"),
    "day 20:-20": hours("days_of_month: ['20:-20']"),
    "day 5:-28": hours("days_of_month: ['5:-28']"),
    "months": hours("months: ['1:3', may, 'june:december']"),
    "month 13": hours("months: ['13']"),
    "month backwards": hours("months: ['may:january']"),
    "month short": hours("months: [jan]"),
    "month 0": hours("months: ['0']"),
    "years": hours("years: ['2020:2022', '2030']"),
    "year backwards": hours("years: ['2022:2020']"),
    "year text": hours("years: [x]"),
    "location": hours("location: Australia/Sydney"),
    "location wrong": hours("location: Mars/Base"),
    "location UTC": hours("location: UTC"),
    "location Local": hours("location: Local"),
    "unknown interval field": hours("day: ['1']"),
    "three parts": hours("weekdays: ['monday:tuesday:friday']"),
    "spaces": hours("weekdays: ['monday : friday']"),
    "number unquoted": hours("years: [2020]"),
    "inhibit": inhibits("""source_matchers: ['a="b"'], target_matchers: ['c="d"'], equal: [x]"""),
    "inhibit old": inhibits("source_match: {a: b}, target_match_re: {c: d}"),
    "inhibit empty": inhibits(""),
    "inhibit equal bad": inhibits("equal: ['x y']"),
    "inhibit unknown": inhibits("source: {a: b}"),
    "resolve 0": "global: {resolve_timeout: 0s}\n" + R + BASE,
    "resolve 5m": "global: {resolve_timeout: 5m}\n" + R + BASE,
    "unknown global": "global: {x: 1}\n" + R + BASE,
    "webhook": R + "receivers: [{name: a, webhook_configs: [{url: 'http://x/'}]}]\n",
    "webhook no url": R + "receivers: [{name: a, webhook_configs: [{}]}]\n",
    "webhook wrong url": R + "receivers: [{name: a, webhook_configs: [{url: 'x'}]}]\n",
    "webhook unknown": R + "receivers: [{name: a, webhook_configs: [{url: 'http://x/', x: 1}]}]\n",
    "send_resolved text": R + "receivers: [{name: a, webhook_configs: [{url: 'http://x/', send_resolved: maybe}]}]\n",
    "unknown channel": R + "receivers: [{name: a, foo_configs: [{}]}]\n",
    "double key": R + R + BASE,
    "not yaml": "route: [",
    "list": "- a\n",
    "continue text": below("continue: maybe"),
    "routes mapping": "route: {receiver: a, routes: {}}\n" + BASE,
    "routes null": "route: {receiver: a, routes: }\n" + BASE,
    "null child": "route: {receiver: a, routes: [null]}\n" + BASE,
}


def amtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["amtool", *arguments], capture_output=True, text=True, timeout=60, check=False)


def is_taken(written: str) -> bool:
    try:
        build_channels(parse_config(written, "am.yml"), Shared(ManualClock(EVENING)))
    except Invalid:
        return False
    return True


@pytest.mark.real("alertmanager")
def test_the_same_files_are_taken_and_refused(tmp_path: Path) -> None:
    assert len(FILES) > 100
    differing = set()
    for name, written in FILES.items():
        (tmp_path / "am.yml").write_text(written)
        theirs = amtool("check-config", str(tmp_path / "am.yml")).returncode == 0
        if theirs != is_taken(written):
            differing.add((name, theirs))
    assert differing == {(name, True) for name in STRICTER} | {(name, False) for name in LAXER}


@pytest.mark.real("alertmanager")
def test_routes_lead_to_the_same_receivers(tmp_path: Path) -> None:
    sets = [
        {"alertname": name, "house": house, "floor": floor}
        for name, house, floor in itertools.product("ABC", ("1", "2"), ("1", "2"))
    ]
    for seed in range(TREES):
        route = tree(random.Random(seed))
        (tmp_path / "am.yml").write_text(written := yaml.safe_dump(_whole(route)))
        root = parse_config(written, "am.yml").route
        for labels in sets:
            pairs = [f"{name}={value}" for name, value in labels.items()]
            done = amtool("config", "routes", "test", f"--config.file={tmp_path / 'am.yml'}", *pairs)
            assert done.stdout.strip().split(",") == [each.receiver for each in root.matching(labels)], (
                written,
                labels,
            )


def _whole(route: dict[str, Any]) -> dict[str, Any]:
    return {"route": route, "receivers": [{"name": name} for name in ("team", "first", "second", "third")]}
