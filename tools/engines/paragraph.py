"""A diagnosis as one paragraph that a person can act on: what is wrong, since when, who suffers, what to do, and what was not read.

It is put together from sentences in the diagnosis and from nothing else, so that every name and number in it can be found in the
evidence. A doubtful cause is said with its rival; an unread source is always named, because without it "nothing wrong" is only a guess.
"""

from collections.abc import Iterator

from core.language import Language, Text
from tools.engines.diagnosis import Cause, Diagnosis

MAX_NAMED = 3
CLOSE = 0.25

_SURE = Text(" ({sure:.0%} sure)", "（把握 {sure:.0%}）")
_SINCE = Text(" It began at {at:%H:%M} UTC.", "始于 {at:%H:%M} UTC。")
_SUFFER = Text(" {names} suffer(s) from it.", "受其影响：{names}。")
_AND_MORE = Text("{names} and {count} more", "{names} 等 {count} 个")
_MORE = Text(" {count} more cause(s) found.", "另有 {count} 个原因。")
_RIVAL = Text(" Nearly as likely: {said}", "另一种可能：{said}")
_NO_CAUSE = Text("No cause was found. {said}", "没有找到原因。{said}")
_NEAREST = Text(" Nearest guess: {said} {decide}", "最接近的猜测：{said}{decide}")
_HEALTHY = Text("{subject} is healthy: everything was read.", "{subject} 正常：所有数据源均已读取。")
_NOTHING = Text("Nothing wrong was seen in {subject}.", "{subject} 未发现异常。")
_BLIND = Text(
    "{subject} cannot be judged: {what} could not be read: {why}", "无法判断 {subject} 的状况：{what} 读取失败：{why}"
)
_UNREAD = Text(" Not everything could be read: {what}: {why}", "部分数据无法读取：{what}：{why}")


def paragraph(found: Diagnosis, language: Language) -> str:
    if found.causes:
        return "".join(_of_causes(found, language)) + _unread(found, language)
    if found.symptoms:
        return (
            _NO_CAUSE(language, said=found.symptoms[0].statement) + _nearest(found, language) + _unread(found, language)
        )
    if found.healthy:
        return _HEALTHY(language, subject=found.subject)
    blind = next((gap for gap in found.gaps if "objects" in gap.what and not gap.neighbour), None)
    if blind:
        return _BLIND(language, subject=found.subject, what=blind.what, why=blind.why)
    return _NOTHING(language, subject=found.subject) + _unread(found, language)


def _of_causes(found: Diagnosis, language: Language) -> Iterator[str]:
    first, *rest = found.causes
    yield first.statement
    yield _SURE(language, sure=first.confidence)
    if first.onset:
        yield _SINCE(language, at=first.onset)
    yield _sufferers(first, language)
    if rest and rest[0].component == first.component and first.confidence - rest[0].confidence < CLOSE:
        yield _RIVAL(language, said=rest[0].statement)
        rest = rest[1:]
    if rest:
        yield _MORE(language, count=len(rest))


def _sufferers(cause: Cause, language: Language) -> str:
    names = list(dict.fromkeys(one.name for one in cause.affected if one.name != cause.component.name))
    if not names:
        return ""
    shown = ", ".join(names[:MAX_NAMED])
    if len(names) > MAX_NAMED:
        count = len(names) - MAX_NAMED if language == "en" else len(names)
        shown = _AND_MORE(language, names=shown, count=count)
    return _SUFFER(language, names=shown)


def _nearest(found: Diagnosis, language: Language) -> str:
    if not found.near_misses:
        return ""
    near = found.near_misses[0]
    return _NEAREST(language, said=near.statement, decide=near.decide).rstrip()


def _unread(found: Diagnosis, language: Language) -> str:
    if not found.gaps:
        return ""
    first = found.gaps[0]
    return _UNREAD(language, what=first.what, why=first.why)
