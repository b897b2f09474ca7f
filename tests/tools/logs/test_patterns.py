"""Logs as patterns: what varies is masked, what belongs together stays together, trouble comes first."""

from datetime import UTC, datetime

import pytest

from tools.engines.logs.patterns import entries, level, mask, patterns, rarest


def test_lines_that_differ_in_numbers_and_ids_are_one_pattern() -> None:
    text = "\n".join(
        f"served request {number} from 10.0.0.{number}:4312 in {number}.5 ms id=9f86d081884c{number:04x}"
        for number in range(40)
    )
    found = patterns(entries(text))
    assert [(one.template, one.count) for one in found] == [("served request <n> from <addr> in <n> ms id=<id>", 40)]


@pytest.mark.parametrize(
    ("line", "template"),
    [
        ("2026-03-02T09:00:00.123Z ready", "<time> ready"),
        ("09:00:00,5 ready", "<time> ready"),
        ("user 550e8400-e29b-41d4-a716-446655440000 left", "user <id> left"),
        ("at 0x7ffe12 in web-7d4b9c6f5d-x2x4z", "at <id> in <pod>"),
        ("took 12,5 of -3 v2 e2e", "took <n> of <n> v2 e2e"),
        ("GET /cart/17 status=503 in 20", "GET /cart/<n> status=503 in <n>"),
        ('{"status":404,"size":912}', '{"status":404,"size":<n>}'),
        ("exit code 137 after 9 s", "exit code 137 after <n> s"),
    ],
)
def test_what_varies_is_masked_and_a_status_is_not(line: str, template: str) -> None:
    assert mask(line) == template


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("panic: runtime error: index out of range", "fatal"),
        ("E0302 09:00:00.1 reflector.go:1] Failed to watch", "error"),
        ("dial tcp 10.0.0.1:80: connect: connection refused", "error"),
        ("java.lang.NullPointerException", "error"),
        ('10.0.0.1 "GET / HTTP/1.1" 503 12', "error"),
        ('{"level":"warn","msg":"memory is tight"}', "warning"),
        ("8 [Warning] [MY-010055] IP address could not be resolved: Name or service not known", "warning"),
        ("level=info msg=done error=0 failed=0", "info"),
        ('{"level":"info","msg":"0 errors"}', "info"),
        ("INFO  retry policy: 3 retries", "info"),
        ("listening on :8080", "info"),
    ],
)
def test_a_line_looks_as_bad_as_its_own_level_says_or_else_its_words(line: str, expected: str) -> None:
    assert level(line) == expected


def test_a_stack_trace_is_one_entry() -> None:
    text = """starting
Traceback (most recent call last):
  File "app.py", line 3, in main
    connect()
ConnectionError: no route
java.lang.IllegalStateException: closed
\tat com.example.Pool.get(Pool.java:12)
Caused by: java.io.IOException: pipe
\t... 12 more
done"""
    said = [entry.text.partition("\n")[0] for entry in entries(text)]
    assert said == ["starting", "java.lang.IllegalStateException: closed", "done"]
    assert "ConnectionError: no route" in entries(text)[0].text
    assert "Caused by" in entries(text)[1].text


def test_times_are_taken_from_the_front_of_a_line_nanoseconds_and_all() -> None:
    said = entries("2026-03-02T09:00:01.123456789Z first\n2026-03-02T09:00:02Z second\nno time")
    assert said[0].at == datetime(2026, 3, 2, 9, 0, 1, 123456, tzinfo=UTC)
    assert (said[0].text, said[1].text) == ("first", "second")
    assert said[2].at is None


def test_a_pattern_knows_when_it_was_first_and_last_said_and_by_whom() -> None:
    said = entries("2026-03-02T09:00:01Z slow 1\n2026-03-02T09:05:00Z slow 2", "web-0") + entries("slow 3", "web-1")
    only = patterns(said)[0]
    assert only.first == datetime(2026, 3, 2, 9, 0, 1, tzinfo=UTC)
    assert only.last == datetime(2026, 3, 2, 9, 5, tzinfo=UTC)
    assert (only.count, only.where) == (3, {"web-0", "web-1"})


def test_trouble_comes_first_the_frequent_before_the_rare_and_of_the_harmless_the_rare() -> None:
    text = "all is well\n" * 50 + "started once\n" + "error: a\n" + "error: b b\n" * 9 + "warn: hm\n"
    assert [one.template for one in patterns(entries(text))] == [
        "error: b b",
        "error: a",
        "warn: hm",
        "started once",
        "all is well",
    ]


def test_the_rarest_lines_are_harmless_ones_that_hardly_occur() -> None:
    said = entries("all is well\n" * 100 + "started once\n" + "error: a\n")
    assert list(rarest(said, patterns(said), 3)) == ["started once"]


def test_a_line_without_end_is_cut_and_patterns_are_bounded() -> None:
    assert len(entries("x" * 100_000)[0].text) == 2_000
    words = "\n".join("word" + "abcdefghij"[number % 10] * (number // 10 + 1) for number in range(2_500))
    assert 1_000 <= len(patterns(entries(words))) <= 2_000
