"""The day as a page: whole, safe, in both languages, and over HTTP."""

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from api.report.daily import page
from api.terminal import daily_report
from core.clock import ManualClock
from tests.acceptance.stage import START, product, settings_for
from tests.api.test_incidents import fires

EVIL = "<script>alert('x')</script>"
READ: dict[str, Any] = {
    "date": "2026-03-02",
    "zone": "Asia/Shanghai",
    "total": 5,
    "day_before": 3,
    "still_firing": 1,
    "cut": False,
    "seconds_to_take": {"count": 1, "mean": 90, "median": 90, "max": 90},
    "seconds_to_end": {"count": 1, "mean": 90, "median": 9000, "max": 90},
    "by_severity": {"critical": 2, "warning": 3},
    "by_namespace": {"shop": 5},
    "noisiest": {EVIL: 3, "Trouble": 2},
    "hours": [
        {"hour": f"{hour:02}:00", "by_severity": {"critical": 2, "warning": 3} if hour == 9 else {}}
        for hour in range(24)
    ],
    "incidents": [
        {"id": "ab", "title": EVIL, "title_zh": "事件", "state": "open", "severity": "critical", "alerts": 2},
    ],
}


class Seen(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, _attrs: object) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.words.append(data.strip())


def charts(text: str) -> list[ElementTree.Element]:
    return [ElementTree.fromstring(found) for found in re.findall(r"<svg.*?</svg>", text, re.DOTALL)]  # noqa: S314 - our own text


def test_it_stands_alone_and_what_alerts_are_named_cannot_act() -> None:
    seen = Seen(page(READ, "en"))
    assert not {"script", "img", "link", "iframe"} & set(seen.tags)
    assert EVIL in seen.words
    assert not re.search(r"(src|href|url)\s*[=(]", page(READ, "en").replace(EVIL, ""))


def test_its_charts_are_drawn_to_scale_with_a_title_and_numbers() -> None:
    hours, severities, names, namespaces = charts(page(READ, "en"))
    heights = {each.get("fill"): float(str(each.get("height"))) for each in hours.iter("rect")}
    assert heights["#b42318"] / heights["#b7791f"] == pytest.approx(2 / 3, rel=0.01)
    lengths = [float(str(each.get("width"))) for each in severities.iter("rect")]
    assert lengths[0] / lengths[1] == pytest.approx(2 / 3, rel=0.01)
    for chart in (hours, severities, names, namespaces):
        assert chart.findtext("title")
        width, height = map(float, str(chart.get("viewBox")).split()[2:])
        for bar in chart.iter("rect"):
            left, top, wide, high = (float(str(bar.get(name))) for name in ("x", "y", "width", "height"))
            assert left >= 0
            assert top >= 0
            assert left + wide <= width
            assert top + high <= height


def test_it_speaks_both_languages() -> None:
    english, chinese = Seen(page(READ, "en")).words, Seen(page(READ, "zh")).words
    assert "Alerts of 2026-03-02" in english
    assert {"90 s", "2.5 h", "Noisiest rules"} <= set(english)
    assert {"2026-03-02 告警日报", "最频繁的规则", "事件"} <= set(chinese)


def test_a_quiet_day_has_no_charts() -> None:
    quiet = {**READ, "total": 0, "incidents": [], "seconds_to_take": None, "seconds_to_end": None}
    assert charts(page(quiet, "en")) == []
    assert "Nothing fired." in Seen(page(quiet, "en")).words


async def test_over_http_as_a_page_and_in_numbers(tmp_path: Path) -> None:
    settings = settings_for(tmp_path, "", tmp_path / "none", {"prometheus_url": "", "k8s_config_path": ""})
    async with product(settings, ManualClock(START)) as (house, http):
        await fires(house, "CrashLooping", severity="critical", namespace="shop", deployment="api")
        answer = await http.get("/api/v1/alerts/report", params={"language": "zh"})
        assert answer.headers["content-type"].startswith("text/html")
        assert "script" not in answer.headers["content-security-policy"]
        assert "CrashLooping" in answer.text
        read = (await http.get("/api/v1/alerts/report", params={"format": "json", "date": f"{START:%Y-%m-%d}"})).json()
        assert read["data"]["total"] == 1
        assert read["data"]["incidents"][0]["title"] == "CrashLooping in shop/api"
        for wrong in ({"date": "yesterday"}, {"zone": "Mars/Base"}, {"date": "2999-01-01"}, {"format": "pdf"}):
            assert (await http.get("/api/v1/alerts/report", params=wrong)).status_code in (400, 422)


async def test_the_command_writes_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    class Server:
        async def __aenter__(self) -> "Server":
            return self

        async def __aexit__(self, *_ended: object) -> None:
            return None

        async def get(self, path: str) -> dict[str, Any]:
            asked.append(path)
            return READ

    monkeypatch.setattr("api.terminal.connect", lambda *_given: Server())
    await daily_report("2026-03-02", "Asia/Shanghai", "zh", tmp_path / "day.html", server="", token="", as_json=False)
    assert (tmp_path / "day.html").read_text() == page(READ, "zh")
    assert asked == ["/alerts/report?format=json&zone=Asia%2FShanghai&date=2026-03-02"]
