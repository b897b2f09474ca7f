"""One paragraph to act on: what, since when, who suffers; doubts and gaps are said, and nothing that was not found."""

from datetime import UTC, datetime, timedelta

import pytest

from core.language import Language
from tools.engines.diagnosis import Cause, Component, Diagnosis, Evidence, Gap, NearMiss, Symptom, Window
from tools.engines.paragraph import paragraph

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def thing(name: str) -> Component:
    return Component(kind="Deployment", namespace="town", name=name)


def cause(rank: int = 1, name: str = "baker", **more: object) -> Cause:
    said: dict[str, object] = {
        "rank": rank,
        "fault": "oom_killed",
        "category": "runtime",
        "component": thing(name),
        "confidence": 0.8,
        "statement": f"The {name} is killed.",
        "evidence": [Evidence(source="event", ref="r", quote="q")],
    }
    return Cause.model_validate(said | more)


def found(**more: object) -> Diagnosis:
    said: dict[str, object] = {
        "subject": "town",
        "window": Window(start=NOW, end=NOW),
        "taken_at": NOW,
        "healthy": False,
    }
    return Diagnosis.model_validate(said | more)


def test_a_cause_is_told_with_its_time_and_who_suffers() -> None:
    suffering = [thing("baker"), *(thing(name) for name in ("a", "b", "c", "d", "e"))]
    told = paragraph(found(causes=[cause(onset=NOW - timedelta(minutes=7), affected=suffering)]), "en")
    assert told == "The baker is killed. (80% sure) It began at 08:53 UTC. a, b, c and 2 more suffer(s) from it."


def test_chinese_counts_all_who_suffer() -> None:
    told = paragraph(found(causes=[cause(affected=[thing(name) for name in "abcd"])]), "zh")
    assert "a, b, c 等 4 个" in told


def test_a_close_rival_on_the_same_component_is_named_and_another_cause_is_counted() -> None:
    rival = cause(2, fault="memory_leak", confidence=0.7, statement="Its memory grows.")
    told = paragraph(found(causes=[cause(), rival, cause(3, "shop")]), "en")
    assert "Nearly as likely: Its memory grows. 1 more cause(s) found." in told


def test_without_a_cause_the_nearest_guess_comes_with_what_would_decide() -> None:
    near = NearMiss(fault="x", component=thing("a"), confidence=0.1, statement="Perhaps a.", decide="Look at a.")
    hurt = [Symptom(component=thing("a"), statement="a is slow.")]
    told = paragraph(found(symptoms=hurt, near_misses=[near]), "en")
    assert told == "No cause was found. a is slow. Nearest guess: Perhaps a. Look at a."


@pytest.mark.parametrize(("language", "word"), [("en", "Not everything could be read"), ("zh", "部分数据无法读取")])
def test_what_was_not_read_is_always_said(language: Language, word: str) -> None:
    gaps = [Gap(what="metrics", why="refused")]
    for told in (found(causes=[cause()], gaps=gaps), found(healthy=None, gaps=gaps)):
        assert word in paragraph(told, language)


def test_only_what_was_read_in_full_is_called_healthy() -> None:
    assert "is healthy" in paragraph(found(healthy=True), "en")
    blind = paragraph(found(healthy=None, gaps=[Gap(what="Pod objects", why="forbidden")]), "en")
    assert "cannot be judged" in blind
    assert "healthy" not in blind
