"""Metrics as a reader needs them: what moved and when, what is missing since when, and never a made-up zero."""

import math
from datetime import timedelta
from typing import Any

import pytest

from core.errors import Invalid, NotConfigured, Upstream
from tests.tools.stand_ins import NOW, ToldPrometheus, ctx
from tools.catalog.metrics import FindMetrics, MetricTools, QueryMetrics
from tools.catalog.pages import Pages, PageTools, ReadMore
from tools.clients.prometheus import MetricHelp, Prometheus, Sample, Series
from tools.spec import ToolResult

RATE = "sum(rate(x_total[5m]))"


def sample(value: float, **labels: str) -> Sample:
    return Sample(labels, value, NOW)


def series(*values: float, step: float = 15, end: float = 0, **labels: str) -> Series:
    """Values up to `end` seconds before now."""
    last = NOW.timestamp() - end
    return Series(labels, [(last - step * (len(values) - 1 - place), value) for place, value in enumerate(values)])


async def asked(prometheus: Prometheus, language: Any = "en", **ask: str) -> ToolResult[Any]:
    return await MetricTools(prometheus, Pages(ctx().clock)).query_metrics(ctx(language), QueryMetrics(**ask))


async def found(prometheus: Prometheus, **ask: str) -> ToolResult[Any]:
    return await MetricTools(prometheus, Pages(ctx().clock)).find_metrics(ctx(), FindMetrics(**ask))


async def test_an_instant_query_gives_the_largest_first_and_says_common_labels_once() -> None:
    told = ToldPrometheus(
        {
            RATE: [
                sample(1, job="a", ns="shop"),
                sample(30_000_000, job="b", ns="shop"),
                sample(math.nan, job="c", ns="shop"),
            ]
        }
    )
    answer = await asked(told, expr=RATE)
    assert answer.data.common == {"ns": "shop"}
    assert [(one.labels, one.last, one.note) for one in answer.data.series] == [
        ({"job": "b"}, 30_000_000, ""),
        ({"job": "a"}, 1, ""),
        ({"job": "c"}, None, "nan"),
    ]
    assert answer.summary == "3 series now, the largest: {job=b} = 30M; {job=a} = 1; {job=c} = nan."
    assert answer.source[0].system == "Prometheus http://told"
    assert answer.source[0].query == f"/api/v1/query?query={RATE}"


async def test_a_range_says_what_moved_where_and_when_and_the_mover_comes_first() -> None:
    moved = series(*[1.0] * 120, *[9.0] * 121, pod="b")
    told = ToldPrometheus(ranges={RATE: [series(*[500.0] * 241, pod="a"), moved]})
    answer = await asked(told, expr=RATE, last="1h")
    assert [one.labels["pod"] for one in answer.data.series] == ["b", "a"]
    first = answer.data.series[0]
    assert (first.first, first.last, first.min, first.max) == (1, 9, 1, 9)
    assert (first.changes[0].before, first.changes[0].after) == (1, 9)
    assert first.changes[0].at == NOW - timedelta(minutes=30)
    assert len(first.points) == 24
    assert (
        answer.summary
        == "2 series, 1 changed level: {pod=b} 1 -> 9 @ 08:30:00Z; {pod=a} steady around 500 (500 to 500)."
    )
    assert told.asked == [f"{RATE} 08:00 09:00 15"]


async def test_points_that_were_not_measured_are_null_and_the_end_is_told() -> None:
    told = ToldPrometheus(ranges={RATE: [series(*[4.0] * 100, end=1_800, pod="a")]})
    only = (await asked(told, expr=RATE, last="1h")).data.series[0]
    assert only.points[-10:] == [None] * 10
    assert only.points[5] == 4
    assert only.last_at == NOW - timedelta(minutes=30)
    assert "no samples since 08:30:00Z" in only.note


async def test_no_data_is_an_answer_in_words_with_the_time_it_ended() -> None:
    told = ToldPrometheus(ranges={RATE: [series(1.0, 1.0, end=3 * 3600)]}, known={"x_total": MetricHelp("", "")})
    answer = await asked(told, expr=RATE)
    assert answer.summary == "No samples since about 2026-03-02 06:00Z."
    assert answer.data.series == []
    assert answer.data.total_series == 0


async def test_a_metric_that_does_not_exist_is_told_with_similar_ones() -> None:
    told = ToldPrometheus(known={"http_requests_total": MetricHelp("counter", "")})
    answer = await asked(told, expr="rate(http_request_total[5m])")
    assert answer.summary == "There is no metric http_request_total. Similar: http_requests_total."


async def test_labels_that_exclude_everything_are_told_apart_from_a_missing_metric() -> None:
    told = ToldPrometheus(known={"up": MetricHelp("gauge", "")})
    assert "the labels or the condition exclude all of them" in (await asked(told, expr='up{job="nope"}')).summary


