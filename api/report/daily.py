"""A day of alerts as one HTML page that can be mailed: no script, no address outside, its charts drawn into it.

A chart is for the eye; beside each bar stands its number, and each chart has a title that a screen reader says. All text is escaped: names
of alerts are written by whoever can send one.
"""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from core.language import Language, Text

TITLE = Text("Alerts of {date}", "{date} 告警日报")
ZONE = Text("times in {zone}", "时区 {zone}")
NOTHING = Text("Nothing fired.", "当日没有告警.")
CUT = Text("There were more than can be counted; the latest are.", "告警过多, 只统计了最近的部分.")
FIRED, BEFORE = Text("fired", "触发"), Text("the day before", "前一日")
FIRING = Text("still firing at the end", "日终仍在告警")
TAKEN, ENDED = Text("median until taken", "认领时间中位数"), Text("median until over", "恢复时间中位数")
HOURS, SEVERITIES = Text("By hour", "按小时"), Text("By severity", "按级别")
NAMES, NAMESPACES = Text("Noisiest rules", "最频繁的规则"), Text("By namespace", "按命名空间")
INCIDENTS = Text("Incidents", "事件")
ALERTS = Text("{count} alerts", "{count} 条告警")
OPEN, RESOLVED = Text("open", "未恢复"), Text("resolved", "已恢复")
_COLOURS = {"critical": "#b42318", "error": "#d9480f", "warning": "#b7791f", "info": "#2f6fab"}
_GREY = "#7a8591"
_SHEET = """
body { margin: 0 auto; padding: 24px; max-width: 860px; font: 15px/1.5 system-ui, sans-serif; color: #1b1f24; background: #fff; }
h1 { margin: 0; font-size: 26px; } h2 { margin: 24px 0 8px; font-size: 18px; } .faint { color: #59636e; font-size: 13px; }
.facts { display: flex; flex-wrap: wrap; gap: 12px 32px; margin: 16px 0; } .facts b { display: block; font-size: 24px; }
svg { width: 100%; height: auto; } svg text { font: 12px system-ui, sans-serif; fill: #1b1f24; } li { overflow-wrap: anywhere; }
@media (prefers-color-scheme: dark) {
  body { color: #d7dde3; background: #14181d; } .faint { color: #98a3ae; } svg text { fill: #d7dde3; }
}
@media print { svg, li { break-inside: avoid; } }
"""
_WIDTH, _HEIGHT, _FOOT, _HEAD, _ROW, _NAME = 820, 180, 20, 16, 24, 280


def page(read: Mapping[str, Any], language: Language) -> str:
    return "\n".join(_lines(read, language)) + "\n"


def _lines(read: Mapping[str, Any], language: Language) -> Iterator[str]:
    title = escape(TITLE(language, date=read["date"]))
    yield f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">'
    yield f"<title>{title}</title><style>{_SHEET}</style></head><body><h1>{title}</h1>"
    yield f'<p class="faint">{escape(ZONE(language, zone=read["zone"]))}</p>'
    yield from _facts(read, language)
    if read["cut"]:
        yield f"<p>{escape(CUT(language))}</p>"
    if read["total"]:
        yield from _charts(read, language)
    else:
        yield f"<p>{escape(NOTHING(language))}</p>"
    yield from _incidents(read["incidents"], language)
    yield "</body></html>"


def _facts(read: Mapping[str, Any], language: Language) -> Iterator[str]:
    facts = (
        (FIRED, str(read["total"])),
        (BEFORE, str(read["day_before"])),
        (FIRING, str(read["still_firing"])),
        (TAKEN, _length(read["seconds_to_take"])),
        (ENDED, _length(read["seconds_to_end"])),
    )
    yield '<div class="facts">'
    yield from (
        f'<div><b>{escape(value)}</b><span class="faint">{escape(name(language))}</span></div>' for name, value in facts
    )
    yield "</div>"


def _charts(read: Mapping[str, Any], language: Language) -> Iterator[str]:
    yield from _columns(HOURS(language), read["hours"])
    yield from _bars(SEVERITIES(language), read["by_severity"], coloured=True)
    yield from _bars(NAMES(language), read["noisiest"])
    yield from _bars(NAMESPACES(language), read["by_namespace"])


def _columns(title: str, hours: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """A column for each hour, one severity upon the other."""
    totals = [sum(hour["by_severity"].values()) for hour in hours]
    most, width, high = max([1, *totals]), _WIDTH / len(hours), _HEIGHT - _FOOT - _HEAD
    yield from _opened(title, _HEIGHT)
    for place, (hour, total) in enumerate(zip(hours, totals, strict=True)):
        left, top = place * width, float(_HEIGHT - _FOOT)
        for severity, count in sorted(hour["by_severity"].items(), key=lambda item: item[0]):
            top -= high * count / most
            yield _rect(left + 2, top, width - 4, high * count / most, severity)
        if total:
            yield _said(left + width / 2, top - 4, str(total), "middle")
        if place % 3 == 0:
            yield _said(left + width / 2, _HEIGHT - 4, hour["hour"], "middle")
    yield "</svg>"


def _bars(title: str, counts: Mapping[str, int], *, coloured: bool = False) -> Iterator[str]:
    most = max([1, *counts.values()])
    yield from _opened(title, _ROW * len(counts))
    for place, (name, count) in enumerate(counts.items()):
        middle, length = place * _ROW + 16, (_WIDTH - _NAME - 60) * count / most
        yield _said(_NAME - 8, middle, name if len(name) <= 40 else f"{name[:39]}…", "end")
        yield _rect(_NAME, place * _ROW + 4, length, _ROW - 8, name if coloured else "info")
        yield _said(_NAME + length + 6, middle, str(count), "start")
    yield "</svg>"


def _opened(title: str, height: int) -> Iterator[str]:
    yield f"<h2>{escape(title)}</h2>"
    yield f'<svg viewBox="0 0 {_WIDTH} {height}" role="img"><title>{escape(title)}</title>'


def _rect(left: float, top: float, width: float, height: float, severity: str) -> str:
    colour = _COLOURS.get(severity, _GREY)
    return f'<rect x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{colour}"/>'


def _said(left: float, top: float, text: str, anchor: str) -> str:
    return f'<text x="{left:.1f}" y="{top:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _incidents(incidents: Sequence[Mapping[str, Any]], language: Language) -> Iterator[str]:
    if not incidents:
        return
    yield f"<h2>{escape(INCIDENTS(language))}</h2><ul>"
    for each in incidents:
        title = each["title_zh"] if language == "zh" else each["title"]
        state = (OPEN if each["state"] == "open" else RESOLVED)(language)
        facts = " · ".join((each["severity"], ALERTS(language, count=each["alerts"]), state, each["id"]))
        yield f'<li>{escape(title)}<br><span class="faint">{escape(facts)}</span></li>'
    yield "</ul>"


def _length(spread: Mapping[str, float] | None) -> str:
    if spread is None:
        return "–"
    seconds = round(spread["median"])
    if seconds < 120:
        return f"{seconds} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
