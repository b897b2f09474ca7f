"""The Prometheus client against a real server on loopback that behaves, and one that does not."""

import asyncio
import math
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core.clock import SystemClock
from core.errors import Invalid, NotConfigured, Upstream
from tests.tools.loopback import DROP, HANG, Answer, Heard, Loopback, Say
from tools.clients.prometheus import Prometheus

NINE = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
Talk = Callable[..., AbstractAsyncContextManager[tuple[Prometheus, Loopback]]]


@pytest.fixture
def talk() -> Talk:
    @asynccontextmanager
    async def start(
        said: Say | Answer, seconds: float = 5.0, path: str = ""
    ) -> AsyncIterator[tuple[Prometheus, Loopback]]:
        answer: Answer = (lambda _heard: said) if isinstance(said, Say) else said
        async with Loopback(answer) as server:
            prometheus = Prometheus(server.url + path, "s3cret", timeout=seconds, clock=SystemClock())
            try:
                yield prometheus, server
            finally:
                await prometheus.close()

    return start


def success(result: Any, kind: str = "vector", **more: Any) -> Say:
    return Say(body={"status": "success", "data": {"resultType": kind, "result": result}, **more})


def one(value: str, **labels: str) -> dict[str, Any]:
    return {"metric": labels, "value": [NINE.timestamp(), value]}


async def test_an_instant_query_gives_samples_with_their_labels_and_time(talk: Talk) -> None:
    async with talk(
        success([one("1", job="node"), one("NaN", job="api"), one("+Inf", job="x")]), path="/prometheus/"
    ) as (
        prometheus,
        server,
    ):
        samples = await prometheus.query("up", NINE)
    assert [sample.labels for sample in samples] == [{"job": "node"}, {"job": "api"}, {"job": "x"}]
    assert samples[0].value == 1.0
    assert samples[0].at == NINE
    assert math.isnan(samples[1].value)
    assert samples[2].value == math.inf
    heard = server.heard[0]
    assert heard.path == "/prometheus/api/v1/query"
    assert (heard.query["query"], heard.query["time"]) == ("up", "1772442000.000")
    assert heard.headers["authorization"] == "Bearer s3cret"


async def test_without_a_time_the_server_decides_what_now_is(talk: Talk) -> None:
    async with talk(success([])) as (prometheus, server):
        assert await prometheus.query("up") == []
    assert "time" not in server.heard[0].query


async def test_a_scalar_is_one_sample_without_labels(talk: Talk) -> None:
    async with talk(success([NINE.timestamp(), "42"], "scalar")) as (prometheus, _):
        samples = await prometheus.query("scalar(x)")
    assert [(sample.labels, sample.value) for sample in samples] == [({}, 42.0)]


async def test_a_range_where_an_instant_was_asked_is_refused(talk: Talk) -> None:
    async with talk(success([{"metric": {}, "values": [[1, "1"]]}], "matrix")) as (prometheus, _):
        with pytest.raises(Invalid, match="range") as caught:
            await prometheus.query("up[5m]")
    assert caught.value.details["field"] == "expr"


async def test_a_range_query_gives_points(talk: Talk) -> None:
    series = [{"metric": {"job": "api"}, "values": [[1772442000, "1"], [1772442015, "2.5"]]}]
    async with talk(success(series, "matrix")) as (prometheus, server):
        found = await prometheus.query_range("up", NINE, NINE + timedelta(minutes=5), 15)
    assert found[0].points == [(1772442000.0, 1.0), (1772442015.0, 2.5)]
    query = server.heard[0].query
    assert (query["start"], query["end"], query["step"]) == ("1772442000", "1772442300", "15")


@pytest.mark.parametrize(("minutes", "step", "field"), [(-1, 15, "end"), (5, 0, "step"), (60 * 24 * 30, 1, "step")])
async def test_an_impossible_range_never_leaves_the_process(talk: Talk, minutes: int, step: float, field: str) -> None:
    async with talk(success([])) as (prometheus, server):
        with pytest.raises(Invalid) as caught:
            await prometheus.query_range("up", NINE, NINE + timedelta(minutes=minutes), step)
    assert caught.value.details["field"] == field
    assert not server.heard


