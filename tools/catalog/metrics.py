"""Metrics: what a query says now or over a range, summarised; and which metrics there are.

A series becomes its first, last, least, greatest and mean value, its change points with their times, and 24 evenly spaced points; the
series that changed come first. No data is an answer in words: whether the metric exists at all, and since when there have been no samples.
A number that was not measured is null, never zero.
"""

import asyncio
import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import BaseModel, Field

from core.errors import FirstmateError, Invalid, NotConfigured, near_misses
from core.language import pick
from tools.catalog.pages import Pages
from tools.catalog.terse import Terse
from tools.catalog.when import duration, moment
from tools.clients.prometheus import MetricHelp, Prometheus, Series
from tools.clients.promql import parse
from tools.engines.changepoint import change_points
from tools.spec import AnyTool, Context, Input, Missing, Source, Tool, ToolResult

POINTS = 24
TARGET_STEPS = 240
LEAST_STEP = 15.0
PAGE = 10
METRICS_PAGE = 20
MAX_SERIES = 500
MAX_COUNTED = 100
LOOK_BACK = timedelta(days=1)


class QueryMetrics(Input):
    expr: str = Field(description="PromQL", max_length=10_000)
    last: str = Field(default="", description="range up to now: 15m, 1h, 2d; empty without start: now", max_length=20)
    start: str = Field(default="", description="RFC 3339", max_length=40)
    end: str = Field(default="", description="RFC 3339; empty: now", max_length=40)
    step: str = Field(default="", description="15s, 1m; empty: fitting", max_length=20)


class Change(BaseModel):
    at: datetime
    before: float
    after: float


class SeriesSummary(Terse):
    labels: dict[str, str] = Field(default_factory=dict, description="those in which the series differ")
    last: float | None = None
    last_at: datetime | None = Field(default=None, description="where it is not the end")
    first: float | None = None
    min: float | None = None
    max: float | None = None
    mean: float | None = None
    changes: list[Change] = Field(default_factory=list)
    points: list[float | None] = Field(default_factory=list, description="evenly from start to end; null: no sample")
    note: str = ""


class Metrics(Terse):
    expr: str
    start: datetime | None = None
    end: datetime
    step_seconds: float | None = None
    total_series: int
    common: dict[str, str] = Field(default_factory=dict, description="labels of all series")
    series: list[SeriesSummary] = Field(default_factory=list)


class FindMetrics(Input):
    words: str = Field(default="", description="all must be in name or help", max_length=200)
    regex: str = Field(default="", description="RE2 over whole names", max_length=200)


class MetricRow(Terse):
    name: str
    type: str = ""
    help: str = ""
    series: int | None = Field(default=None, description="now; null: not counted")


class FoundMetrics(BaseModel):
    total: int
    metrics: list[MetricRow]


