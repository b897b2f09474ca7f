"""Pages of alerts: the most pressing first, each on one page and one only, whatever the page's size and the filter."""

from datetime import timedelta

import pytest

from alerts.model import Alert, Change, State
from alerts.store import AlertStore, Filter
from core.database import Database
from tests.alerts.night import EVENING

STATES: tuple[State, ...] = ("resolved", "pending", "firing", "inactive")
SEVERITIES = ("info", "critical", "odd", "warning", "error", "none")
WORST_FIRST = ("critical", "error", "warning", "info", "none", "odd")


def alert(number: int) -> Alert:
    at = EVENING + timedelta(minutes=number * 7 % 10)
    state = STATES[number % len(STATES)]
    return Alert(
        fingerprint=f"{number:016x}",
        rule_id="rule",
        name="Trouble",
        labels={"severity": SEVERITIES[number % len(SEVERITIES)], "namespace": f"team-{number % 2}"},
        annotations={},
        state=state,
        value=1.0,
        episode="one",
        active_at=at,
        fired_at=at,
        resolved_at=at if state == "resolved" else None,
    )


def place(one: Alert) -> tuple[int, int, float, int]:
    states = ("firing", "pending", "resolved")
    since = -one.starts_at.timestamp()
    return states.index(one.state), WORST_FIRST.index(one.severity), since, -int(one.fingerprint, 16)


@pytest.mark.parametrize(
    "wanted", [Filter(), Filter(state="firing"), Filter(namespace="team-0"), Filter(status="open")]
)
@pytest.mark.parametrize("size", [1, 7, 200])
async def test_all_pages_together_are_all_alerts_in_their_order(database: Database, wanted: Filter, size: int) -> None:
    store = AlertStore(database)
    there = [alert(number) for number in range(60)]
    await store.save([Change(one) for one in there])
    expected = sorted((one for one in there if _is_meant(one, wanted)), key=place)
    found: list[Alert] = []
    for offset in range(0, len(expected) + size, size):
        page, total = await store.page(wanted, size, offset)
        assert total == len(expected)
        found += page
    assert [one.fingerprint for one in found] == [one.fingerprint for one in expected]


def _is_meant(one: Alert, wanted: Filter) -> bool:
    state = "firing" if wanted.status == "open" else wanted.state
    of_state = one.state == state if state else one.state != "inactive"
    return of_state and wanted.namespace in (None, one.namespace)
