"""Templates: the same for what differs in numbers and ids only, the same every time, and never more than there is room for."""

import random

from hypothesis import given
from hypothesis import strategies as st

from tools.engines.logs.digest import MAX_SAIDS, TAIL, digest
from tools.engines.logs.miner import MAX_TEMPLATES, Miner, mask, outline

WORD = st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=9)
NUMBER = st.integers(0, 10**12)
TEXT = st.text(max_size=400)


def templates(*lines: str) -> list[str]:
    miner = Miner()
    for line in lines:
        miner.cluster(line).take(line, "")
    return sorted(one.template for one in miner.clusters())


@given(st.lists(WORD, min_size=1, max_size=8), NUMBER, NUMBER)
def test_lines_that_differ_in_a_number_have_one_template(words: list[str], one: int, other: int) -> None:
    line = " ".join(words)
    assert len(templates(f"{line} {one}", f"{line} {other}")) == 1
    assert outline(f"{line} {one}") == outline(f"{line} {other}")


@given(st.lists(WORD, min_size=1, max_size=8), st.uuids(), st.uuids())
def test_lines_that_differ_in_an_id_have_one_template(words: list[str], one: object, other: object) -> None:
    line = " ".join(words)
    assert mask(f"{line} {one} end") == mask(f"{line} {other} end")


@given(st.lists(TEXT, max_size=20))
def test_a_log_is_digested_the_same_every_time_whatever_it_says(lines: list[str]) -> None:
    assert digest(lines) == digest(lines)


@given(st.lists(st.binary(max_size=200), max_size=20))
def test_bytes_that_are_no_text_are_digested_too(lines: list[bytes]) -> None:
    found = digest(line.decode("utf-8", "replace") for line in lines)
    assert found.lines <= len(lines)


def test_where_one_word_of_many_differs_it_becomes_a_gap() -> None:
    lines = [f"user {name} bought a pair of shoes" for name in ("ada", "bob", "cleo")]
    assert templates(*lines) == ["user <*> bought a pair of shoes"] or len(templates(*lines)) == 3
    lines = [f"the order of {name} was sent today" for name in ("ada", "bob", "cleo")]
    assert templates(*lines) == ["the order of <*> was sent today"]


def test_short_lines_with_another_word_are_another_template() -> None:
    assert len(templates("cart opened", "cart closed")) == 2


def test_a_status_code_is_no_detail() -> None:
    assert len(templates("GET /a status=200 in 3", "GET /a status=503 in 4")) == 2
    assert outline("GET /a status=200 in 3") != outline("GET /a status=503 in 3")


def test_templates_sentences_and_last_lines_are_bounded() -> None:
    chosen = random.Random(7)
    words = ["".join(chosen.choice("abcdefgh") for _ in range(7)) for _ in range(6_000)]
    lines = [
        f"ERROR lookup {word} on 10.0.0.1:53: no such host for {' '.join(words[: place % 30])}"
        for place, word in enumerate(words)
    ]
    found = digest(lines)
    assert len(found.patterns) <= MAX_TEMPLATES
    assert len(found.saids) <= MAX_SAIDS + 1
    assert len(found.tail) <= TAIL
    assert sum(one.count for one in found.saids) == len(lines)


def test_trouble_is_kept_where_there_is_no_room_for_everything() -> None:
    words = [f"{'abcdefghij'[place % 10] * (place // 10 + 1)}" for place in range(4_000)]
    found = digest(["ERROR the ship is sinking", *words])
    assert "ERROR the ship is sinking" in {one.template for one in found.patterns}