@pytest.mark.parametrize("expr", ["", "  ", "x" * 10_001])
async def test_an_empty_or_endless_expression_never_leaves_the_process(talk: Talk, expr: str) -> None:
    async with talk(success([])) as (prometheus, server):
        with pytest.raises(Invalid):
            await prometheus.query(expr)
    assert not server.heard


@pytest.mark.parametrize(
    ("code", "kind", "said"),
    [
        (400, "bad_data", 'invalid parameter "query": 1:5: parse error: unclosed left parenthesis'),
        (422, "execution", "multiple matches for labels: many-to-one matching must be explicit"),
    ],
)
async def test_an_expression_that_is_refused_is_the_callers_fault_in_prometheus_own_words(
    talk: Talk, code: int, kind: str, said: str
) -> None:
    async with talk(Say(code, {"status": "error", "errorType": kind, "error": said})) as (prometheus, _):
        with pytest.raises(Invalid) as caught:
            await prometheus.query("sum(")
    assert said in caught.value.sentence
    assert caught.value.details["field"] == "expr"


@pytest.mark.parametrize(
    ("said", "words", "retryable"),
    [
        (
            Say(503, {"status": "error", "errorType": "timeout", "error": "query timed out"}),
            "503: query timed out",
            True,
        ),
        (Say(500, b"oops"), "answered 500: oops", True),
        (Say(429, b"slow down"), "answered 429", True),
        (Say(401, b""), "PROMETHEUS_TOKEN", False),
        (Say(403, b""), "PROMETHEUS_TOKEN", False),
        (Say(404, b"404 page not found"), "check PROMETHEUS_URL", False),
        (Say(302, b"", {"Location": "http://login.example/"}), "sends on to http://login.example/", False),
        (Say(200, b"<html>welcome</html>"), "not JSON", True),
        (Say(200, {"status": "success"}), "not a Prometheus answer", True),
        (Say(200, [1]), "not a Prometheus answer", True),
        (success([{"metric": {}}]), "not a Prometheus answer", True),
        (success([one("a word")]), "not a Prometheus answer", True),
        (DROP, "Prometheus (could not be reached|broke off)", True),
        (Say(200, b"{}", {"Content-Length": "50"}), "did not answer within", True),
    ],
)
async def test_a_server_in_trouble_is_named_with_what_it_said(
    talk: Talk, said: Say, words: str, retryable: bool
) -> None:
    # A short timeout, for the body that promises more than it sends and then falls silent.
    async with talk(said, seconds=0.3) as (prometheus, server):
        with pytest.raises(Upstream, match=words) as caught:
            await prometheus.query("up")
    assert caught.value.retryable is retryable
    assert len(server.heard) == 1, "the client itself must not try again"


async def test_a_server_that_refuses_the_connection_is_named() -> None:
    prometheus = Prometheus("http://127.0.0.1:1", clock=SystemClock())
    with pytest.raises(Upstream, match=r"Prometheus could not be reached: .*refused") as caught:
        await prometheus.query("up")
    assert caught.value.retryable
    assert "0x" not in caught.value.sentence
    await prometheus.close()


@pytest.mark.parametrize("url", ["ftp://somewhere", "not a url", "http://"])
async def test_an_address_that_cannot_be_asked_is_a_setting_that_is_wrong(url: str) -> None:
    prometheus = Prometheus(url, clock=SystemClock())
    with pytest.raises(NotConfigured, match="PROMETHEUS_URL"):
        await prometheus.query("up")
    await prometheus.close()


async def test_a_server_that_hangs_is_given_up_at_the_timeout(talk: Talk) -> None:
    async with talk(HANG, seconds=0.1) as (prometheus, _):
        with pytest.raises(Upstream, match=r"did not answer within 0\.1 s"):
            await prometheus.query("up")


