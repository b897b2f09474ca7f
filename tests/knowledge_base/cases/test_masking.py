"""What stays the same of a log line and of labels when a trouble comes again."""

import pytest

from knowledge_base.cases.masking import lasting, template, templates, workload


@pytest.mark.parametrize(
    ("once", "again"),
    [
        ("dial tcp 10.0.3.7:5432: connect: connection refused", "dial tcp 10.9.8.1:6543: connect: connection refused"),
        (
            "2026-05-12T10:00:01Z ERROR order 4711 failed after 30s",
            "2026-06-01 09:30:00 error: order 9 failed after 2s",
        ),
        ('user "ann" not found in shard-3', "user 'bob' not found in shard-77"),
        ("request 3f2a-99 took 812 ms", "Request 0b7c-11 took 4 ms"),
        ("dial tcp 10.0.3.7:5432: connect: refused", "dial tcp <ip>: connect: refused"),
    ],
)
def test_a_line_and_its_next_occurrence_are_one_template(once: str, again: str) -> None:
    assert template(once) == template(again)


def test_lines_that_say_something_else_stay_apart() -> None:
    assert template("connection refused") != template("connection reset by peer")


def test_what_a_line_of_numbers_leaves_is_no_template() -> None:
    assert templates(["12 34 56", "a1 b2", "cannot allocate 5 bytes"]) == {"cannot allocate * bytes"}


def test_a_huge_line_is_cut_before_it_is_read() -> None:
    assert len(template("x" * 1_000_000)) <= 240


def test_labels_that_are_made_anew_do_not_count() -> None:
    labels = {"pod": "cart-7d9f", "instance": "10.0.0.1:80", "namespace": "shop", "deployment": "cart", "zone": ""}
    assert lasting(labels) == {("namespace", "shop"), ("deployment", "cart")}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("cart-n67vrzgw6l", "cart"),
        ("cart-api", "cart-api"),
        ("cart", "cart"),
        ("mysql-0", "mysql-0"),
        ("a-backends", "a-backends"),
    ],
)
def test_a_replicaset_is_its_deployment(written: str, meant: str) -> None:
    assert workload(written) == meant
