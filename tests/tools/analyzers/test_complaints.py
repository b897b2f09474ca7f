"""Calls that a log says fail are a symptom where they go on failing, and none where they fail now and then."""

import pytest

from tests.tools.analyzers.stores import log_of, running
from tests.tools.objects import NS, deployment, pod, replica_set
from tests.tools.objects import snapshot as snapshot_of
from tools.engines.analyzers.complaints import calls_that_a_log_says_fail
from tools.engines.graph import Graph
from tools.engines.snapshot import LogKey

REFUSED = "ERROR dial tcp 10.0.0.9:5432: connect: connection refused"


def complaints(*lines: str) -> int:
    owner = deployment("baker")
    new = replica_set(owner, 1)
    said = {LogKey(NS, "baker-rs1-bcdfg", "app"): "\n".join(lines)}
    snapshot = snapshot_of(owner, new, pod(new, "bcdfg"), logs=said)
    return len(list(calls_that_a_log_says_fail(snapshot, Graph(snapshot))))


def test_calls_that_keep_failing_are_a_symptom() -> None:
    assert complaints(*["INFO served a request", REFUSED] * 10) == 1


def test_a_program_that_says_little_else_is_believed_at_once() -> None:
    assert complaints("INFO starting", REFUSED) == 1


def test_a_call_that_fails_now_and_then_among_hundreds_is_none() -> None:
    assert complaints(*["INFO served a request"] * 150, REFUSED, "INFO served a request") == 0


def test_calls_that_have_begun_to_fail_after_long_good_work_are_a_symptom() -> None:
    assert complaints(*["INFO served a request"] * 500, *[REFUSED, "INFO served a request"] * 10) == 1


def test_failures_spread_thinly_over_a_long_log_are_none() -> None:
    assert complaints(*[REFUSED, *["INFO served a request"] * 99] * 10) == 0


def said_by(image: str, line: str) -> int:
    snapshot = snapshot_of(*running("till", image), logs=log_of("till", *[line] * 6))
    return len(list(calls_that_a_log_says_fail(snapshot, Graph(snapshot))))


@pytest.mark.parametrize(
    ("image", "line"),
    [
        ("mysql:8.0", "[Note] [MY-010926] [Server] Access denied for user 'root'@'10.9.0.4' (using password: NO)"),
        ("mysql:8.0", "[Warning] Aborted connection 12 to db: 'app' (Got timeout reading communication packets)"),
        ("postgres:16", "LOG:  could not receive data from client: Connection reset by peer"),
    ],
)
def test_what_a_store_says_of_those_who_call_it_is_no_failed_call_of_its_own(image: str, line: str) -> None:
    assert said_by(image, line) == 0


def test_a_store_that_cannot_reach_its_peer_does_call_in_vain() -> None:
    assert said_by("postgres:16", "FATAL: dial tcp ledger-0.ledger:5432: connect: connection refused") == 1


def test_the_same_refusal_is_a_failed_call_of_a_client() -> None:
    assert said_by("reg.example/till:1", "ERROR Access denied for user 'till'@'10.9.0.4' (using password: YES)") == 1