class MetricTools:
    def __init__(self, prometheus: Prometheus, pages: Pages) -> None:
        self._prometheus = prometheus
        self._pages = pages

    def all(self) -> list[AnyTool]:
        return [
            Tool(
                "query_metrics",
                "Run a PromQL query now (no range) or over a range; series that changed come first.",
                QueryMetrics,
                Metrics,
                "read",
                self.query_metrics,
            ),
            Tool(
                "find_metrics",
                "Find metric names by words or regex, with their help and number of series.",
                FindMetrics,
                FoundMetrics,
                "read",
                self.find_metrics,
            ),
        ]

    async def query_metrics(self, ctx: Context, ask: QueryMetrics) -> ToolResult[Metrics]:
        now = ctx.clock.now()
        if ask.last or ask.start:
            return await self._range(ctx, ask, *_bounds(ask, now))
        if ask.end or ask.step:
            raise Invalid("A range needs last or start.", field="start")
        samples = await self._prometheus.query(ask.expr, now)
        found = [SeriesSummary(labels=one.labels, last=_number(one.value), note=_odd(one.value)) for one in samples]
        found.sort(key=lambda one: (one.last is None, -abs(one.last or 0.0)))
        source = [Source(system=self._system, query=f"/api/v1/query?query={ask.expr}")]
        common, told = _apart(found)
        said = _now_said(ctx, common, told) if found else await self._silence(ctx, ask.expr, now)
        data = Metrics(expr=ask.expr, end=now, total_series=len(found), common=common, series=told[:PAGE])
        return self._answer(ctx, said, data, found, source, samples.warnings)

    async def find_metrics(self, ctx: Context, ask: FindMetrics) -> ToolResult[FoundMetrics]:
        if not ask.words.strip() and not ask.regex:
            raise Invalid("Give words or a regex.", field="words")
        missing: list[Missing] = []
        match = "{__name__=~" + _quoted(ask.regex) + "}" if ask.regex else None
        names, help_of = await asyncio.gather(self._prometheus.names(match), self._help(ctx, missing))
        chosen = _ranked(names, help_of, ask.words.lower().split())
        counts = await self._counts(ctx, chosen[:MAX_COUNTED], missing)
        rows = [_metric_row(name, _about(name, help_of), counts.get(name)) for name in chosen]
        source = [
            Source(system=self._system, query=f"/api/v1/label/__name__/values{f'?match[]={match}' if match else ''}")
        ]
        handle, pages = self._pages.keep(f"{ask.words} {ask.regex}".strip(), rows, METRICS_PAGE, source)
        first = ", ".join(row.name for row in rows[:5])
        return ToolResult(
            summary=pick(ctx.language, f"{len(rows)} metrics match: {first}.", f"{len(rows)} 个指标匹配：{first}。")
            if rows
            else _no_match(ctx, ask, names),
            data=FoundMetrics(total=len(rows), metrics=rows[:METRICS_PAGE]),
            source=source,
            seen_at=ctx.clock.now(),
            missing=missing,
            handle=handle,
            pages=pages,
        )

    @property
    def _system(self) -> str:
        return f"Prometheus {self._prometheus.url}"

    async def _range(
        self, ctx: Context, ask: QueryMetrics, start: datetime, end: datetime, step: float
    ) -> ToolResult[Metrics]:
        series = await self._prometheus.query_range(ask.expr, start, end, step)
        found = [_summarised(ctx, one, start, end, step) for one in series[:MAX_SERIES] if one.points]
        found.sort(key=lambda one: (-_largest_step(one), -abs(one.max or 0.0)))
        query = f"/api/v1/query_range?query={ask.expr}&start={_rfc(start)}&end={_rfc(end)}&step={step:g}"
        common, told = _apart(found)
        said = _range_said(ctx, told, len(series)) if found else await self._silence(ctx, ask.expr, start)
        data = Metrics(
            expr=ask.expr,
            start=start,
            end=end,
            step_seconds=step,
            total_series=len(series),
            common=common,
            series=told[:PAGE],
        )
        warnings = list(series.warnings)
        if len(series) > MAX_SERIES:
            warnings.append(
                pick(
                    ctx.language,
                    f"only {MAX_SERIES} of {len(series)} series were looked at; aggregate more",
                    f"{len(series)} 条序列中只分析了 {MAX_SERIES} 条，请聚合",
                )
            )
        return self._answer(ctx, said, data, found, [Source(system=self._system, query=query)], warnings)

    def _answer(
        self,
        ctx: Context,
        said: str,
        data: Metrics,
        found: Sequence[SeriesSummary],
        source: list[Source],
        warnings: Sequence[str],
    ) -> ToolResult[Metrics]:
        handle, pages = self._pages.keep(data.expr, found, PAGE, source)
        return ToolResult(
            summary=said,
            data=data,
            source=source,
            seen_at=ctx.clock.now(),
            missing=[Missing(what=data.expr, why=warning) for warning in warnings],
            handle=handle,
            pages=pages,
        )

    async def _silence(self, ctx: Context, expr: str, before: datetime) -> str:
        """Why there is nothing: the samples ended, the metric is unknown, or nothing matches."""
        step = LOOK_BACK.total_seconds() / TARGET_STEPS
        earlier = await self._prometheus.query_range(expr, before - LOOK_BACK, before, step)
        ends = [one.points[-1][0] for one in earlier if one.points]
        if ends:
            at = datetime.fromtimestamp(max(ends), UTC)
            return pick(
                ctx.language,
                f"No samples since about {at:%Y-%m-%d %H:%M}Z.",
                f"自 {at:%Y-%m-%d %H:%M}Z 左右起没有样本。",
            )
        wanted = _metric_names(expr)
        known = await self._prometheus.names() if wanted else []
        unknown = [name for name in wanted if name not in set(known)]
        if unknown:
            near = near_misses(unknown[0], known)
            hint = pick(ctx.language, f" Similar: {', '.join(near)}.", f"相近的有：{', '.join(near)}。") if near else ""
            return pick(ctx.language, f"There is no metric {unknown[0]}.", f"没有指标 {unknown[0]}。") + hint
        return pick(
            ctx.language,
            "No series matches, now or in the day before: the metrics exist, the labels or the condition exclude all of them.",
            "现在和此前一天都没有匹配的序列：指标存在，但标签或条件排除了全部序列。",
        )

    async def _help(self, ctx: Context, missing: list[Missing]) -> dict[str, MetricHelp]:
        try:
            return await self._prometheus.metadata()
        except NotConfigured:
            raise
        except FirstmateError as error:
            missing.append(Missing(what=pick(ctx.language, "help texts", "指标说明"), why=error.sentence))
            return {}

    async def _counts(self, ctx: Context, names: Sequence[str], missing: list[Missing]) -> dict[str, int]:
        if not names:
            return {}
        selector = "|".join(re.escape(name) for name in names)
        try:
            samples = await self._prometheus.query("count by (__name__) ({__name__=~" + _quoted(selector) + "})")
        except FirstmateError as error:
            missing.append(Missing(what=pick(ctx.language, "series counts", "序列数量"), why=error.sentence))
            return {}
        counted = {one.labels.get("__name__", ""): int(one.value) for one in samples}
        return {name: counted.get(name, 0) for name in names}


