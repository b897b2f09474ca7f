"""From cases and questions to the traits that are compared, and the corpus of all cases, kept until something changes."""

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from core.language import Language, Text
from knowledge_base.cases.case import Case
from knowledge_base.cases.lesson import Lesson
from knowledge_base.cases.masking import lasting, templates, workload
from knowledge_base.cases.matching import Corpus, Known, Traits, View, standing
from knowledge_base.cases.records import Mark

MAX_WORDS = 6_000
FEW_WORDS = 0.2
Terms = Callable[[str], Sequence[str]]
_WHY = {
    "alert": Text("the same alert {what}", "同一告警 {what}"),
    "component": Text("the same component {what}", "同一组件 {what}"),
    "labels": Text("the same labels {what}", "相同标签 {what}"),
    "logs": Text("the same log line “{what}”", "相同日志“{what}”"),
    "words": Text("the same words: {what}", "相同用词：{what}"),
}
_NAMESPACE = Text("the same namespace {what}", "同一命名空间 {what}")
_ELSEWHERE = Text("a component of the same name, {what}", "同名组件 {what}")


@dataclass(frozen=True, slots=True)
class Asked:
    """What something like it is looked for by; whatever is not known stays empty."""

    alerts: Sequence[str] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    namespace: str = ""
    component: str = ""
    logs: Sequence[str] = ()
    text: str = ""

    def traits(self, terms: Terms) -> Traits:
        # A line that names somebody else has another template, and still the same words.
        said = "\n".join([self.text, *self.logs])[:MAX_WORDS]
        return Traits(
            alerts=frozenset(self.alerts),
            namespace=self.namespace or self.labels.get("namespace", ""),
            component=workload(self.component),
            labels=lasting(self.labels),
            logs=templates(self.logs),
            words=Counter(terms(said)) if said.strip() else {},
        )


def asked_of(lesson: Lesson) -> Asked:
    """What is known of an incident, as a question for others like it."""
    found = lesson.finding
    summaries = dict.fromkeys(text for one in lesson.alerts for text in (one.summary.en, one.summary.zh) if text)
    statement = [found.statement.en, found.statement.zh] if found else []
    return Asked(
        alerts=list(dict.fromkeys(one.name for one in lesson.alerts)),
        labels={name: value for one in lesson.alerts for name, value in one.labels.items()},
        namespace=lesson.namespace,
        component=found.component.name if found else lesson.workload,
        logs=found.logs if found else [],
        text="\n".join([*summaries, *statement]),
    )


def traits_of(case: Case, terms: Terms) -> Traits:
    body, facts = case.body, case.facts
    said = [text for words in (body.title, body.symptom, body.cause) for text in dict.fromkeys((words.en, words.zh))]
    logged = [one.quote for one in facts.quotes if one.source == "log"]
    return Traits(
        alerts=frozenset(one.name for one in facts.alerts),
        namespace=facts.component.namespace or next((one.labels.get("namespace", "") for one in facts.alerts), ""),
        component=workload(facts.component.name),
        labels=frozenset(pair for one in facts.alerts for pair in lasting(one.labels)),
        logs=frozenset(facts.logs) | templates(logged),
        words=Counter(terms("\n".join([*said, *facts.logs, *body.tags])[:MAX_WORDS])),
    )


def why(view: View) -> Text:
    """One reason, in both languages."""
    made = _WHY[view.name]
    if view.name == "component":
        made = made if view.value >= 1 else _ELSEWHERE if view.value > 0.5 else _NAMESPACE
    what = ", ".join(view.shared) if view.name != "logs" else view.shared[0]
    return Text(made("en", what=what), made("zh", what=what.replace(", ", "、")))


def reasons(views: Sequence[View], said: str, language: Language) -> list[str]:
    """The heaviest first; `said` is what the case says, in whose own words the shared ones are told.

    The words of a log line that is shared as a whole are no reason of their own, nor are the few that any two texts share.
    """
    has_line = any(view.name == "logs" for view in views)
    told: list[str] = []
    for view in views:
        if view.name == "words":
            shared = tuple(dict.fromkeys(filter(None, (_as_written(term, said) for term in view.shared))))
            if has_line or view.value < FEW_WORDS or not shared:
                continue
            view = replace(view, shared=shared)
        told += [why(view)(language)] if view.shared else []
    return told


def _as_written(term: str, said: str) -> str:
    """Terms are stems; a person reads words."""
    ending = r"[a-z]{0,4}(?![A-Za-z])" if term.isascii() else ""
    found = re.search(rf"(?<![A-Za-z])(?i:{re.escape(term)}){ending}", said)
    return found.group() if found else ""


class Shelf:
    """The corpus of what can be found; a case is read and its traits are worked out once for each of its versions."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._traits: dict[tuple[str, int], Traits] = {}
        self._edition: object = None
        self.corpus = Corpus(())

    def is_of(self, edition: object) -> bool:
        return self._edition == edition

    def unread(self, marks: Sequence[Mark]) -> list[str]:
        return [mark.id for mark in marks if (mark.id, mark.version) not in self._traits]

    async def put_up(self, marks: Sequence[Mark], read: Sequence[Case], edition: object) -> None:
        self.corpus = await asyncio.to_thread(self._built, marks, read)
        self._edition = edition

    def _built(self, marks: Sequence[Mark], read: Sequence[Case]) -> Corpus:
        new = {(case.id, case.version): traits_of(case, self._terms) for case in read}
        every = self._traits | new
        self._traits = {key: every[key] for mark in marks if (key := (mark.id, mark.version)) in every}
        return Corpus(
            [
                Known(mark.id, traits, standing(mark.stars, mark.ratings, confirmed=mark.confirmed))
                for mark in marks
                if (traits := self._traits.get((mark.id, mark.version))) is not None
            ]
        )
