"""What holds of every comparison, whatever is compared."""

from hypothesis import given, settings
from hypothesis import strategies as some

from knowledge_base.cases.masking import lasting, template, templates, workload
from knowledge_base.cases.matching import FLOOR, Corpus, Known, Traits, standing

NAMES = some.sampled_from(["", "a", "b", "c"])
TRAITS = some.builds(
    Traits,
    alerts=some.frozensets(some.sampled_from(["A", "B", "C"]), max_size=2),
    namespace=NAMES,
    component=NAMES,
    labels=some.frozensets(some.tuples(some.sampled_from("xyz"), some.sampled_from("12")), max_size=3),
    logs=some.frozensets(some.sampled_from(["one *", "two *", "three *"]), max_size=2),
    words=some.dictionaries(some.sampled_from(["slow", "disk", "full", "~oom", "中"]), some.integers(1, 5), max_size=4),
)
CORPORA = some.lists(TRAITS, max_size=8).map(
    lambda all_of_them: [Known(f"k{number}", each) for number, each in enumerate(all_of_them)]
)


@settings(deadline=None)
@given(CORPORA, TRAITS)
def test_scores_and_views_are_shares_and_the_likest_comes_first(cases: list[Known], asked: Traits) -> None:
    found = Corpus(cases).similar(asked, 10)
    assert all(FLOOR <= like.score <= 1 for like in found)
    assert all(0 < view.value <= 1 + 1e-9 for like in found for view in like.views)
    assert [like.score for like in found] == sorted((like.score for like in found), reverse=True)
    assert {view.name for like in found for view in like.views} <= asked.asked()


@settings(deadline=None)
@given(CORPORA, TRAITS, some.randoms(use_true_random=False))
def test_the_order_in_which_cases_were_written_does_not_matter(cases: list[Known], asked: Traits, dice: object) -> None:
    mixed = list(cases)
    dice.shuffle(mixed)  # type: ignore[attr-defined]
    assert Corpus(mixed).similar(asked, 10) == Corpus(cases).similar(asked, 10)


@settings(deadline=None)
@given(CORPORA, TRAITS)
def test_a_case_is_never_less_like_itself_than_another_is(cases: list[Known], asked: Traits) -> None:
    own = Known("own", asked)
    found = Corpus([*cases, own]).similar(asked, 20)
    mine = next((like.score for like in found if like.id == "own"), None)
    assert mine is None or all(like.score <= mine + 1e-4 for like in found)


@given(some.floats(1, 5), some.integers(0, 10_000), some.booleans())
def test_standing_is_bounded_and_grows_with_the_stars(stars: float, count: int, confirmed: bool) -> None:
    value = standing(stars, count, confirmed=confirmed)
    assert -0.5 <= value <= 1
    assert value <= standing(5, count, confirmed=confirmed)


@given(some.text(max_size=300))
def test_a_template_is_its_own_template(line: str) -> None:
    once = template(line)
    assert template(once) == once or len(once) >= 239


@given(some.text(alphabet="ab -7.:", max_size=60), some.integers(0, 9))
def test_another_digit_makes_no_other_template(line: str, digit: int) -> None:
    assert template(line) == template(line.replace("7", str(digit)))


@given(some.dictionaries(some.text(max_size=10), some.text(max_size=10), max_size=5), some.text(max_size=40))
def test_anything_can_be_masked(labels: dict[str, str], text: str) -> None:
    assert lasting(labels) <= set(labels.items())
    assert text.startswith(workload(text))
    assert all(len(each) >= 8 for each in templates([text]))
