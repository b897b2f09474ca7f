"""What of a case and of a question is compared, and how the reasons are told."""

from typing import Any

import pytest

from knowledge_base.cases.case import Case, Component, Quote, Sighting
from knowledge_base.cases.likening import Asked, asked_of, reasons, traits_of, why
from knowledge_base.cases.matching import View
from knowledge_base.cases.telling import told
from tests.knowledge_base.cases.fakes import NOON, both, finding, lesson, terms


def case(**changed: Any) -> Case:
    body, facts = told(lesson(**changed))
    return Case(
        id="a1",
        incident="a1",
        state="draft",
        version=1,
        body=body,
        facts=facts,
        made_by="firstmate",
        made_at=NOON,
        changed_at=NOON,
    )


def test_a_case_is_compared_by_alert_component_labels_logs_and_words_of_both_languages() -> None:
    traits = traits_of(case(), terms)
    assert traits.alerts == {"ContainerOOM"}
    assert (traits.namespace, traits.component) == ("shop", "cart")
    assert traits.labels == {("namespace", "shop"), ("deployment", "cart")}
    assert traits.logs == {"cannot allocate * bytes"}
    assert {"memory", "limit", "内", "存"} <= traits.words.keys()


def test_what_helped_does_not_make_a_case_alike() -> None:
    """Two troubles that were ended by the same roll-back are not the same trouble."""
    assert "approved" not in traits_of(case(), terms).words


def test_log_lines_among_the_evidence_count_as_logs() -> None:
    quotes = [
        Quote(source="log", ref="Pod", quote="connection 7 refused by peer"),
        Quote(source="event", ref="x", quote="y" * 20),
    ]
    assert "connection * refused by peer" in traits_of(case(finding=finding(quotes=quotes)), terms).logs


def test_a_question_from_an_incident_has_what_is_known_of_it() -> None:
    asked = asked_of(lesson())
    assert (asked.alerts, asked.namespace, asked.component) == (["ContainerOOM"], "shop", "cart")
    assert asked.logs == ["fatal: cannot allocate 4096 bytes"]
    assert asked.text.splitlines()[:2] == ["cart was killed", "cart 被杀"]


def test_before_a_diagnosis_the_incident_is_asked_by_its_workload() -> None:
    alerts = [Sighting(name="A", labels={"pod": "cart-1"}), Sighting(name="A"), Sighting(name="B")]
    asked = asked_of(lesson(finding=None, workload="cart-n67vrzgw6l", alerts=alerts))
    assert asked.alerts == ["A", "B"]
    assert (asked.component, asked.logs, asked.text) == ("cart-n67vrzgw6l", [], "")
    assert asked.traits(terms).component == "cart"


def test_the_namespace_may_come_from_the_labels() -> None:
    assert Asked(labels={"namespace": "shop"}).traits(terms).namespace == "shop"
    assert Asked(namespace="pay", labels={"namespace": "shop"}).traits(terms).namespace == "pay"


def test_lines_count_as_words_too_because_a_name_in_them_makes_another_template() -> None:
    assert Asked(logs=["login failed for user ann"]).traits(terms).words["login"] == 1


@pytest.mark.parametrize(
    ("view", "english", "chinese"),
    [
        (View("alert", 1.0, ("A", "B")), "the same alert A, B", "同一告警 A、B"),
        (View("component", 1.0, ("shop/cart",)), "the same component shop/cart", "同一组件 shop/cart"),
        (View("component", 0.7, ("shop/cart",)), "a component of the same name, shop/cart", "同名组件 shop/cart"),
        (View("component", 0.25, ("shop",)), "the same namespace shop", "同一命名空间 shop"),
        (View("labels", 0.5, ("team=pay",)), "the same labels team=pay", "相同标签 team=pay"),
        (View("logs", 0.9, ("cannot *", "other")), "the same log line “cannot *”", "相同日志“cannot *”"),
    ],
)
def test_each_reason_is_said_in_both_languages(view: View, english: str, chinese: str) -> None:
    assert (why(view)("en"), why(view)("zh")) == (english, chinese)


@pytest.mark.parametrize(
    ("views", "said", "told"),
    [
        ([View("words", 0.5, ("catalogu", "kill"))], "Catalogue was killed", ["the same words: Catalogue, killed"]),
        ([View("words", 0.1, ("kill",))], "killed", []),
        ([View("words", 0.5, ("内存",))], "因内存被杀", ["the same words: 内存"]),
        ([View("words", 0.5, ("gone",))], "nothing of it", []),
        ([View("logs", 0.5, ("line *",)), View("words", 0.9, ("line",))], "line", ["the same log line “line *”"]),
        ([View("labels", 0.3, ())], "", []),
    ],
)
def test_words_are_told_as_the_case_has_them_and_only_where_they_say_something(
    views: list[View], said: str, told: list[str]
) -> None:
    assert reasons(views, said, "en") == told


def test_a_case_of_nothing_can_be_compared() -> None:
    bare = case(finding=None, alerts=[], namespace="", workload="", title=both(""))
    traits = traits_of(bare, terms)
    assert (traits.alerts, traits.component, traits.labels, traits.logs) == (frozenset(), "", frozenset(), frozenset())
    assert traits_of(bare.model_copy(update={"facts": bare.facts.model_copy(update={"component": Component()})}), terms)
