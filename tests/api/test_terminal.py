from typing import cast

import pytest

from api.client import Client
from api.console.words import WORDS
from api.terminal import _Talk, read_arguments
from core.errors import Invalid


def test_arguments_are_read_as_what_they_look_like() -> None:
    words = [
        "--namespace",
        "shop",
        "--limit",
        "20",
        "--previous",
        "--expr",
        'rate(http_requests_total{code=~"5.."}[5m])',
        "--kinds=[Pod, Node]",
    ]
    assert read_arguments(words) == {
        "namespace": "shop",
        "limit": 20,
        "previous": True,
        "expr": 'rate(http_requests_total{code=~"5.."}[5m])',
        "kinds": ["Pod", "Node"],
    }


def test_dashes_in_names_are_the_underscores_of_the_schema() -> None:
    assert read_arguments(["--since-seconds", "60"]) == {"since_seconds": 60}


def test_a_word_out_of_place_is_named() -> None:
    with pytest.raises(Invalid, match="shop"):
        read_arguments(["shop"])


def test_names_that_look_like_dates_or_nothing_stay_text() -> None:
    assert read_arguments(["--name", "2026-03-02", "--other", "null"]) == {"name": "2026-03-02", "other": "null"}


@pytest.mark.parametrize("word", WORDS)
def test_every_word_of_the_console_exists_in_both_languages(word: str) -> None:
    text = WORDS[word]
    assert text.en.strip()
    assert text.zh.strip()
    assert _fields(text.en) == _fields(text.zh)


def _fields(text: str) -> set[str]:
    return {part.split("}")[0] for part in text.split("{")[1:]}


def test_evidence_that_the_citations_name_already_is_not_listed_again(capsys: pytest.CaptureFixture[str]) -> None:
    talk = _Talk(cast("Client", None), "en", as_json=False, refuse=True)
    citation = {"number": 1, "evidence": "e2", "title": "OOM", "heading": "Repair", "path": "oom.md"}
    found = [{"id": each, "source": "here", "ref": "", "quote": each * 3} for each in ("e2", "e3")]
    talk.show(
        {
            "type": "answer",
            "run_id": "r",
            "seq": 1,
            "data": {"citations": [citation], "statements": [{"evidence": ["e2", "e3"]}], "evidence": found},
        }
    )
    printed = capsys.readouterr().out
    assert "[1] OOM > Repair" in printed
    assert "[e2]" not in printed
    assert "[e3]" in printed