def _bounds(ask: QueryMetrics, now: datetime) -> tuple[datetime, datetime, float]:
    end = moment(ask.end, "end") if ask.end else now
    start = moment(ask.start, "start") if ask.start else end - duration(ask.last, "last")
    if start >= end:
        raise Invalid("The start must be before the end.", field="start")
    if ask.step:
        return start, end, duration(ask.step, "step").total_seconds()
    return start, end, max(LEAST_STEP, math.ceil((end - start).total_seconds() / TARGET_STEPS / 5) * 5.0)


def _summarised(ctx: Context, series: Series, start: datetime, end: datetime, step: float) -> SeriesSummary:
    values = [value for _, value in series.points if math.isfinite(value)]
    last_at, last = series.points[-1]
    return SeriesSummary(
        labels=series.labels,
        first=_number(series.points[0][1]),
        last=_number(last),
        last_at=datetime.fromtimestamp(last_at, UTC) if last_at < end.timestamp() - 2 * step else None,
        min=_number(min(values, default=math.nan)),
        max=_number(max(values, default=math.nan)),
        mean=_number(math.fsum(values) / len(values)) if values else None,
        changes=[
            Change(at=datetime.fromtimestamp(one.at, UTC), before=_rounded(one.before), after=_rounded(one.after))
            for one in change_points(series.points)
        ],
        points=_points(series, start, end, step),
        note=_note(ctx, series, start, end, step),
    )


def _points(series: Series, start: datetime, end: datetime, step: float) -> list[float | None]:
    """The mean of each 24th of the range; a 24th without a sample is null."""
    begin, width = start.timestamp(), max(step, (end - start).total_seconds() / POINTS)
    count = min(POINTS, max(1, math.ceil((end.timestamp() - begin) / width)))
    bins: list[list[float]] = [[] for _ in range(count)]
    for at, value in series.points:
        if math.isfinite(value):
            bins[min(count - 1, max(0, int((at - begin) / width)))].append(value)
    return [_number(math.fsum(one) / len(one)) if one else None for one in bins]


def _note(ctx: Context, series: Series, start: datetime, end: datetime, step: float) -> str:
    first, last = (datetime.fromtimestamp(series.points[place][0], UTC) for place in (0, -1))
    slack = timedelta(seconds=2 * step)
    notes = []
    if last < end - slack:
        notes.append(pick(ctx.language, f"no samples since {last:%H:%M:%S}Z", f"自 {last:%H:%M:%S}Z 起没有样本"))
    if first > start + slack:
        notes.append(pick(ctx.language, f"begins at {first:%H:%M:%S}Z", f"始于 {first:%H:%M:%S}Z"))
    odd = sum(not math.isfinite(value) for _, value in series.points)
    if odd:
        notes.append(pick(ctx.language, f"{odd} points are not numbers", f"{odd} 个点不是数值"))
    return "; ".join(notes)


def _largest_step(summary: SeriesSummary) -> float:
    """All series of one expression have one unit, so their steps compare."""
    return max((abs(one.after - one.before) for one in summary.changes), default=0.0)


def _apart(found: Sequence[SeriesSummary]) -> tuple[dict[str, str], list[SeriesSummary]]:
    """The labels that all series share, once, and the series with those in which they differ."""
    if len(found) < 2:
        return {}, list(found)
    shared = set(found[0].labels.items())
    for one in found[1:]:
        shared &= set(one.labels.items())
    names = {name for name, _ in shared}
    told = [
        one.model_copy(update={"labels": {name: value for name, value in one.labels.items() if name not in names}})
        for one in found
    ]
    return dict(sorted(shared)), told


