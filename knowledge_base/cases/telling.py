"""A lesson worded as a case, in both languages; what was not recorded is said to be missing and never guessed."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from core.language import Language, Text
from knowledge_base.cases.case import Body, Component, Facts, Sighting, Words
from knowledge_base.cases.lesson import Ending, Finding, Lesson, Note, Repair
from knowledge_base.cases.masking import template

MAX_ALERTS, MAX_QUOTES, MAX_LOGS, MAX_NOTES, MAX_LINE = 20, 8, 12, 10, 500
_LOG = Text("Log: {line}", "日志：{line}")
_NO_CAUSE = Text(
    "Not established: no diagnosis was made while it went on, or none found a cause.",
    "未确定：发生期间没有进行诊断，或诊断没有找到原因。",
)
_CAUSE = Text("{statement} ({name}, {confidence:.0%} sure)", "{statement}（{name}，置信度 {confidence:.0%}）")
_REPAIRED = Text("{title}. {steps}Approved by {by}.", "{title}。{steps}由 {by} 批准。")
_TRIED = Text("Tried without success: {title}.", "尝试过但没有效果：{title}。")
_NOTED = Text("{by} noted: {text}", "{by} 记录：{text}")
_NO_FIX = Text(
    "Nothing was recorded: it ended by itself, or was mended without a word here.",
    "没有记录：可能自行恢复，或已在别处处理。",
)
_ENDED = Text("{alert} ended at {at}.", "{alert} 于 {at} 恢复。")
_CLOSED = Text(
    "{alert} was closed by {by} at {at}, while it still fired.", "{alert} 于 {at} 由 {by} 关闭，当时仍在触发。"
)
_UNSEEN = Text("{alert} is over since {at}, but nobody saw it end.", "{alert} 自 {at} 起不再上报，未确认是否恢复。")
_NO_PROOF = Text("Nothing shows that it is over.", "没有证据表明已经恢复。")


def told(lesson: Lesson) -> tuple[Body, Facts]:
    return Body(
        title=lesson.title,
        symptom=_both(lambda language: _symptom(lesson, language)),
        cause=_both(lambda language: _cause(lesson.finding, language)),
        fix=_both(lambda language: _fix(lesson.repair, lesson.notes, language)),
        proof=_both(lambda language: _proof(lesson.repair, lesson.endings, language)),
        tags=sorted({*_tags(lesson)}),
    ), _facts(lesson)


def _both(say: Callable[[Language], str]) -> Words:
    return Words(en=say("en"), zh=say("zh"))


def _facts(lesson: Lesson) -> Facts:
    found, repair = lesson.finding, lesson.repair
    return Facts(
        alerts=lesson.alerts[:MAX_ALERTS],
        component=found.component if found else Component(namespace=lesson.namespace, name=lesson.workload),
        fault=found.fault if found else "",
        name=found.name if found else Words(),
        statement=found.statement if found else Words(),
        confidence=found.confidence if found else 0.0,
        quotes=found.quotes[:MAX_QUOTES] if found else [],
        logs=list(dict.fromkeys(template(line) for line in found.logs))[:MAX_LOGS] if found else [],
        plan=repair.plan if repair else "",
        people=lesson.people,
        times=lesson.times.model_copy(update={"repaired": repair.ended_at if repair and repair.helped else None}),
    )


def _tags(lesson: Lesson) -> list[str]:
    found = [lesson.namespace, lesson.finding.fault if lesson.finding else ""]
    return [tag.replace(" ", "-") for tag in found if tag]


def _symptom(lesson: Lesson, language: Language) -> str:
    first: dict[str, Sighting] = {}
    for one in lesson.alerts:
        first.setdefault(one.name, one)
    colon = "：" if language == "zh" else ": "
    lines = [colon.join(filter(None, (one.name, one.summary(language)))) for one in first.values()]
    logs = lesson.finding.logs[:2] if lesson.finding else []
    return "\n".join([*lines, *(_LOG(language, line=line[:MAX_LINE]) for line in logs)])


def _cause(found: Finding | None, language: Language) -> str:
    if found is None:
        return _NO_CAUSE(language)
    name = found.name(language) or found.fault
    return _CAUSE(language, statement=found.statement(language), name=name, confidence=found.confidence)


def _fix(repair: Repair | None, notes: Sequence[Note], language: Language) -> str:
    lines = []
    if repair:
        stop = "。" if language == "zh" else ". "
        more = (step.rstrip(".。") for step in repair.steps if step.rstrip(".。") != repair.title.rstrip(".。"))
        steps = "".join(f"{step}{stop}" for step in more)
        made = _REPAIRED if repair.helped else _TRIED
        lines.append(made(language, title=repair.title.rstrip(".。"), steps=steps, by=repair.approved_by))
    lines += [_NOTED(language, by=one.by, text=one.text[:MAX_LINE]) for one in notes[:MAX_NOTES]]
    return "\n".join(lines) or _NO_FIX(language)


def _proof(repair: Repair | None, endings: Sequence[Ending], language: Language) -> str:
    lines = [repair.verdict] if repair and repair.verdict else []
    # Of several alerts of one name the last to end.
    last = {(one.alert, one.seen, one.closed_by): one for one in sorted(endings, key=lambda one: one.at)}
    endings = list(last.values())
    return "\n".join([*lines, *(_ending(one, language) for one in endings[:MAX_NOTES])]) or _NO_PROOF(language)


def _ending(one: Ending, language: Language) -> str:
    if one.closed_by:
        return _CLOSED(language, alert=one.alert, by=one.closed_by, at=_stamp(one.at))
    return (_ENDED if one.seen else _UNSEEN)(language, alert=one.alert, at=_stamp(one.at))


def _stamp(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
