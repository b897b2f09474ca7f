"""Metrics, alerts and probes, in every envelope in which people save them."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.tools.bundle.folder import listing, pod, snapshot_of, whys
from tools.bundle import telemetry, times
from tools.engines.snapshot import Series

END = 1772442000.0
ROW = {
    "metric": {
        "__name__": "container_memory_working_set_bytes",
        "namespace": "town",
        "pod": "baker-1",
        "container": "app",
    },
    "values": [[END - 60, "100"], [END - 30, "200"]],
}


@pytest.mark.parametrize(
    "envelope",
    [
        {"status": "success", "data": {"resultType": "matrix", "result": [ROW]}},
        {"resultType": "matrix", "result": [ROW]},
        [ROW],
        {"data": [ROW]},
        {"status": "success", "data": {"result": [{"no": "row"}, 7, ROW]}},
    ],
)
def test_a_matrix_is_read_in_any_envelope(tmp_path: Path, envelope: Any) -> None:
    (found,) = snapshot_of(tmp_path, metrics__memory=envelope).metrics["memory"]
    assert found.last == 200


def test_an_error_of_prometheus_is_quoted(tmp_path: Path) -> None:
    found = snapshot_of(tmp_path, metrics__memory={"status": "error", "error": "query timed out"})
    assert whys(found, "metrics/memory.json") == ["Prometheus said: query timed out"]


def test_metrics_beyond_the_bound_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telemetry, "MAX_METRIC_TEXT", 300)
    found = snapshot_of(tmp_path, metrics__a=[ROW], metrics__b=[ROW])
    assert whys(found, "metrics/b.json")


ALERT = {
    "labels": {"alertname": "Slow", "n": 1},
    "annotations": {"summary": "it is slow"},
    "startsAt": "2026-03-02T08:50:00.123456789Z",
}


@pytest.mark.parametrize(
    "envelope",
    [
        [{**ALERT, "endsAt": "0001-01-01T00:00:00Z", "status": {"state": "active"}}],
        {"status": "success", "data": [ALERT]},
        {"status": "success", "data": {"alerts": [{**ALERT, "state": "firing", "activeAt": ALERT["startsAt"]}]}},
        {"version": "4", "alerts": [{**ALERT, "status": "firing"}]},
        [{"labels": {"group": "x"}, "alerts": [ALERT]}],
        [None, 3, {"labels": 7}, ALERT],
    ],
)
def test_alerts_are_read_in_any_form(tmp_path: Path, envelope: Any) -> None:
    (found,) = snapshot_of(tmp_path, alerts=envelope).alerts
    assert (found.name, found.state, found.ends_at) == ("Slow", "active", None)
    assert found.labels["n"] == "1"
    assert found.starts_at is not None
    assert found.starts_at.minute == 50


def test_an_alert_that_is_over_or_suppressed_says_so(tmp_path: Path) -> None:
    found = snapshot_of(
        tmp_path, alerts=[{**ALERT, "status": {"state": "suppressed"}, "endsAt": "2026-03-02T08:55:00Z"}]
    )
    assert found.alerts[0].state == "suppressed"
    assert found.alerts[0].ends_at is not None


def test_probes_are_read_and_nonsense_among_them_is_left_out(tmp_path: Path) -> None:
    rows = [
        {
            "kind": "tcp",
            "from": None,
            "target": "town/db:5432",
            "ok": False,
            "detail": "refused",
            "at": "2026-03-02T08:59:00Z",
        },
        {"kind": "node_service", "target": "n1", "service": "kubelet", "ok": "true"},
        {"kind": "dns", "target": "x", "ok": None},
        {"kind": 4},
        "?",
    ]
    refused, kubelet, dns = snapshot_of(tmp_path, probes=rows).probes
    assert (refused.ok, refused.origin, refused.detail) == (False, "", "refused")
    assert (kubelet.ok, kubelet.service) == (True, "kubelet")
    assert not dns.ok


def moment(minute: int) -> datetime:
    return datetime(2026, 3, 2, 8, minute, tzinfo=UTC)


def test_without_a_time_of_its_own_a_bundle_is_as_old_as_the_newest_thing_in_it(tmp_path: Path) -> None:
    event = {"kind": "Event", "lastTimestamp": "2026-03-02T08:40:00Z"}
    ending = pod(status={"startTime": "2026-03-02T08:00:00Z"})
    ending["metadata"]["deletionTimestamp"] = "2026-03-02T23:00:00Z"
    found = snapshot_of(tmp_path, objects__a=listing("List", event, ending), meta={})
    assert found.taken_at == moment(40)
    assert whys(found, "taken_at")


@pytest.mark.parametrize("told", ["nonsense", None, [], -5, 10**30, "0001-01-01T00:00:00Z", {"a": 1}])
def test_a_time_that_is_none_is_no_time(told: Any) -> None:
    assert times.moment(told) is None


def test_data_from_after_the_bundle_was_taken_name_the_clocks(tmp_path: Path) -> None:
    event = {"kind": "Event", "lastTimestamp": "2026-03-02T09:30:00Z"}
    found = snapshot_of(tmp_path, objects__a=event)
    assert whys(found, "clocks") == ["later than taken_at: objects (30 min ahead)"]
    assert found.taken_at == datetime(2026, 3, 2, 9, tzinfo=UTC)


def test_a_bundle_whose_data_end_long_before_it_was_taken_speaks_of_then(tmp_path: Path) -> None:
    old = {**ROW, "values": [[END - 7200, "1"], [END - 7000, "2"]]}
    found = snapshot_of(tmp_path, metrics__memory=[old])
    assert whys(found, "clocks")
    assert found.taken_at.timestamp() == END - 7000


def test_prometheus_alone_falling_silent_is_no_matter_of_clocks() -> None:
    taken = moment(59)
    assert times.settled(taken, {"metrics": moment(10), "objects": moment(58)}, taken) == (taken, [])


def test_the_window_reaches_back_to_where_the_metrics_begin() -> None:
    before = [(moment(0).timestamp() - 7200, 1.0), (moment(0).timestamp(), 1.0)]
    found = times.window(moment(59), moment(59) - moment(30), {"x": [Series({}, before)]})
    assert found.start == datetime(2026, 3, 2, 6, tzinfo=UTC)
    assert times.window(moment(59), moment(59) - moment(30), {}).start == moment(30)
