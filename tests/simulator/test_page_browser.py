"""The page in a real browser over a small world: it looks, breaks, winds, mends, and asks nobody else for anything."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio
import uvicorn
from playwright.async_api import Browser, Page, async_playwright, expect
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from simulator.app import serve
from simulator.events import Source
from simulator.world import World
from tests.services import free_port
from tests.simulator.worlds import START, small_shop, small_world

pytestmark = [pytest.mark.real("chromium"), pytest.mark.asyncio(loop_scope="module")]
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
WAIT = 10_000
HOSTILE = "<img src=http://evil.example/a.png onerror=pwned()><script>pwned()</script>"


@asynccontextmanager
async def served(app: Starlette) -> AsyncIterator[str]:
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error", lifespan="off"))
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  (uvicorn has no event to wait for)
        await asyncio.sleep(0.01)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    await serving


@dataclass
class Visit:
    browser: Browser
    asked: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    @asynccontextmanager
    async def to(self, app: Starlette, **options: Any) -> AsyncIterator[Page]:
        context = await self.browser.new_context(**{"locale": "en-GB", **options})
        page = await context.new_page()
        page.set_default_timeout(WAIT)
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        async with served(app) as url:
            await page.goto(f"{url}/-/")
            await expect(page.get_by_test_id("now")).to_contain_text("UTC")
            yield page
            await context.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def visit() -> AsyncIterator[Visit]:
    expect.set_options(timeout=WAIT)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        yield Visit(browser)
        await browser.close()


@pytest.fixture(autouse=True)
def _nothing_leaves_and_nothing_breaks(visit: Visit) -> Iterator[None]:
    visit.asked.clear()
    visit.complaints.clear()
    yield
    assert [url for url in visit.asked if not url.startswith("http://127.0.0.1:")] == []
    assert visit.complaints == []


async def test_a_fault_is_injected_seen_revealed_and_taken_back(visit: Visit) -> None:
    async with visit.to(serve(small_world())) as page:
        search = page.get_by_test_id("service-search")
        await expect(search).to_have_attribute("data-health", "well")
        await expect(page.get_by_test_id("verdict")).to_contain_text("All is well")
        await page.get_by_test_id("category").select_option("routing")
        await page.get_by_test_id("fault").select_option("service_selector_mismatch")
        await page.get_by_test_id("target").select_option(label="Service shop/search")
        await expect(page.get_by_test_id("inject-command")).to_contain_text('"name":"search"')
        await page.get_by_test_id("submit").click()
        await expect(page.get_by_test_id("faults")).to_contain_text("not healed")
        await expect(page.get_by_test_id("faults")).not_to_contain_text("service_selector_mismatch")
        await page.locator("[data-wind='60']").click()
        await expect(page.get_by_test_id("now")).to_have_text("2026-01-14 09:01:00 UTC")
        await expect(page.get_by_test_id("verdict")).to_contain_text("edge-gateway")
        await expect(page.get_by_test_id("service-edge-gateway")).to_have_attribute("data-health", "degraded")
        await expect(page.locator(".lines path.many")).to_have_count(1)
        await page.get_by_test_id("reveal").click()
        await expect(page.get_by_test_id("faults")).to_contain_text("service_selector_mismatch")
        await expect(page.get_by_test_id("faults")).to_contain_text("Deployment shop/search")
        await page.get_by_test_id("remove").click()
        await expect(page.get_by_test_id("faults").locator("li")).to_have_count(0)
        await page.locator("[data-wind='60']").click()
        await expect(page.get_by_test_id("verdict")).to_contain_text("All is well")


async def test_a_refusal_is_shown_as_the_server_says_it(visit: Visit) -> None:
    async with visit.to(serve(small_world())) as page:
        await page.get_by_test_id("category").select_option("runtime")
        await page.get_by_test_id("fault").select_option("oom_killed")
        await page.get_by_label("cache_mb").fill("a lot")
        await page.get_by_test_id("submit").click()
        await expect(page.get_by_test_id("inject-error")).to_have_text(
            "params: cache_mb must be a number from 0 to 1000000"
        )


async def test_what_is_being_typed_and_where_the_focus_is_outlive_a_refresh(visit: Visit) -> None:
    app = serve(small_world())
    async with visit.to(app) as page:
        await page.get_by_test_id("category").select_option("runtime")
        await page.get_by_test_id("fault").select_option("oom_killed")
        typed = page.get_by_label("cache_mb")
        await typed.fill("12")
        before = len(visit.asked)
        while sum(url.endswith("/-/state") for url in visit.asked[before:]) < 2:
            await page.wait_for_timeout(100)
        await expect(typed).to_have_value("12")
        await expect(typed).to_be_focused()


async def test_names_from_the_cluster_are_text(visit: Visit) -> None:
    world = small_world()
    world.events.record(world.store.list("Node")[0], "Node", "Warning", HOSTILE, HOSTILE, Source("kubelet", "node-1"))
    async with visit.to(serve(world)) as page:
        await expect(page.get_by_test_id("events")).to_contain_text(HOSTILE)
        assert await page.locator("main img, main script, main iframe").count() == 0


async def test_a_service_is_opened_from_the_keyboard(visit: Visit) -> None:
    async with visit.to(serve(small_world())) as page:
        box = page.get_by_test_id("service-catalogue")
        assert "healthy, 3 of 3 pods ready" in str(await box.get_attribute("aria-label"))
        await box.focus()
        await page.keyboard.press("Enter")
        await expect(page.get_by_test_id("detail")).to_contain_text("shop-db")
        await expect(box).to_have_attribute("aria-pressed", "true")
        await page.get_by_test_id("detail").get_by_role("button").click()
        await expect(page.get_by_test_id("detail")).to_be_hidden()
        await expect(box).to_be_focused()


async def test_the_language_is_the_browsers_until_it_is_chosen(visit: Visit) -> None:
    async with visit.to(serve(small_world()), locale="zh-CN") as page:
        await expect(page.get_by_test_id("verdict")).to_contain_text("一切正常")
        await page.get_by_test_id("language").click()
        await expect(page.get_by_test_id("verdict")).to_contain_text("All is well")
        await page.reload()
        await expect(page.get_by_test_id("verdict")).to_contain_text("All is well")


async def test_a_scenario_is_started_and_its_answer_shown_when_asked_for(visit: Visit) -> None:
    async with visit.to(serve(small_world())) as page:
        await page.get_by_test_id("scenario").select_option("control-deep-night")
        await page.get_by_test_id("start").click()
        playing = page.get_by_test_id("playing")
        await expect(playing).to_contain_text("The quietest hour of the week")
        await expect(playing).not_to_contain_text("Nothing is wrong")
        await playing.get_by_role("button").click()
        await expect(playing).to_contain_text("Nothing is wrong")
        await page.get_by_test_id("start").click()
        await expect(page.locator("#scenarios-said")).to_contain_text("is being played")


async def test_a_surprise_breaks_something_and_does_not_say_what(visit: Visit) -> None:
    async with visit.to(serve(small_world()), locale="zh-CN") as page:
        await page.get_by_test_id("category").select_option("runtime")
        await expect(page.get_by_test_id("fault")).to_contain_text("内存超限被杀死")
        await page.get_by_test_id("surprise").click()
        faults = page.get_by_test_id("faults")
        await expect(faults.locator("li")).to_have_count(1)
        assert await faults.locator("dl").is_hidden()
        await page.get_by_test_id("reveal").click()
        await expect(faults.locator("dl")).to_contain_text("应当修改")


async def test_a_running_clock_is_paused_and_goes_on(visit: Visit) -> None:
    world = World(7, START, speed=1, monotonic=lambda: 0.0, history_days=0, shop=small_shop())
    async with visit.to(serve(world)) as page:
        await expect(page.get_by_test_id("pace")).to_have_text("1× real time")
        await page.get_by_test_id("pause").click()
        await expect(page.get_by_test_id("pace")).to_have_text("paused")
        await page.get_by_test_id("speed").select_option("10")
        await expect(page.get_by_test_id("pace")).to_have_text("10× real time")


async def test_on_a_phone_the_services_are_a_list_and_nothing_is_wider_than_the_screen(visit: Visit) -> None:
    async with visit.to(serve(small_world()), viewport={"width": 390, "height": 844}) as page:
        await expect(page.get_by_test_id("graph")).to_be_hidden()
        await page.get_by_test_id("services").get_by_role("button", name=re.compile("catalogue")).click()
        await expect(page.get_by_test_id("detail")).to_be_visible()
        assert await page.evaluate("document.documentElement.scrollWidth") == 390


async def test_a_lost_connection_is_said_and_forgotten_when_it_is_back(visit: Visit) -> None:
    async with visit.to(serve(small_world())) as page:
        await page.context.set_offline(True)
        await expect(page.get_by_test_id("lost")).to_contain_text("What you see is from 09:00:00")
        await page.context.set_offline(False)
        await expect(page.get_by_test_id("lost")).to_be_hidden()


async def test_a_page_of_another_site_cannot_break_anything(visit: Visit) -> None:
    app = serve(small_world())

    async def foreign(_request: object) -> Response:
        return HTMLResponse("<title>foreign</title>")

    async with visit.to(app) as page, served(Starlette(routes=[Route("/", foreign)])) as elsewhere:
        ours = page.url
        await page.goto(elsewhere)
        attempt = "url => fetch(url, {method: 'POST', mode: 'no-cors', body: '{}'}).then(() => 1, () => 1)"
        await page.evaluate(attempt, f"{ours}faults")
        await page.goto(ours)
        await expect(page.get_by_test_id("verdict")).to_contain_text("All is well")
        await expect(page.get_by_test_id("faults").locator("li")).to_have_count(0)
