from typing import Any

import pytest

from agent.answer import Read, check, everything_read, marks_in, sources_of

READ = Read(
    {"e1": "pod ledger-5d8f-x2x9q restarted 7 times, ratio 0.874", "e2": "Prometheus refused the connection"},
    "why is cart-api slow?",
)


def checked(text: str) -> dict[str, Any]:
    return check(text, READ, "en")


def test_a_sentence_becomes_a_statement_with_the_evidence_it_names() -> None:
    found = checked("ledger-5d8f-x2x9q restarted 7 times [e1]. Prometheus refused the connection. [e2]")
    assert found["unsupported"] == []
    assert [statement["evidence"] for statement in found["statements"]] == [["e1"], ["e2"]]
    assert "[e1]" not in found["statements"][0]["text"]


def test_marks_at_the_end_of_a_line_count_for_its_earlier_sentences() -> None:
    found = checked("It restarted 7 times. Prometheus refused the connection. [e2]")
    assert [statement["evidence"] for statement in found["statements"]] == [["e2"], ["e2"]]


@pytest.mark.parametrize(
    "text",
    [
        "It restarted 12 times [e1].",
        "The pod other-7f is fine [e1].",
        "`gateway` is broken.",
        "Deployment gateway is gone.",
        "ImagePullBackOff was seen [e1].",
    ],
)
def test_a_number_or_name_that_was_never_read_is_marked_and_no_statement(text: str) -> None:
    found = checked(text)
    assert found["statements"] == []
    assert len(found["unsupported"]) == 1
    assert "⚠ (no evidence)" in found["text"]


@pytest.mark.parametrize(
    "text",
    ["The ratio is 87% [e1].", "The ratio is 0.87 [e1].", "1. It restarted 7 times [e1].", "cart-api was asked about."],
)
def test_percentages_rounding_list_numbers_and_names_from_the_question_are_allowed(text: str) -> None:
    assert checked(text)["unsupported"] == []


def test_a_number_in_the_question_is_no_evidence() -> None:
    read = Read({"e1": "pods"}, "does it have 5 restarts?")
    assert check("Yes, it has 5 restarts [e1].", read, "zh")["text"].endswith("（⚠ 无证据）")


def test_an_uncited_claim_that_was_read_gets_the_evidence_that_holds_it() -> None:
    assert checked("ledger-5d8f-x2x9q is the one.")["statements"] == [
        {"text": "ledger-5d8f-x2x9q is the one.", "evidence": ["e1"]}
    ]


def test_prose_without_claims_and_marks_is_no_statement() -> None:
    found = checked("Here is what I found:")
    assert (found["statements"], found["unsupported"]) == ([], [])


def test_evidence_ids_that_do_not_exist_do_not_count() -> None:
    assert checked("It restarted 7 times [e99].")["statements"][0]["evidence"] == ["e1"]


def test_a_namespaced_name_is_known_by_its_parts() -> None:
    read = Read({"e1": '{"name": "ledger", "namespace": "orders"}'}, "")
    assert check("orders/ledger [e1]", read, "en")["unsupported"] == []
    assert check("quiet/ledger [e1]", read, "en")["unsupported"] != []


def test_chinese_sentences_are_taken_apart_and_put_together_again() -> None:
    text = "重启了 7 次。Prometheus refused the connection。[e1]"
    found = checked(text)
    assert found["text"] == text
    assert len(found["statements"]) == 2


def test_what_a_step_returned_counts_as_read_under_its_evidence() -> None:
    step: Any = {
        "evidence": ["e1"],
        "arguments": {},
        "summary": "",
        "data": {"replicas": 3},
        "missing": [],
        "error": "",
        "source": [],
    }
    evidence: Any = [{"id": "e1", "source": "kubernetes", "ref": "x", "quote": "", "at": ""}]
    assert everything_read(evidence, [step], "").has_number("3", percent=False)


def test_sources_are_told_once() -> None:
    source = {"system": "kubernetes", "query": "GET pods"}
    steps: Any = [{"source": [source]}, {"source": [source]}]
    assert sources_of(steps) == [source]
    assert marks_in("a [e1, e2] b [e3]") == {"e1", "e2", "e3"}
