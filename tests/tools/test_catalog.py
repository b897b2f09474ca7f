"""The catalogue as a whole: what is offered, how much it costs a model to know it, and the pages behind long answers."""

import json
from pathlib import Path
from typing import Any

import pytest

from core.clock import ManualClock
from core.database import Database
from core.errors import Invalid, NotFound
from core.metrics import Metrics
from core.redact import Redactor
from tests.tools.stand_ins import NOW, ShelfClusters, ToldPrometheus, ctx
from tests.tools.things import pod
from tools.autofix.guard import Policy
from tools.autofix.plan import AlertFacts
from tools.autofix.run import Repairs
from tools.catalog import Services, catalog
from tools.catalog.logs import LogTools
from tools.catalog.metrics import MetricTools
from tools.catalog.objects import ObjectTools
from tools.catalog.overview import OverviewTools
from tools.catalog.pages import MAX_HANDLES, Pages, PageTools, ReadMore
from tools.collect import Collector
from tools.spec import AnyTool, Caller, Source, Toolbox, ToolResult

READ = ("cluster_overview", "list_objects", "get_object", "read_logs", "query_metrics", "find_metrics", "read_more")


def readers() -> list[AnyTool]:
    clusters, pages = ShelfClusters(pod("web-0")), Pages(ctx().clock)
    kinds: list[Any] = [OverviewTools(clusters, pages), ObjectTools(clusters, pages), LogTools(clusters, pages)]
    return [tool for one in (*kinds, MetricTools(ToldPrometheus(), pages), PageTools(pages)) for tool in one.all()]


def cost(tools: list[AnyTool]) -> int:
    """Tokens, at four characters each."""
    shown = [
        {"name": one.name, "description": one.description, "inputSchema": one.input.model_json_schema()}
        for one in tools
    ]
    return len(json.dumps(shown)) // 4


def test_the_read_tools_are_offered_and_only_read() -> None:
    assert tuple(tool.name for tool in readers()) == READ
    assert {tool.risk for tool in readers()} == {"read"}


async def no_alerts(_fingerprint: str) -> AlertFacts | None:
    return None


@pytest.fixture
def services(tmp_path: Path, metrics: Metrics) -> Services:
    clock = ctx().clock
    clusters, prometheus = ShelfClusters(), ToldPrometheus()
    collector = Collector(clusters, prometheus, clock)
    repairs = Repairs(
        database=Database(f"sqlite:///{tmp_path / 't.db'}"),
        clusters=clusters,
        prometheus=prometheus,
        collector=collector,
        clock=clock,
        policy=Policy(),
        key="a-key-for-tests-only",
        metrics=metrics,
        lookup=no_alerts,
    )
    return Services(clusters, prometheus, Pages(clock), collector, repairs)


def test_knowing_every_tool_costs_a_model_less_than_three_thousand_tokens(services: Services) -> None:
    offered = catalog(services)
    assert {tool.name for tool in offered} == {*READ, "diagnose", "propose_fix", "apply_plan", "undo_plan"}
    assert cost(offered) < 3_000


async def test_a_tool_is_called_by_name_and_its_answer_is_plain_json(metrics: Metrics, redactor: Redactor) -> None:
    box = Toolbox(readers(), clock=ctx().clock, redactor=redactor, metrics=metrics)
    found = await box.call("list_objects", {"kind": "Pod"}, Caller("ann", "viewer", "cli"), "zh")
    assert found["data"]["rows"][0]["name"] == "web-0"
    assert json.loads(json.dumps(found)) == found
    with pytest.raises(Invalid, match="Unknown field knd"):
        await box.call("list_objects", {"kind": "Pod", "knd": 1}, Caller("ann", "viewer", "cli"))


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("cluster_overview", {}),
        ("list_objects", {"kind": "Pod"}),
        ("get_object", {"kind": "Pod", "name": "web-0"}),
        ("read_logs", {"name": "web-0"}),
        ("query_metrics", {"expr": "up"}),
        ("query_metrics", {"expr": "up", "last": "1h"}),
        ("find_metrics", {"words": "up"}),
    ],
)
async def test_an_answer_that_leaves_empty_fields_out_still_fits_what_the_tool_promises(
    name: str, arguments: dict[str, str], metrics: Metrics, redactor: Redactor
) -> None:
    box = Toolbox(readers(), clock=ctx().clock, redactor=redactor, metrics=metrics)
    found = await box.call(name, arguments, Caller("ann", "viewer", "cli"))
    result: Any = ToolResult
    again = result[box.get(name).output].model_validate(found)
    assert again.model_dump(mode="json") == found


async def test_a_page_beyond_the_last_and_an_unknown_handle_are_refused() -> None:
    pages = Pages(ctx().clock)
    handle, count = pages.keep("Pods", [{"n": number} for number in range(30)], 10, [Source(system="s", query="q")])
    assert count == 3
    assert handle
    tools = PageTools(pages)
    assert (await tools.read_more(ctx(), ReadMore(handle=handle, page=3))).data.rows[0] == {"n": 20}
    with pytest.raises(Invalid, match="3 pages"):
        await tools.read_more(ctx(), ReadMore(handle=handle, page=4))
    with pytest.raises(NotFound, match="unknown or was given up"):
        await tools.read_more(ctx(), ReadMore(handle="nope"))


async def test_a_page_says_when_it_was_read_and_from_where() -> None:
    clock = ManualClock(NOW)
    pages = Pages(clock)
    handle, _ = pages.keep("Pods", [{}] * 30, 10, [Source(system="s", query="q")])
    assert handle
    await clock.advance(600)
    page = await PageTools(pages).read_more(ctx(), ReadMore(handle=handle))
    assert page.seen_at == NOW
    assert page.source == [Source(system="s", query="q")]


def test_what_fits_on_one_page_needs_no_handle() -> None:
    assert Pages(ctx().clock).keep("Pods", [{"n": 1}], 10, []) == (None, 1)


def test_old_handles_are_given_up_before_the_memory_grows() -> None:
    pages = Pages(ctx().clock)
    handles = [pages.keep("Pods", [{}] * 11, 10, [])[0] for _ in range(MAX_HANDLES + 5)]
    with pytest.raises(NotFound):
        pages.get(str(handles[0]))
    assert pages.get(str(handles[-1])).pages == 2
    large = [pages.keep("Pods", [{}] * 2_000, 10, [])[0] for _ in range(12)]
    with pytest.raises(NotFound):
        pages.get(str(large[0]))
    assert pages.get(str(large[-1])).pages == 200