async def test_not_configured_names_the_setting() -> None:
    tools = MetricTools(Prometheus("", clock=ctx().clock), Pages(ctx().clock))
    with pytest.raises(NotConfigured, match="PROMETHEUS_URL"):
        await tools.query_metrics(ctx(), QueryMetrics(expr="up"))
    with pytest.raises(NotConfigured, match="PROMETHEUS_URL"):
        await tools.find_metrics(ctx(), FindMetrics(words="cpu"))


async def test_a_server_that_is_down_is_an_error_and_not_an_empty_answer() -> None:
    with pytest.raises(Upstream):
        await asked(ToldPrometheus(failing=Upstream("Prometheus", "refused", retryable=True)), expr="up")


async def test_what_the_server_warned_about_is_among_what_is_missing() -> None:
    answer = await asked(ToldPrometheus({"up": [sample(1)]}, warnings=["store 2 did not answer"]), expr="up")
    assert answer.missing[0].why == "store 2 did not answer"


@pytest.mark.parametrize(
    ("ask", "field"),
    [
        ({"last": "soon"}, "last"),
        ({"start": "noonish"}, "start"),
        ({"start": "2026-03-02T10:00:00Z"}, "start"),
        ({"end": "2026-03-02T08:00:00Z"}, "start"),
        ({"last": "1h", "step": "often"}, "step"),
    ],
)
async def test_a_range_that_makes_no_sense_is_refused_by_its_field(ask: dict[str, str], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        await asked(ToldPrometheus(), expr="up", **ask)
    assert caught.value.details["field"] == field


async def test_start_end_and_step_are_taken_as_given() -> None:
    told = ToldPrometheus(known={"up": MetricHelp("", "")})
    await asked(told, expr="up", start="2026-03-02T07:00:00+00:00", end="1772439600", step="1m30s")
    assert told.asked[0] == "up 07:00 08:20 90"


async def test_many_series_are_bounded_with_a_handle_that_keeps_whole_labels() -> None:
    told, pages = (
        ToldPrometheus({"up": [sample(1, job="x", pod=str(number)) for number in range(35)]}),
        Pages(ctx().clock),
    )
    answer = await MetricTools(told, pages).query_metrics(ctx(), QueryMetrics(expr="up"))
    assert (len(answer.data.series), answer.data.total_series, answer.pages) == (10, 35, 4)
    assert answer.handle
    more = await PageTools(pages).read_more(ctx(), ReadMore(handle=answer.handle, page=4))
    assert len(more.data.rows) == 5
    assert more.data.rows[0]["labels"]["job"] == "x"


async def test_metrics_are_found_by_words_in_name_or_help_with_their_series() -> None:
    known = {
        "container_memory_working_set_bytes": MetricHelp("gauge", "Current working set."),
        "container_memory_rss": MetricHelp("gauge", "Size of RSS, part of the working set."),
        "http_requests_total": MetricHelp("counter", "Requests."),
    }
    count = 'count by (__name__) ({__name__=~"container_memory_working_set_bytes|container_memory_rss"})'
    told = ToldPrometheus({count: [sample(30, __name__="container_memory_working_set_bytes")]}, known=known)
    answer = await found(told, words="Memory working")
    assert [(row.name, row.series) for row in answer.data.metrics] == [
        ("container_memory_working_set_bytes", 30),
        ("container_memory_rss", 0),
    ]
    assert answer.summary == "2 metrics match: container_memory_working_set_bytes, container_memory_rss."


async def test_a_regex_is_matched_by_prometheus_and_quoted() -> None:
    told = ToldPrometheus(known={"a": MetricHelp("", "")})
    await found(told, regex='a"|(b+)+\\d')
    assert told.asked[0] == '{__name__=~"a\\"|(b+)+\\\\d"}'


async def test_a_histograms_parts_are_described_by_the_whole() -> None:
    known = {"lag_seconds_bucket": MetricHelp("", ""), "lag_seconds": MetricHelp("histogram", "Lag of the queue.")}
    row = (await found(ToldPrometheus(known=known), words="bucket queue")).data.metrics[0]
    assert (row.name, row.type, row.help) == ("lag_seconds_bucket", "histogram", "Lag of the queue.")


async def test_without_counts_and_help_the_names_are_still_found_and_the_gaps_named() -> None:
    told = ToldPrometheus(
        known={"up": MetricHelp("gauge", "x")}, failing=Upstream("Prometheus", "timed out", retryable=True)
    )
    answer = await found(told, words="up")
    assert [row.series for row in answer.data.metrics] == [None]
    assert {one.what for one in answer.missing} == {"help texts", "series counts"}


async def test_no_match_says_so_with_similar_names_and_no_words_are_refused() -> None:
    told = ToldPrometheus(known={"memory_bytes": MetricHelp("", "")})
    assert (await found(told, words="memry bytes")).summary == "No metric matches. Similar: memory_bytes."
    with pytest.raises(Invalid, match="words or a regex"):
        await found(told)


async def test_answers_are_in_the_readers_language() -> None:
    assert (await asked(ToldPrometheus({"up": [sample(1)]}), "zh", expr="up")).summary == "当前 value = 1。"