async def test_a_server_that_sends_a_byte_now_and_then_is_given_up_too(talk: Talk) -> None:
    slow = success([one("1", job="x" * 200)])
    async with talk(Say(body=slow.body, drip=0.02), seconds=0.1) as (prometheus, _):
        with pytest.raises(Upstream, match="did not answer within"):
            await prometheus.query("up")


async def test_the_loop_goes_on_while_prometheus_hangs(talk: Talk) -> None:
    async with talk(HANG, seconds=0.2) as (prometheus, _):
        asked = [asyncio.ensure_future(prometheus.query("up")) for _ in range(30)]
        turns = 0
        while not all(task.done() for task in asked) and turns < 1_000:
            await asyncio.sleep(0.005)
            turns += 1
        assert turns > 20
        assert all(isinstance(task.exception(), Upstream) for task in asked)


async def test_connections_are_shared_and_used_again(talk: Talk) -> None:
    async with talk(success([])) as (prometheus, server):
        for _ in range(5):
            await prometheus.query("up")
        assert server.connections == 1
        await asyncio.gather(*(prometheus.query("up") for _ in range(40)))
        assert server.connections <= 8


async def test_an_answer_beyond_its_bound_is_refused(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.clients.promwire.MAX_BODY", 1_000)
    async with talk(success([one("1", job="x" * 2_000)])) as (prometheus, _):
        with pytest.raises(Upstream, match="more than 1000 bytes; ask for less") as caught:
            await prometheus.query("up")
    assert not caught.value.retryable


async def test_what_the_server_warned_about_travels_with_the_answer(talk: Talk) -> None:
    async with talk(success([one("1")], warnings=["store gateway 2 did not answer"])) as (prometheus, _):
        warned = await prometheus.query("up")
    assert warned.warnings == ["store gateway 2 did not answer"]


async def test_names_can_be_narrowed_by_a_selector(talk: Talk) -> None:
    async with talk(Say(body={"status": "success", "data": ["up", "upper"]})) as (prometheus, server):
        assert await prometheus.names('{__name__=~"up.*"}') == ["up", "upper"]
    assert server.heard[0].path == "/api/v1/label/__name__/values"
    assert server.heard[0].query["match[]"] == '{__name__=~"up.*"}'


async def test_metadata_says_what_a_metric_is(talk: Talk) -> None:
    data = {"up": [{"type": "gauge", "help": "1 when scraped.", "unit": ""}]}
    async with talk(Say(body={"status": "success", "data": data})) as (prometheus, _):
        known = await prometheus.metadata()
    assert (known["up"].type, known["up"].help) == ("gauge", "1 when scraped.")


async def test_ready_is_the_version_of_a_server_that_answers_queries(talk: Talk) -> None:
    def answer(heard: Heard) -> Say:
        about = heard.path == "/api/v1/status/buildinfo"
        return Say(body={"status": "success", "data": {"version": "2.42.0"}}) if about else success([one("1")])

    async with talk(answer) as (prometheus, _):
        assert await prometheus.ready() == "2.42.0"


async def test_a_server_without_a_page_about_itself_is_ready_all_the_same(talk: Talk) -> None:
    async with talk(lambda heard: Say(404, b"") if "status" in heard.path else success([one("1")])) as (prometheus, _):
        assert await prometheus.ready() == "unknown"


async def test_without_an_address_the_setting_is_named() -> None:
    prometheus = Prometheus("", clock=SystemClock())
    assert not prometheus.configured
    with pytest.raises(NotConfigured, match="Prometheus is not configured: set PROMETHEUS_URL"):
        await prometheus.query("up")
    await prometheus.close()


def test_the_address_is_shown_without_its_password() -> None:
    assert Prometheus("https://me:pw@host:9090/prom/", clock=SystemClock()).url == "https://host:9090/prom"


def test_neither_library_is_imported_before_it_is_needed() -> None:
    heavy = ("kubernetes", "aiohttp", "requests", "numpy", "pandas", "promql_parser")
    asks = f"import sys, tools.catalog; print([name for name in {heavy} if name in sys.modules])"
    said = subprocess.run([sys.executable, "-c", asks], capture_output=True, text=True, timeout=30, check=True)
    assert said.stdout.strip() == "[]"
