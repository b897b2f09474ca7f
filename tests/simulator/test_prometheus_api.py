"""Prometheus's HTTP API as the product's client and a person with curl meet it."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from simulator.prometheus_api.catalogue import MetricMetadata, Target
from simulator.prometheus_api.parameters import LARGEST_FORM
from simulator.prometheus_api.routes import routes
from simulator.promql.tsdb import Tsdb
from tests.simulator.promql_data import labels_of

ZERO_STEP = "zero or negative query resolution step widths are not accepted. Try a positive integer"
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
T = int(NOW.timestamp())


class NothingKnown:
    def metadata(self) -> Mapping[str, MetricMetadata]:
        return {}

    def targets(self) -> Sequence[Target]:
        return []


class OneTarget:
    def metadata(self) -> Mapping[str, MetricMetadata]:
        return {
            "up": MetricMetadata("gauge", "Whether the target answers."),
            "cpu_seconds_total": MetricMetadata("counter", "Time on the CPU.", "seconds"),
        }

    def targets(self) -> Sequence[Target]:
        labels = {"job": "api", "instance": "10.0.0.1:80"}
        return [Target("api", "http://10.0.0.1:80/metrics", labels, "down", NOW, "connection refused", 0.25)]


class Ticks:
    """Real time for deadlines: it passes by `step` seconds with each look."""

    def __init__(self, step: float = 0.0) -> None:
        self.now = 0.0
        self.step = step

    def __call__(self) -> float:
        self.now += self.step
        return self.now


@pytest.fixture
def tsdb() -> Tsdb:
    tsdb = Tsdb()
    for minute in range(11):
        moment = (T - 600 + minute * 60) * 1000
        tsdb.append_many(moment, [(labels_of("up", job="api"), 1.0), (labels_of("work", job="api"), minute * 60.0)])
    tsdb.append_many(T * 1000, [(labels_of("up", job="web"), 0.0)])
    return tsdb


@pytest.fixture
async def api(tsdb: Tsdb) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(tsdb) as client:
        yield client


def client_of(tsdb: Tsdb, monotonic: Ticks | None = None) -> httpx.AsyncClient:
    app = Starlette(
        routes=[Mount("/prometheus", routes=list(routes(tsdb, lambda: NOW, OneTarget(), monotonic or Ticks())))]
    )
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://simulator/prometheus")


async def data(client: httpx.AsyncClient, path: str, **params: Any) -> Any:
    response = await client.get(path, params=params)
    assert response.status_code == 200, response.text
    assert response.json()["status"] == "success"
    return response.json()["data"]


async def refusal(client: httpx.AsyncClient, path: str, **params: Any) -> tuple[int, str, str]:
    response = await client.get(path, params=params)
    answer = response.json()
    assert answer["status"] == "error"
    return response.status_code, answer["errorType"], answer["error"]


async def test_an_instant_query_is_about_now_unless_a_time_is_given(api: httpx.AsyncClient) -> None:
    assert await data(api, "/api/v1/query", query='up{job="web"}') == {
        "resultType": "vector",
        "result": [{"metric": {"__name__": "up", "job": "web"}, "value": [T, "0"]}],
    }
    earlier = await data(api, "/api/v1/query", query="work", time=T - 60.5)
    assert earlier["result"][0]["value"] == [T - 60.5, "480"]


async def test_a_query_may_come_as_a_form(api: httpx.AsyncClient) -> None:
    response = await api.post("/api/v1/query", data={"query": "sum(up)", "time": "2026-03-02T09:00:00Z"})
    assert response.json()["data"]["result"] == [{"metric": {}, "value": [T, "1"]}]


async def test_a_form_counts_before_the_address(api: httpx.AsyncClient) -> None:
    response = await api.post("/api/v1/query?query=2", data={"query": "1"})
    assert response.json()["data"]["result"] == [T, "1"]


async def test_a_range_query_answers_with_a_matrix(api: httpx.AsyncClient) -> None:
    answer = await data(api, "/api/v1/query_range", query="rate(work[5m])", start=T - 120, end=T, step="1m")
    assert answer == {
        "resultType": "matrix",
        "result": [{"metric": {"job": "api"}, "values": [[T - 120, "1"], [T - 60, "1"], [T, "1"]]}],
    }


async def test_values_are_text_and_keep_every_digit(api: httpx.AsyncClient) -> None:
    wide = await data(api, "/api/v1/query_range", query="work / 1e9", start=T - 60, end=T, step=60)
    assert wide["result"][0]["values"] == [[T - 60, "5.4e-07"], [T, "6e-07"]]
    special = await data(api, "/api/v1/query_range", query="work / 0 - 1", start=T - 600, end=T, step=300)
    assert [value for _, value in special["result"][0]["values"]] == ["NaN", "+Inf", "+Inf"]


async def test_a_wrong_query_is_told_with_its_parameter(api: httpx.AsyncClient) -> None:
    status, kind, sentence = await refusal(api, "/api/v1/query", query="sum(")
    assert (status, kind) == (400, "bad_data")
    assert sentence.startswith('invalid parameter "query": parse error: ')


async def test_a_query_that_cannot_be_answered_is_an_execution_error(api: httpx.AsyncClient) -> None:
    assert await refusal(api, "/api/v1/query", query='label_replace(up, "job", "", "job", ".*")') == (
        422,
        "execution",
        "vector cannot contain metrics with the same labelset",
    )


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"start": "soon"}, 'invalid parameter "start": cannot parse "soon" to a valid timestamp'),
        ({"end": T - 601}, 'invalid parameter "end": end timestamp must not be before start time'),
        ({"step": "often"}, 'invalid parameter "step": cannot parse "often" to a valid duration'),
        (
            {"step": "0"},
            f'invalid parameter "step": {ZERO_STEP}',
        ),
        (
            {"step": "0.01"},
            "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)",
        ),
        ({"timeout": "later"}, 'invalid parameter "timeout": cannot parse "later" to a valid duration'),
        ({"end": "1e999"}, 'invalid parameter "end": cannot parse "1e999" to a valid timestamp'),
    ],
)
async def test_wrong_parameters_are_told_in_prometheus_words(
    api: httpx.AsyncClient, changed: dict[str, Any], sentence: str
) -> None:
    right = {"query": "up", "start": T - 600, "end": T, "step": 60}
    assert await refusal(api, "/api/v1/query_range", **{**right, **changed}) == (400, "bad_data", sentence)


async def test_a_query_that_outlives_its_timeout_ends(tsdb: Tsdb) -> None:
    async with client_of(tsdb, Ticks(step=10)) as client:
        assert await refusal(client, "/api/v1/query", query="sum(up)", timeout="5s") == (
            503,
            "timeout",
            "query timed out in expression evaluation",
        )


async def test_many_queries_at_once_are_all_answered(api: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(data(api, "/api/v1/query", query=f"vector({n})") for n in range(20)))
    assert [answer["result"][0]["value"][1] for answer in answers] == [str(n) for n in range(20)]


async def test_a_form_that_is_too_large_is_refused(api: httpx.AsyncClient) -> None:
    response = await api.post("/api/v1/query", data={"query": "x" * (LARGEST_FORM + 1)})
    assert (response.status_code, response.json()["error"]) == (
        400,
        f"request body is larger than {LARGEST_FORM} bytes",
    )


async def test_series_are_found_by_selectors(api: httpx.AsyncClient) -> None:
    found = await data(api, "/api/v1/series", **{"match[]": ["up", 'work{job="api"}']})
    assert found == [
        {"__name__": "up", "job": "api"},
        {"__name__": "up", "job": "web"},
        {"__name__": "work", "job": "api"},
    ]
    early = await data(api, "/api/v1/series", **{"match[]": "up", "end": T - 300})
    assert early == [{"__name__": "up", "job": "api"}]


async def test_a_list_may_be_limited_and_says_so(api: httpx.AsyncClient) -> None:
    for path, params in (
        ("/api/v1/series", {"match[]": ["up", "work"]}),
        ("/api/v1/labels", {}),
        ("/api/v1/label/job/values", {}),
    ):
        whole = (await api.get(path, params=params)).json()
        limited = (await api.get(path, params={**params, "limit": 1})).json()
        assert limited["data"] == whole["data"][:1]
        assert limited["warnings"] == ["results truncated due to limit"]
        assert "warnings" not in whole
        assert (await api.get(path, params={**params, "limit": 0})).json() == whole
        assert (await refusal(api, path, **{**params, "limit": -1}))[2] == "limit must be non-negative"


async def test_series_need_a_selector(api: httpx.AsyncClient) -> None:
    assert (await refusal(api, "/api/v1/series"))[2] == "no match[] parameter provided"
    status, _, sentence = await refusal(api, "/api/v1/series", **{"match[]": "rate(up[5m])"})
    assert (status, sentence) == (
        400,
        "invalid parameter \"match[]\": parse error: expected a series selector, got 'rate(up[5m])'",
    )


async def test_labels_and_their_values_are_listed(api: httpx.AsyncClient) -> None:
    assert await data(api, "/api/v1/labels") == ["__name__", "job"]
    assert await data(api, "/api/v1/label/job/values") == ["api", "web"]
    assert await data(api, "/api/v1/label/job/values", **{"match[]": "work"}) == ["api"]
    assert await data(api, "/api/v1/label/nothing/values") == []


async def test_a_label_name_that_is_none_is_refused(api: httpx.AsyncClient) -> None:
    assert await refusal(api, "/api/v1/label/a-b/values") == (400, "bad_data", 'invalid label name: "a-b"')


async def test_metadata_tells_type_help_and_unit(api: httpx.AsyncClient) -> None:
    assert await data(api, "/api/v1/metadata", metric="cpu_seconds_total") == {
        "cpu_seconds_total": [{"type": "counter", "help": "Time on the CPU.", "unit": "seconds"}]
    }
    assert len(await data(api, "/api/v1/metadata", limit=1)) == 1
    assert (await refusal(api, "/api/v1/metadata", limit="x"))[2] == "limit must be a number"


async def test_targets_show_health_and_the_last_error(api: httpx.AsyncClient) -> None:
    answer = await data(api, "/api/v1/targets")
    (target,) = answer["activeTargets"]
    assert (target["health"], target["lastError"]) == ("down", "connection refused")
    assert (target["labels"]["job"], target["lastScrape"]) == ("api", "2026-03-02T09:00:00Z")
    assert answer["droppedTargets"] == []
    assert (await data(api, "/api/v1/targets", state="dropped"))["activeTargets"] == []


async def test_there_are_no_rules_and_no_alerts(api: httpx.AsyncClient) -> None:
    assert await data(api, "/api/v1/rules") == {"groups": []}
    assert await data(api, "/api/v1/alerts") == {"alerts": []}


async def test_the_build_and_the_configuration_are_told(api: httpx.AsyncClient) -> None:
    assert (await data(api, "/api/v1/status/buildinfo"))["version"] == "2.45.0"
    assert "scrape_interval: 15s" in (await data(api, "/api/v1/status/config"))["yaml"]


async def test_a_query_is_formatted(api: httpx.AsyncClient) -> None:
    assert await data(api, "/api/v1/format_query", query="sum(up)by(job)") == "sum by (job) (up)"
    assert (await refusal(api, "/api/v1/format_query", query="("))[1] == "bad_data"


async def test_health_and_readiness_are_plain_text(api: httpx.AsyncClient) -> None:
    assert (await api.get("/-/healthy")).text == "Prometheus Server is Healthy.\n"
    assert (await api.get("/-/ready")).text == "Prometheus Server is Ready.\n"


async def test_the_lookback_may_be_chosen_for_a_query(api: httpx.AsyncClient) -> None:
    async def jobs(**params: Any) -> list[str]:
        answer = await data(api, "/api/v1/query", query="up", time=T + 200, **params)
        return [row["metric"]["job"] for row in answer["result"]]

    assert await jobs() == ["api", "web"]
    assert await jobs(lookback_delta="199s") == []
    assert await refusal(api, "/api/v1/query", query="up", lookback_delta="long") == (
        400,
        "bad_data",
        'error parsing lookback delta duration: cannot parse "long" to a valid duration',
    )


async def test_what_a_query_cost_is_told_in_samples_and_never_in_real_time(api: httpx.AsyncClient) -> None:
    answer = await data(api, "/api/v1/query", query="sum_over_time(work[5m])", stats="all")
    assert answer["stats"]["samples"] == {"totalQueryableSamples": 6, "peakSamples": 6}
    assert set(answer["stats"]["timings"].values()) == {0}
    assert "stats" not in await data(api, "/api/v1/query", query="work")


async def test_there_are_no_exemplars_and_their_query_is_checked(api: httpx.AsyncClient) -> None:
    assert await data(api, "/api/v1/query_exemplars", query="up") == []
    assert (await refusal(api, "/api/v1/query_exemplars", query="sum("))[:2] == (400, "bad_data")


async def test_flags_say_how_queries_are_bounded(api: httpx.AsyncClient) -> None:
    flags = await data(api, "/api/v1/status/flags")
    assert flags["query.lookback-delta"] == "5m"
    assert flags["query.max-samples"] == "50000000"
    assert flags["storage.tsdb.retention.time"] == "8d"


async def test_runtime_tells_simulated_time_alone(api: httpx.AsyncClient) -> None:
    runtime = await data(api, "/api/v1/status/runtimeinfo")
    assert (runtime["startTime"], runtime["storageRetention"]) == ("2026-03-02T09:00:00Z", "8d")


async def test_the_store_is_counted(api: httpx.AsyncClient) -> None:
    told = await data(api, "/api/v1/status/tsdb")
    assert told["headStats"] == {
        "numSeries": 3,
        "numLabelPairs": 4,
        "chunkCount": 3,
        "minTime": (T - 600) * 1000,
        "maxTime": T * 1000,
    }
    assert told["seriesCountByMetricName"] == [{"name": "up", "value": 2}, {"name": "work", "value": 1}]
    assert told["labelValueCountByLabelName"] == [{"name": "__name__", "value": 2}, {"name": "job", "value": 2}]
    assert told["seriesCountByLabelValuePair"][0] == {"name": "__name__=up", "value": 2}


async def test_metadata_is_told_by_target(api: httpx.AsyncClient) -> None:
    (told,) = await data(api, "/api/v1/targets/metadata", metric="up", match_target='{job="api"}')
    assert told == {
        "target": {"job": "api", "instance": "10.0.0.1:80"},
        "type": "gauge",
        "help": "Whether the target answers.",
        "unit": "",
    }
    assert [one["metric"] for one in await data(api, "/api/v1/targets/metadata")] == ["cpu_seconds_total", "up"]
    assert await data(api, "/api/v1/targets/metadata", match_target='{job="web"}') == []
    assert len(await data(api, "/api/v1/targets/metadata", limit=1)) == 1


async def test_targets_are_told_by_pool(api: httpx.AsyncClient) -> None:
    assert await data(api, "/api/v1/scrape_pools") == {"scrapePools": ["api"]}
    assert (await data(api, "/api/v1/targets", scrapePool="web"))["activeTargets"] == []


async def test_the_newest_samples_are_there_for_another_prometheus(api: httpx.AsyncClient, tsdb: Tsdb) -> None:
    tsdb.mark_stale(labels_of("work", job="api"), T * 1000 + 1)
    answer = await api.get("/federate", params={"match[]": ["up", 'work{job="api"}']})
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert answer.text == (
        f'# TYPE up untyped\nup{{job="api",instance=""}} 1 {T * 1000}\nup{{job="web",instance=""}} 0 {T * 1000}\n'
        f'# TYPE work untyped\nwork{{job="api",instance=""}} 600 {T * 1000}\n'
    )
    assert (await api.get("/federate", params={"match[]": "{}"})).status_code == 400
    assert (await api.get("/federate")).text == ""


@pytest.mark.parametrize(
    ("method", "path", "status", "text"),
    [
        ("POST", "/-/reload", 403, "Lifecycle API is not enabled.\n"),
        ("POST", "/-/quit", 403, "Lifecycle API is not enabled.\n"),
        ("POST", "/api/v1/write", 404, "remote write receiver needs to be enabled"),
    ],
)
async def test_what_is_switched_off_says_so(
    api: httpx.AsyncClient, method: str, path: str, status: int, text: str
) -> None:
    answer = await api.request(method, path)
    assert answer.status_code == status
    assert answer.text.startswith(text)


async def test_an_answer_holds_nothing_that_was_appended_after_the_question(tsdb: Tsdb) -> None:
    """The world goes on while a query waits for its turn or runs."""

    def late() -> float:
        tsdb.append_many(T * 1000 + clock.looks, [(labels_of("up", job="late"), 1.0)])
        clock.looks += 1
        return 0.0

    clock = Looks()
    app = Starlette(routes=[Mount("/prometheus", routes=list(routes(tsdb, lambda: NOW, OneTarget(), late)))])
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://simulator/prometheus") as client:
        answer = await data(client, "/api/v1/query", query='count(up) + count(up) + count(up{job="late"})', time=T + 60)
        assert answer["result"] == []
        answer = await data(client, "/api/v1/query", query="count(up) + 0 * count(up)", time=T + 60)
        assert answer["result"][0]["value"][1] == "3"


class Looks:
    looks = 1
