"""A diagnosis put in reading order, in words of one language: what a terminal, a mail and a ticket have in common.

An outline holds finished sentences and no markup. Under each cause stand its effects, nearest first, so that cause and effect are seen as
a tree; what no cause explains stands apart; what could not be read comes last and is never left out.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from core.language import Language, Text
from tools.engines.catalogue import FAULTS
from tools.engines.diagnosis import Cause, Component, Diagnosis, Evidence, Symptom

MAX_EVIDENCE = 6
MAX_EFFECTS = 12
BARS = "▁▂▃▄▅▆▇█"

CAUSE = Text("Cause", "原因")
EVIDENCE = Text("Evidence", "证据")
AGAINST = Text("Against it", "反面证据")
EFFECTS = Text("What it does to others", "造成的影响")
UNEXPLAINED = Text("Seen, and not explained", "已观察到但未解释的现象")
NEAR = Text("Thought of, and not believed", "考虑过但证据不足")
TIMELINE = Text("Timeline", "时间线")
GAPS = Text("What could not be read", "未能读取的数据")
DECIDE = Text("What would tell: {what}", "如何判断：{what}")
SURE = Text("{percent} sure", "把握 {percent}")
SINCE = Text("since {at}", "自 {at} 起")
MORE = Text("{count} more", "另有 {count} 项")
HEALTHY = Text(
    "Healthy: everything that could contradict was read, and nothing did.",
    "正常：所有可能反驳的数据均已读取，未发现异常。",
)
UNKNOWN = Text("Nothing wrong was seen, but not everything could be read.", "未发现异常，但并非所有数据都能读取。")
NO_CAUSE = Text("Something is wrong, and no cause was found.", "存在异常，但没有找到原因。")
HOW = Text("to close it: {how}", "补救：{how}")


@dataclass(frozen=True, slots=True)
class Proof:
    """One piece of evidence: the sentence, where it can be read again, and its course if it is a metric."""

    text: str
    ref: str
    spark: str = ""


@dataclass(frozen=True, slots=True)
class Branch:
    title: str
    fault: str
    component: str
    sure: str
    since: str
    statement: str
    proofs: Sequence[Proof]
    against: Sequence[Proof]
    effects: Sequence[str]
    decide: str = ""


@dataclass(frozen=True, slots=True)
class Outline:
    subject: str
    window: str
    verdict: str
    branches: Sequence[Branch] = ()
    unexplained: Sequence[str] = ()
    near: Sequence[tuple[str, str]] = field(default=())
    timeline: Sequence[tuple[str, str]] = ()
    gaps: Sequence[str] = ()


def outline(found: Diagnosis, language: Language) -> Outline:
    """Of a diagnosis whose every sentence was made harmless first: a log line may hold what steers a terminal."""
    found = Diagnosis.model_validate(_harmless(found.model_dump()))
    window = f"{_minute(found.window.start)} – {_minute(found.window.end)} UTC"
    return Outline(
        subject=found.subject,
        window=window,
        verdict=_verdict(found, language),
        branches=[_branch(cause, found, language) for cause in found.causes],
        unexplained=[one.statement for one in found.symptoms if one.caused_by is None],
        near=[_near(one.statement, one.confidence, one.decide, language) for one in found.near_misses],
        timeline=[(_second(moment.at), moment.what) for moment in found.timeline],
        gaps=[_gap(gap.what, gap.why, gap.how, language) for gap in found.gaps],
    )


def spark(points: Sequence[float]) -> str:
    """A course in one line of bars; a flat one is a line of low bars."""
    if not points:
        return ""
    low, high = min(points), max(points)
    span = (high - low) or 1.0
    return "".join(BARS[min(len(BARS) - 1, int((value - low) / span * len(BARS)))] for value in points)


def title_of(fault: str, language: Language) -> str:
    return FAULTS[fault].title(language) if fault in FAULTS else fault


def _harmless(value: Any) -> Any:
    if isinstance(value, str):
        return "".join(char if char.isprintable() else " " for char in value)
    if isinstance(value, dict):
        return {key: _harmless(inner) for key, inner in value.items()}
    return [_harmless(inner) for inner in value] if isinstance(value, list | tuple) else value


def _verdict(found: Diagnosis, language: Language) -> str:
    if found.causes:
        return found.causes[0].statement
    if found.symptoms:
        return NO_CAUSE(language)
    return HEALTHY(language) if found.healthy else UNKNOWN(language)


def _branch(cause: Cause, found: Diagnosis, language: Language) -> Branch:
    effects = [one for one in found.symptoms if one.caused_by == cause.rank]
    return Branch(
        title=f"{CAUSE(language)} {cause.rank}: {title_of(cause.fault, language)}",
        fault=cause.fault,
        component=str(cause.component),
        sure=SURE(language, percent=f"{cause.confidence:.0%}"),
        since=SINCE(language, at=_second(cause.onset)) if cause.onset else "",
        statement=cause.statement,
        proofs=[_proof(item) for item in cause.evidence[:MAX_EVIDENCE]],
        against=[_proof(item) for item in cause.against],
        effects=_effects(cause.affected, effects, language),
    )


def _effects(affected: Sequence[Component], told: Sequence[Symptom], language: Language) -> list[str]:
    said = {one.component for one in told}
    lines = [one.statement for one in told] + [str(one) for one in affected if one not in said]
    return _cut(list(dict.fromkeys(lines)), MAX_EFFECTS, language)


def _cut(lines: list[str], most: int, language: Language) -> list[str]:
    return lines if len(lines) <= most else [*lines[:most], MORE(language, count=len(lines) - most)]


def _proof(item: Evidence) -> Proof:
    at = f"{_second(item.at)} " if item.at else ""
    return Proof(f"{at}{item.quote}", item.ref, spark(item.points))


def _near(statement: str, confidence: float, decide: str, language: Language) -> tuple[str, str]:
    sure = SURE(language, percent=f"{confidence:.0%}")
    return f"{statement} ({sure})", DECIDE(language, what=decide) if decide else ""


def _gap(what: str, why: str, how: str, language: Language) -> str:
    return f"{what}: {why}" + (f" ({HOW(language, how=how)})" if how else "")


def _minute(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"


def _second(at: datetime | None) -> str:
    return f"{at:%m-%d %H:%M:%S}" if at else ""


def sections(read: Outline, language: Language) -> Iterable[tuple[str, Sequence[str]]]:
    """What stands below the causes, each under its heading; empty ones are left out."""
    near = [f"{said} {decide}".strip() for said, decide in read.near]
    told = [f"{at}  {what}" for at, what in read.timeline]
    for heading, lines in (
        (UNEXPLAINED, read.unexplained),
        (NEAR, near),
        (TIMELINE, told),
        (GAPS, read.gaps),
    ):
        if lines:
            yield heading(language), lines
