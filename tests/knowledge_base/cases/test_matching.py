"""Which past case is like what is asked about, and why."""

from collections import Counter

import pytest

from knowledge_base.cases.matching import REACH, Corpus, Known, Traits, standing


def traits(
    alert: str = "", component: str = "", namespace: str = "", words: str = "", logs: str = "", **labels: str
) -> Traits:
    return Traits(
        alerts=frozenset([alert] if alert else []),
        namespace=namespace,
        component=component,
        labels=frozenset(labels.items()),
        logs=frozenset([logs] if logs else []),
        words=Counter(words.split()),
    )


def known(name: str, one: Traits, liked: float = 0.0) -> Known:
    return Known(name, one, liked)


OTHERS = [
    known(f"other{n}", traits(alert=f"Alert{n}", namespace="shop", words=f"word{n} pod is slow")) for n in range(8)
]


def first(corpus: list[Known], asked: Traits) -> str:
    found = Corpus([*corpus, *OTHERS]).similar(asked, 5)
    return found[0].id if found else ""


@pytest.mark.parametrize(
    ("case", "asked"),
    [
        (traits(alert="DiskFull"), traits(alert="DiskFull")),
        (traits(component="cart", namespace="shop"), traits(component="cart", namespace="shop")),
        (traits(logs="cannot allocate * bytes"), traits(logs="cannot allocate * bytes")),
        (traits(words="certificate expired yesterday"), traits(words="the certificate expired")),
        (traits(team="pay", deployment="api"), traits(team="pay", deployment="api")),
    ],
    ids=["alert", "component", "logs", "words", "labels"],
)
def test_each_view_alone_finds_its_case(case: Traits, asked: Traits) -> None:
    assert first([known("it", case)], asked) == "it"


def test_a_shared_namespace_alone_is_no_likeness() -> None:
    assert Corpus(OTHERS).similar(traits(alert="New", namespace="shop", component="cart"), 5) == []


def test_nothing_asked_finds_nothing() -> None:
    assert Corpus(OTHERS).similar(Traits(), 5) == []


def test_a_rare_alert_tells_more_than_one_that_everything_has() -> None:
    common = [known(f"c{n}", traits(alert="PodNotReady", words=f"x{n}")) for n in range(30)]
    rare = known("rare", traits(alert="EtcdNoLeader"))
    corpus = Corpus([*common, rare])
    asked = Traits(alerts=frozenset({"PodNotReady", "EtcdNoLeader"}))
    assert corpus.similar(asked, 1)[0].id == "rare"


def test_what_was_not_asked_takes_nothing_away() -> None:
    """A question of words alone is not less like a case for naming no alert."""
    case = known("it", traits(alert="DiskFull", component="db", words="volume full"))
    (found,) = Corpus([case]).similar(traits(words="volume full"), 1)
    assert found.score > 0.9


def test_it_says_why_the_heaviest_reason_first() -> None:
    case = known("it", traits(alert="A", component="cart", namespace="shop", logs="cannot allocate *", words="slow"))
    asked = traits(alert="A", component="cart", namespace="shop", logs="cannot allocate *")
    (found,) = Corpus([case, *OTHERS]).similar(asked, 1)
    assert [view.name for view in found.views] == ["logs", "alert", "component"]
    assert found.views[0].shared == ("cannot allocate *",)


def test_of_two_alike_the_one_that_people_found_helpful_comes_first() -> None:
    one = traits(alert="A", words="x y")
    liked, disliked = known("z", one, standing(5, 4, confirmed=True)), known("a", one, standing(1, 4, confirmed=False))
    assert [found.id for found in Corpus([disliked, liked]).similar(traits(alert="A"), 2)] == ["z", "a"]


def test_no_rating_puts_a_case_before_one_that_is_clearly_nearer() -> None:
    near = known("near", traits(alert="A", component="cart", namespace="shop"), standing(1, 100, confirmed=False))
    far = known("far", traits(alert="A"), standing(5, 100, confirmed=True))
    asked = traits(alert="A", component="cart", namespace="shop")
    assert [found.id for found in Corpus([far, near]).similar(asked, 2)] == ["near", "far"]


@pytest.mark.parametrize(
    ("stars", "count", "confirmed", "value"),
    [(None, 0, False, 0.0), (None, 0, True, 0.5), (3, 9, True, 0.5), (5, 2, False, 0.25), (1, 2, False, -0.25)],
)
def test_standing_grows_with_the_number_of_ratings(
    stars: float | None, count: int, confirmed: bool, value: float
) -> None:
    assert standing(stars, count, confirmed=confirmed) == pytest.approx(value)
    assert standing(5, 10_000, confirmed=True) <= 1
    assert REACH <= 0.1


def test_the_same_question_twice_has_the_same_answer_whatever_the_order_of_cases() -> None:
    cases = [known(f"k{n}", traits(alert="A", words=f"w{n} same words here")) for n in range(6)]
    asked = traits(alert="A", words="same words")
    assert Corpus(cases).similar(asked, 6) == Corpus(cases[::-1]).similar(asked, 6)


def test_a_case_can_be_left_out() -> None:
    cases = [known("own", traits(alert="A")), known("past", traits(alert="A"))]
    assert [found.id for found in Corpus(cases).similar(traits(alert="A"), 5, "own")] == ["past"]