def _now_said(ctx: Context, common: dict[str, str], told: Sequence[SeriesSummary]) -> str:
    first = "; ".join(f"{labelled(one.labels)} = {one.note or _text(one.last)}" for one in told[:3])
    if len(told) == 1:
        return pick(ctx.language, f"{first} now.", f"当前 {first}。")
    name = common.get("__name__", "")
    of = pick(ctx.language, f" of {name}", f"（{name}）") if name else ""
    return pick(
        ctx.language,
        f"{len(told)} series{of} now, the largest: {first}.",
        f"当前 {len(told)} 条序列{of}，最大的：{first}。",
    )


def _range_said(ctx: Context, found: Sequence[SeriesSummary], total: int) -> str:
    changed = [one for one in found if one.changes]
    counted = pick(
        ctx.language,
        f"{total} series, {len(changed) or 'none'} changed level",
        f"{total} 条序列，{len(changed)} 条水平发生变化",
    )
    return (
        pick(ctx.language, f"{counted}: ", f"{counted}：")
        + "; ".join(_moved(ctx, one) for one in found[:3])
        + pick(ctx.language, ".", "。")
    )


def _moved(ctx: Context, one: SeriesSummary) -> str:
    name = labelled(one.labels)
    if one.changes:
        steps = ", ".join(
            f"{_text(change.before)} -> {_text(change.after)} @ {change.at:%H:%M:%S}Z" for change in one.changes
        )
        return f"{name} {steps}" + (f" ({one.note})" if one.note else "")
    said = pick(
        ctx.language,
        f"{name} steady around {_text(one.mean)} ({_text(one.min)} to {_text(one.max)})",
        f"{name} 稳定在 {_text(one.mean)} 左右（{_text(one.min)} 至 {_text(one.max)}）",
    )
    return said + (f" ({one.note})" if one.note else "")


def labelled(labels: dict[str, str]) -> str:
    name = labels.get("__name__", "")
    rest = ", ".join(f"{key}={value}" for key, value in sorted(labels.items()) if key != "__name__")
    return f"{name}{{{rest}}}" if rest else name or "value"


def _ranked(names: Sequence[str], help_of: dict[str, MetricHelp], words: Sequence[str]) -> list[str]:
    """Those that have all the words, the ones that have them in the name first, then the shorter."""
    scored = []
    for name in names:
        text = _about(name, help_of).help.lower()
        if all(word in name.lower() or word in text for word in words):
            scored.append((-sum(word in name.lower() for word in words), len(name) if words else 0, name))
    return [name for _, _, name in sorted(scored)]


def _about(name: str, help_of: dict[str, MetricHelp]) -> MetricHelp:
    """A histogram's and a summary's parts are described under the name of the whole."""
    whole = re.sub(r"_(?:bucket|sum|count)$", "", name)
    return help_of.get(name) or help_of.get(whole) or MetricHelp("", "")


def _metric_row(name: str, about: MetricHelp, series: int | None) -> MetricRow:
    return MetricRow(name=name, type=about.type, help=about.help[:200], series=series)


def _no_match(ctx: Context, ask: FindMetrics, names: Sequence[str]) -> str:
    near = near_misses(ask.words.strip().replace(" ", "_"), names) if ask.words else []
    hint = pick(ctx.language, f" Similar: {', '.join(near)}.", f"相近的有：{', '.join(near)}。") if near else ""
    return pick(ctx.language, "No metric matches.", "没有匹配的指标。") + hint


def _metric_names(expr: str) -> list[str]:
    """The metrics an expression selects, in its order."""
    try:
        tree = parse(expr)
    except Invalid:
        return []  # the server took it, so it is newer than our reader of names
    import promql_parser

    found: list[str] = []

    def visit(node: Any) -> None:
        name = getattr(getattr(node, "vector_selector", node), "name", None)
        if isinstance(node, promql_parser.VectorSelector | promql_parser.MatrixSelector) and name and name not in found:
            found.append(name)

    promql_parser.walk(tree, visit)
    return found


def _number(value: float) -> float | None:
    return _rounded(value) if math.isfinite(value) else None


def _rounded(value: float) -> float:
    """Five digits say all that a reader needs; small whole numbers stay whole."""
    return value if value == int(value) and abs(value) < 1e6 else float(f"{value:.5g}")


def _text(value: float | None) -> str:
    if value is None or not math.isfinite(value):
        return "NaN"
    for size, unit in ((1e12, "T"), (1e9, "G"), (1e6, "M")):
        if abs(value) >= size:
            return f"{value / size:.4g}{unit}"
    return f"{value:.4g}" if abs(value) < 1e4 else f"{value:.0f}"


def _odd(value: float) -> str:
    return "" if math.isfinite(value) else str(value)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _rfc(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
