"""A claim is known where it occurs, rounded or as a ratio, and unsupported in every other case."""

import pytest

from tests.evaluation.claims import known, unsupported

READ = known("Pod town/baker-7f restarted 4 times, 0.874 of 96.26 Mi; image oven:2.1")
OWN = frozenset(["the", "pod", "of", "restarted", "times", "has", "and", "is", "full"])


@pytest.mark.parametrize(
    "sentence",
    [
        "The pod baker restarted 4 times.",
        "The oven of town is 87% full.",
        "The pod has 96.3 Mi.",
        "The pod has 96 Mi.",
        "town/baker-7f has oven:2.1",
        "Pod baker 重启了 4 次",
    ],
)
def test_what_was_read_may_be_said(sentence: str) -> None:
    assert unsupported(sentence, READ, OWN) == []


@pytest.mark.parametrize(
    ("sentence", "wrong"),
    [
        ("The pod restarted 5 times.", ["5"]),
        ("The pod miller restarted 4 times.", ["miller"]),
        ("The pod is 12% full.", ["12%"]),
        ("The pod has 96.2 Mi.", ["96.2"]),
        ("The pod has 96.4 Mi.", ["96.4"]),
        ("Pod bakery 重启了 9 次", ["bakery", "9"]),
        ("The pod of miller and miller", ["miller"]),
    ],
)
def test_what_was_not_read_is_named_once(sentence: str, wrong: list[str]) -> None:
    assert unsupported(sentence, READ, OWN) == wrong


def test_half_a_name_is_no_name() -> None:
    assert unsupported("The pod aker has 4", READ, OWN) == ["aker"]
