"""The same configuration and stream of alerts give the same notifications as Alertmanager: receiver, group, members, order, second.

Not compared is what is ours by intent: `externalURL` and `generatorURL` lead to us. An end that came by itself has the second at which each
found out. That we forget an empty group at once is put back for the comparison, and shown on its own.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from alerts.routing.config import parse_config
from core.database import Database
from tests.alerts.players import Group, Ours, Told, configuration, play_both
from tests.alerts.timelines import (
    EXPIRY,
    GROUPING,
    INHIBITION,
    LENGTH,
    ROUTES,
    SILENCES,
    Timeline,
    drawn,
    ends,
    fires,
    hours,
    route,
)

TOLERANCE = 1.0
SEEDS = 30
SOAK_SEEDS, SOAK_AT_ONCE = 450, 150


@pytest.mark.real("alertmanager")
async def test_the_same_timelines_are_told_alike(database: Database, tmp_path: Path) -> None:
    told = (*GROUPING, *ROUTES, *INHIBITION, *SILENCES, *EXPIRY, *hours(datetime.now(UTC)))
    assert len(told) >= 40
    await compare([*told, *map(drawn, range(SEEDS))], database, tmp_path)


@pytest.mark.soak
@pytest.mark.real("alertmanager")
@pytest.mark.parametrize("begin", range(1000, 1000 + SOAK_SEEDS, SOAK_AT_ONCE))
async def test_timelines_drawn_by_chance_are_told_alike(begin: int, database: Database, tmp_path: Path) -> None:
    drawn_now = [drawn(seed) for seed in range(begin, begin + SOAK_AT_ONCE)]
    await compare([*drawn_now, *hours(datetime.now(UTC))], database, tmp_path)


async def test_a_group_that_was_empty_is_a_new_group_and_waits_its_group_wait(database: Database) -> None:
    """Alertmanager would tell the second beginning at 16.5 s, at the next turn of the group that it kept."""
    timeline = Timeline("it comes back", route(), (*fires(0, "Lamp"), *ends(3, "Lamp"), *fires(14, "Lamp")))
    config = parse_config(configuration([timeline], "http://127.0.0.1:1"), "timelines")
    heard = await Ours(database, config, datetime.now(UTC), keeps_groups=False).play([timeline])
    (told,) = heard.said.values()
    assert [(each.body["status"], each.second) for each in told[:3]] == [
        ("firing", 1.5),
        ("resolved", 4.5),
        ("firing", 15.5),
    ]


async def compare(timelines: list[Timeline], database: Database, folder: Path) -> None:
    theirs, ours = await play_both(timelines, database, folder)
    assert sum(map(len, theirs.said.values())) > len(timelines)
    found = [
        f"{number} {timeline.says}: {difference}"
        for number, timeline in enumerate(timelines)
        for difference in differences(theirs.of(number), ours.of(number))
    ]
    assert not found, f"{len(found)} differences:\n" + "\n".join(found[:60])


def differences(theirs: Mapping[Group, list[Told]], ours: Mapping[Group, list[Told]]) -> list[str]:
    found = []
    for group in sorted({*theirs, *ours}):
        left, right = (_in_time(heard.get(group, [])) for heard in (theirs, ours))
        bodies = [_told(each.body) for each in left], [_told(each.body) for each in right]
        apart = [abs(a.second - b.second) for a, b in zip(left, right, strict=False)]
        if bodies[0] != bodies[1] or any(seconds > TOLERANCE for seconds in apart):
            found.append(f"{group}\n   theirs {_shown(left)}\n   ours   {_shown(right)}")
    return found


def _in_time(told: list[Told]) -> list[Told]:
    """Without what comes so near the end of the play that only one of the two may have told it."""
    return [each for each in told if each.second < LENGTH - TOLERANCE]


def _told(body: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in body.items() if name not in ("externalURL", "alerts")}
    return kept | {"alerts": [_member(each) for each in body["alerts"]]}


def _member(member: Mapping[str, Any]) -> dict[str, Any]:
    times = {name: round(datetime.fromisoformat(member[name]).timestamp()) for name in ("startsAt", "endsAt")}
    return {**member, **times, "generatorURL": ""}


def _shown(told: list[Told]) -> list[str]:
    return [
        f"{each.second:.1f}s {each.body['status']} "
        + " ".join(f"{'+' if one['status'] == 'firing' else '-'}{_name(one['labels'])}" for one in each.body["alerts"])
        for each in told
    ]


def _name(labels: Mapping[str, str]) -> str:
    return ",".join(value for name, value in labels.items() if name != "timeline")
