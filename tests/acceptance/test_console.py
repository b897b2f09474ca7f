"""The console in a real browser, over the whole product and the simulated world, with both clocks in the test's hand.

NiceGUI is one per process, so there is one console for this module and one loop for all its tests; each test has a browser context of its
own, as each person has. Every request of every page is noted: none may leave this machine's loopback.
"""

import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, Request, async_playwright, expect

from agent.events import EventType, Stream
from agent.run import Agent
from agent.store import RunRecord
from alerts.incidents.records import Filter as Incidents
from alerts.rules import SHIPPED
from knowledge_base.cases.case import Sighting, Words
from tests.acceptance.stage import Stage, stage
from tests.knowledge_base.cases.fakes import lesson
from tools.clients.promwire import Wire
from tools.spec import Caller

pytestmark = [pytest.mark.real("chromium"), pytest.mark.asyncio(loop_scope="module")]
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
CAPTAIN = Caller(name="captain", role="admin", via="console")
WAIT = 15_000
HOSTILE_RULE = """
groups:
  - name: hostile
    rules:
      - alert: Hostile
        expr: vector(1)
        labels: {severity: 'info" onclick="pwned()'}
        annotations:
          summary: "<img src=http://evil.example/a.png onerror=pwned()> <script>pwned()</script>"
      - alert: Steady
        expr: vector(2)
        labels: {severity: info, namespace: elsewhere}
        annotations: {summary: "Nothing to do with the other one"}
"""
ROUTES = """
route:
  receiver: ops
  routes:
    - receiver: night
      matchers: ['namespace="elsewhere"']
receivers:
  - name: ops
  - name: night
    webhook_configs: [{url: "http://127.0.0.1:1/hook"}]
"""
HOSTILE = (
    "Look: <script>pwned()</script> <img src=http://evil.example/b.png onerror=pwned()>\n"
    "![pixel](http://evil.example/c.png) [click](javascript:pwned()) [out](http://evil.example/d) [e1]\n"
    "<svg onload=pwned()> <iframe src=http://evil.example/e></iframe> <style>@import 'http://evil.example/f';</style>"
)


@dataclass
class Harbour:
    """The stage with its console, and a browser before it."""

    stage: Stage
    browser: Browser
    folder: Path
    asked: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return str(self.stage.http.base_url).rstrip("/")

    def link(self, caller: Caller = CAPTAIN) -> str:
        return f"{self.url}/login?code={self.stage.house.doorkeeper.one_time_code(caller)}"

    @asynccontextmanager
    async def person(self, name: str, **options: Any) -> AsyncIterator[tuple[BrowserContext, Page]]:
        context = await self.browser.new_context(**{"locale": "en-US", **options})
        page = await context.new_page()
        page.set_default_timeout(WAIT)
        page.on("request", self._note)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        try:
            yield context, page
        except BaseException:
            await page.screenshot(path=self.folder / f"{name}.png")
            raise
        finally:
            await context.close()

    async def sign_in(self, page: Page, caller: Caller = CAPTAIN) -> None:
        await page.goto(self.link(caller))
        await expect(page.get_by_test_id("ask")).to_be_visible()

    def _note(self, request: Request) -> None:
        self.asked.append(request.url)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def harbour(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Harbour]:
    folder = tmp_path_factory.mktemp("console")
    rules = folder / "hostile.yaml"
    rules.write_text(HOSTILE_RULE)
    routes = folder / "routes.yaml"
    routes.write_text(ROUTES)
    shipped = sorted(SHIPPED.glob("*.yaml"))
    expect.set_options(timeout=WAIT)
    chosen = {"rules_files": (*shipped, rules), "alert_config": routes}
    async with stage(folder, console=True, **chosen) as set_up, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        yield Harbour(set_up, browser, folder)
        await browser.close()


@pytest.fixture(autouse=True)
def _nothing_leaves_and_nothing_breaks(harbour: Harbour) -> Any:
    harbour.asked.clear()
    harbour.complaints.clear()
    yield
    outside = [url for url in harbour.asked if not re.match(r"(http|ws)://127\.0\.0\.1:\d+/|data:|blob:", url)]
    assert outside == []
    assert harbour.complaints == []


async def ask(page: Page, question: str) -> None:
    await page.get_by_test_id("ask").fill(question)
    await page.keyboard.press("Enter")


async def test_a_used_link_shows_the_door_and_a_token_opens_it(harbour: Harbour) -> None:
    async with harbour.person("door") as (context, page):
        link = harbour.link()
        await page.goto(link)
        await expect(page.get_by_test_id("ask")).to_be_visible()
        assert "code" not in page.url
        await context.clear_cookies()
        await page.goto(link)
        await expect(page.get_by_role("alert")).to_contain_text("used already")
        await page.get_by_placeholder("Token").fill("wrong")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert")).to_contain_text("unknown")
        await page.get_by_placeholder("Token").fill(harbour.stage.house.admin_token)
        await page.keyboard.press("Enter")
        await expect(page.get_by_test_id("ask")).to_be_focused()


async def test_a_question_is_answered_with_steps_that_fold_open_and_evidence_behind_its_marks(harbour: Harbour) -> None:
    async with harbour.person("question") as (_, page):
        await harbour.sign_in(page)
        await ask(page, "How is the cluster?")
        await expect(page.get_by_test_id("question")).to_have_text("How is the cluster?")
        await expect(page.get_by_test_id("answer")).to_contain_text("workloads")
        await expect(page.get_by_test_id("ask")).to_be_focused()
        await expect(page.get_by_test_id("ask")).to_have_value("")
        step = page.get_by_test_id("step").first
        source = step.get_by_text("GET /api/v1/nodes")
        await expect(source).to_be_hidden()
        await step.locator("summary").press("Enter")
        await expect(source).to_be_visible()
        chip = page.get_by_test_id("answer").locator(".fm-cite").first
        await chip.focus()
        await expect(chip.locator(".fm-pop")).to_be_visible()


async def test_with_shift_enter_makes_a_line_and_while_composing_it_sends_nothing(harbour: Harbour) -> None:
    async with harbour.person("keys") as (_, page):
        await harbour.sign_in(page)
        box = page.get_by_test_id("ask")
        await box.fill("one")
        await page.keyboard.press("Shift+Enter")
        await box.press_sequentially("two")
        await expect(box).to_have_value("one\ntwo")
        await box.evaluate("box => box.dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', isComposing: true}))")
        await expect(page.get_by_test_id("question")).to_have_count(0)
        await page.get_by_test_id("send").click()
        await expect(page.get_by_test_id("question")).to_have_text("one\ntwo")
        await expect(box).to_be_focused()


async def test_an_incident_is_explained_refused_explained_again_and_repaired(harbour: Harbour) -> None:
    play = harbour.stage
    async with harbour.person("incident") as (_, page):
        await harbour.sign_in(page)
        await play.inject("oom_killed")
        alert = await play.until_firing("KubeContainerOOMKilled")
        card = page.get_by_test_id("alert").filter(has_text="KubeContainerOOMKilled").first
        await expect(card).to_contain_text("critical")

        await explain(page, card)
        await page.get_by_test_id("refuse").click()
        await expect(page.get_by_test_id("verdict")).to_have_text("Refused by captain")
        await expect(page.get_by_test_id("approve")).to_be_hidden()
        await expect(page.get_by_test_id("answer").nth(1)).to_contain_text(re.compile("refused", re.IGNORECASE))
        assert (await play.get(f"/alerts/{alert['fingerprint']}"))["state"] == "firing"

        await page.get_by_test_id("new").click()
        await expect(page.get_by_test_id("question")).to_have_count(0)
        await explain(page, card)
        await page.reload()
        await expect(page.get_by_test_id("question")).to_have_count(1)
        await page.get_by_test_id("approve").click()
        await expect(page.get_by_test_id("verdict")).to_have_text("Approved by captain")
        outcome = page.get_by_test_id("answer").nth(1)
        await play.while_time_passes(expect(outcome).to_contain_text("verified", timeout=60_000))
        await play.until_quiet(alert["fingerprint"])
        await expect(page.get_by_test_id("alert").filter(has_text="OOMKilled")).to_have_count(0)
        await expect(page.get_by_test_id("earlier")).to_contain_text("KubeContainerOOMKilled")


async def explain(page: Page, card: Any) -> None:
    await card.get_by_test_id("explain").click()
    await expect(page.get_by_test_id("diagnosis")).to_contain_text("oom_killed")
    diff = page.get_by_test_id("diff")
    await expect(diff.locator(".add").first).to_contain_text("memory")
    await expect(diff.locator(".del").first).to_contain_text("memory")


async def test_who_may_not_decide_reads_what_is_missing_and_sees_the_decision_of_another(harbour: Harbour) -> None:
    play = harbour.stage
    await play.inject("service_selector_mismatch")
    await play.pass_time(30)
    async with harbour.person("viewer") as (context, page):
        await harbour.sign_in(page)
        await ask(page, "What is wrong in namespace shop? Fix it.")
        await expect(page.get_by_test_id("approve")).to_be_visible()
        await context.clear_cookies(name="firstmate_session")
        await harbour.sign_in(page, Caller(name="captain", role="viewer", via="console"))
        await expect(page.get_by_test_id("diff")).to_be_visible()
        await expect(page.get_by_test_id("may-not")).to_contain_text("role operator")
        await expect(page.get_by_test_id("approve")).to_have_count(0)
        await expect(page.get_by_test_id("explain").first).to_be_visible()
        await expect(page.get_by_test_id("acknowledge")).to_have_count(0)
        run_id, required = await waiting(play.house.agent)
        answer = await play.decide(run_id, required, approved=False, note="not now")
        assert answer.status_code == 200, answer.text
        await expect(page.get_by_test_id("verdict")).to_have_text("Refused by admin")
        await expect(page.get_by_test_id("answer").nth(1)).to_contain_text("not now")


LATER = datetime(2100, 1, 1, tzinfo=UTC)


async def waiting(agent: Agent) -> tuple[str, dict[str, Any]]:
    """The run that waits for a word, and what it asks."""
    session = await agent.session((await agent.sessions(CAPTAIN.name))[0].id)
    run_id = session.messages[-1].run_id
    asked = [event.data async for event in agent.events(run_id) if event.type == "approval_required"]
    return run_id, asked[-1]


async def test_a_conversation_is_not_shown_to_somebody_else(harbour: Harbour) -> None:
    async with harbour.person("other") as (context, page):
        await harbour.sign_in(page)
        await ask(page, "How is the cluster?")
        await expect(page.get_by_test_id("answer")).to_contain_text("workloads")
        await context.clear_cookies(name="firstmate_session")
        await harbour.sign_in(page, Caller(name="vera", role="viewer", via="console"))
        await expect(page.get_by_test_id("question")).to_have_count(0)
        await ask(page, "What is firing right now?")
        await expect(page.get_by_test_id("question")).to_have_count(1)
        await expect(page.get_by_test_id("error")).to_have_count(0)


async def test_a_reload_in_the_middle_of_a_run_goes_on_with_it_as_its_words_come(harbour: Harbour) -> None:
    run, stream = await said(harbour, "How is the cluster?")
    stream.active = True
    async with harbour.person("middle") as (context, page):
        await see(harbour, context, page, run)
        working = page.get_by_role("status")
        stream.add("tool_started", {"id": "t1", "name": "diagnose", "arguments": {"namespace": "shop"}})
        stream.add("tool_progress", {"id": "t1", "message": "Reading the logs"})
        await expect(working).to_have_text("Reading the logs")
        stream.add("tool_finished", {"id": "t1", "ok": True, "seconds": 0.2, "summary": "Nothing there."})
        stream.add("token", {"text": "First half"})
        await expect(page.get_by_test_id("answer")).to_contain_text("First half")
        await page.reload()
        await expect(page.get_by_test_id("answer")).to_contain_text("First half")
        await expect(working).to_be_visible()
        stream.add("token", {"text": " and second half"})
        await expect(page.get_by_test_id("answer")).to_contain_text("First half and second half")
        stream.close()
        await expect(working).to_be_hidden()
        await expect(page.get_by_test_id("step").filter(has_text="diagnose")).to_have_count(1)


async def test_what_systems_say_is_shown_and_can_do_nothing(harbour: Harbour) -> None:
    evidence = {"id": "e1", "source": HOSTILE, "ref": HOSTILE, "quote": HOSTILE}
    gap = {"what": HOSTILE, "why": HOSTILE}
    component = {"kind": HOSTILE, "namespace": HOSTILE, "name": HOSTILE}
    source = {"system": HOSTILE, "query": HOSTILE}
    plan = {
        "id": "plan-x",
        "expected_effect": HOSTILE,
        "verify": [{"sentence": HOSTILE}],
        "undo": [{"summary": HOSTILE}],
    }
    asked = {
        "plan_id": "plan-x",
        "hash": "x" * 64,
        "title": HOSTILE,
        "diff": f"+{HOSTILE}",
        "risk": 'low" onclick="pwned()',
    }
    events: list[tuple[EventType, dict[str, Any]]] = [
        ("tool_started", {"id": "t1", "name": HOSTILE, "arguments": {HOSTILE: HOSTILE}}),
        ("tool_progress", {"id": "t1", "message": HOSTILE}),
        ("tool_finished", {"id": "t1", "ok": True, "summary": HOSTILE, "source": [source], "missing": [gap]}),
        ("evidence", evidence),
        ("diagnosis", {"causes": [{"fault": HOSTILE, "component": component, "confidence": 0.5}], "gaps": [gap]}),
        ("answer", {"text": HOSTILE, "evidence": [evidence]}),
        ("warning", {"message": HOSTILE}),
        ("error", {"message": HOSTILE}),
        ("plan", plan),
        ("approval_required", asked),
        ("approval_recorded", {"approved": True, "by": HOSTILE}),
        ("answer", {"text": HOSTILE, "evidence": [evidence]}),
    ]
    run, stream = await said(harbour, HOSTILE)
    for kind, data in events:
        stream.add(kind, data)
    await harbour.stage.pass_time(30)
    async with harbour.person("hostile") as (context, page):
        await page.add_init_script("window.done = 0; window.pwned = () => { window.done += 1 }")
        await see(harbour, context, page, run)
        await expect(page.get_by_test_id("alert").filter(has_text="<script>pwned()</script>")).to_be_visible()
        await expect(page.get_by_test_id("answer").last).to_contain_text("[click](javascript:pwned())")
        await page.evaluate("document.querySelectorAll('details').forEach(fold => { fold.open = true })")
        await page.get_by_test_id("answer").first.locator(".fm-cite").first.hover()
        main = page.locator(".fm-page")
        assert await main.locator("a:not([href^='/console/']), img, script, iframe, svg[onload], style").count() == 0
        assert await page.evaluate("window.done") == 0


async def said(harbour: Harbour, question: str) -> tuple[RunRecord, Stream]:
    """A run that is over, and its stream, to which the test may add what systems say."""
    agent = harbour.stage.house.agent
    run = await agent.ask(question, caller_name=CAPTAIN.name, caller_role=CAPTAIN.role)
    await agent.idle()
    return run, agent._streams[run.id]


async def see(harbour: Harbour, context: BrowserContext, page: Page, run: RunRecord) -> None:
    """Open the console on this run's conversation."""
    url = f"{harbour.url}/console"
    await context.add_cookies([{"name": "firstmate_conversation", "value": run.session_id, "url": url}])
    await harbour.sign_in(page)
    await expect(page.get_by_test_id("question")).to_have_count(1)


async def test_language_and_shade_are_chosen_kept_and_taken_from_the_browser_at_first(harbour: Harbour) -> None:
    async with harbour.person("shade", locale="zh-CN", color_scheme="dark") as (_, page):
        await harbour.sign_in(page)
        body = page.locator("body")
        await expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
        await expect(body).to_have_class(re.compile("body--dark"))
        await page.get_by_text("集群健康吗？").click()
        await expect(page.get_by_test_id("answer")).to_contain_text("工作负载")
        await page.get_by_test_id("dark").click()
        await expect(body).to_have_class(re.compile("body--light"))
        await page.get_by_test_id("language").click()
        await expect(page.get_by_test_id("language")).to_have_text("中文")
        await expect(page.locator("html")).to_have_attribute("lang", "en")
        await expect(body).to_have_class(re.compile("body--light"))
        await expect(page.get_by_test_id("answer")).to_contain_text("工作负载")


async def test_an_outage_stands_over_the_page_and_goes_with_it(
    harbour: Harbour, monkeypatch: pytest.MonkeyPatch
) -> None:
    play = harbour.stage
    async with harbour.person("outage") as (_, page):
        await harbour.sign_in(page)
        await expect(page.get_by_test_id("banner")).to_be_hidden()
        with monkeypatch.context() as broken:
            broken.setattr(play.house.prometheus, "_wire", Wire("http://127.0.0.1:1", "", 1.0, lambda: 0.0, 4))
            await play.pass_time(90)
            await expect(page.get_by_test_id("banner")).to_contain_text("Prometheus cannot be reached")
        await play.pass_time(90)
        await expect(page.get_by_test_id("banner")).to_be_hidden()


async def test_on_a_phone_the_alerts_come_forward_at_a_press_and_nothing_is_wider_than_the_screen(
    harbour: Harbour,
) -> None:
    async with harbour.person("phone", locale="zh-CN", viewport={"width": 390, "height": 844}) as (_, page):
        await harbour.sign_in(page)
        alerts = page.get_by_test_id("alerts")
        await expect(alerts).to_be_hidden()
        await page.get_by_test_id("bell").click()
        await expect(alerts).to_be_visible()
        assert await page.get_by_test_id("account").evaluate("button => button.getBoundingClientRect().right") <= 390
        await page.get_by_test_id("bell").click()
        await expect(alerts).to_be_hidden()
        await ask(page, "集群健康吗？")
        await expect(page.get_by_test_id("answer")).to_contain_text("工作负载")
        assert await page.evaluate("document.documentElement.scrollWidth") == 390


async def form_done(page: Page) -> None:
    await page.get_by_test_id("do").click()
    await expect(page.get_by_test_id("form")).to_have_count(0)


async def test_an_alert_is_taken_given_silenced_and_closed_on_its_own_page_under_the_visitors_name(
    harbour: Harbour,
) -> None:
    play = harbour.stage
    alert = await play.until_firing("Hostile")
    key = alert["fingerprint"]
    async with harbour.person("alert") as (_, page):
        await harbour.sign_in(page)
        await page.goto(f"{harbour.url}/console/alerts/{key}")
        await expect(page.get_by_test_id("headline")).to_contain_text("Hostile")
        await expect(page.get_by_test_id("labels")).to_contain_text("severity=")
        await expect(page.get_by_test_id("chart").locator("path").first).to_be_attached()
        await expect(page.get_by_test_id("why")).to_contain_text("ops")

        await page.get_by_test_id("acknowledge").click()
        await page.get_by_test_id("note").fill("<b>looking</b>")
        await form_done(page)
        await expect(page.get_by_test_id("history")).to_contain_text("<b>looking</b>")
        await expect(page.get_by_test_id("headline")).to_contain_text("captain has it")

        await page.get_by_test_id("assign").click()
        await page.get_by_test_id("assignee").fill("mo")
        await form_done(page)
        await expect(page.get_by_test_id("headline")).to_contain_text("with mo")

        await page.get_by_test_id("silence").click()
        await expect(page.get_by_test_id("preview")).to_contain_text("keeps quiet: 1")
        await page.get_by_test_id("do").click()
        await expect(page.get_by_test_id("problem")).to_contain_text("comment")
        await page.get_by_test_id("comment").fill("registry is being moved")
        await form_done(page)

        await page.get_by_test_id("close").click()
        await page.get_by_test_id("note").fill("known")
        await form_done(page)
        await expect(page.get_by_test_id("status")).to_have_text("closed")
        now = await play.get(f"/alerts/{key}")
        assert (now["acknowledged_by"], now["assignee"], now["closed_by"]) == ("captain", "mo", "captain")
        (made,) = await play.house.alerts.silences.all()
        assert (made.created_by, made.comment) == ("captain", "registry is being moved")

        await page.get_by_test_id("explain").click()
        await expect(page.get_by_test_id("question")).to_contain_text("Hostile")
        await expect(page).to_have_url(f"{harbour.url}/console/")


@pytest.mark.soak
async def test_silences_are_made_with_their_next_times_changed_and_ended(harbour: Harbour) -> None:
    async with harbour.person("silences") as (_, page):
        await harbour.sign_in(page)
        await page.goto(f"{harbour.url}/console/silences")
        await page.get_by_test_id("new-silence").click()
        await page.get_by_test_id("matchers").fill("nonsense")
        await page.get_by_test_id("comment").fill("backup")
        await page.get_by_test_id("do").click()
        await expect(page.get_by_test_id("problem")).to_contain_text("nonsense")
        await page.get_by_test_id("matchers").fill('job="backup"')
        await page.get_by_test_id("lasts").fill("30d")
        await page.get_by_test_id("recurs").click()
        await page.get_by_test_id("zone").fill("Asia/Shanghai")
        await form_done(page)
        row = page.get_by_test_id("row").filter(has_text="backup")
        await expect(row.get_by_test_id("next-times")).to_contain_text("02:00 – 04:00")
        await expect(row.get_by_test_id("next-times")).to_contain_text("Asia/Shanghai")
        await row.get_by_test_id("change").click()
        await page.get_by_test_id("comment").fill("backup, longer")
        await form_done(page)
        await expect(page.get_by_test_id("row").filter(has_text="backup, longer")).to_have_count(1)
        await row.get_by_test_id("expire").click()
        await expect(row).to_have_count(0)


@pytest.mark.soak
async def test_incidents_are_merged_named_and_split_by_hand(harbour: Harbour) -> None:
    play = harbour.stage
    await play.until_firing("Steady")
    while await play.house.alerts.incidents.tick():
        pass
    found, total = await play.house.desk.incidents.list(Incidents())
    assert total >= 2
    async with harbour.person("incidents") as (_, page):
        await harbour.sign_in(page)
        await page.goto(f"{harbour.url}/console/incidents")
        boxes = page.get_by_test_id("choose")
        await expect(boxes).to_have_count(total)
        await expect(page.get_by_test_id("merge")).to_be_hidden()
        await boxes.nth(0).click()
        await boxes.nth(1).click()
        await page.get_by_test_id("merge").click()
        await page.get_by_test_id("note").fill("one cause")
        await form_done(page)
        await expect(boxes).to_have_count(total - 1)
        into = min(found[:2], key=lambda each: (each.first_at, each.id))
        await page.goto(f"{harbour.url}/console/incidents/{into.id}")
        members = page.get_by_test_id("member")
        await expect(members.nth(1)).to_be_visible()
        await page.get_by_test_id("rename").click()
        await page.get_by_test_id("title").fill("<i>Bad night</i>")
        await form_done(page)
        await expect(page.get_by_test_id("headline")).to_contain_text("<i>Bad night</i>")
        await members.first.get_by_test_id("choose").click()
        await page.get_by_test_id("split").click()
        await page.get_by_test_id("do").click()
        await expect(members).to_have_count(1)
        assert into.id not in page.url
        await page.goto(f"{harbour.url}/console/incidents/{into.id}")
        await expect(page.get_by_test_id("arrangement").last).to_contain_text("one cause")
        await page.get_by_test_id("undo").click()
        await expect(page.get_by_test_id("arranged")).to_contain_text("taken back by captain")


@pytest.mark.soak
async def test_a_rule_is_tried_on_the_past_saved_changed_restored_and_switched_off(harbour: Harbour) -> None:
    async with harbour.person("rules") as (_, page):
        await harbour.sign_in(page)
        await page.goto(f"{harbour.url}/console/rules")
        await expect(page.get_by_test_id("standing").first).to_be_visible()
        await page.get_by_test_id("new-rule").click()
        await page.get_by_test_id("rule-name").fill("Tried")
        await page.get_by_test_id("rule-watched").fill("up ==")
        await page.get_by_test_id("do").click()
        await expect(page.get_by_test_id("problem")).to_contain_text("not valid PromQL")
        await expect(page.locator(".q-field--error").get_by_test_id("rule-watched")).to_be_visible()
        await page.get_by_test_id("rule-watched").fill("vector(1) > 0")
        await page.get_by_test_id("rule-hold").fill("0s")
        await page.get_by_test_id("try").click()
        await expect(page.get_by_test_id("would-fire")).to_contain_text("Would have fired 1 times")
        await form_done(page)
        await page.get_by_test_id("filter-name").fill("tried")
        await expect(page.get_by_test_id("row")).to_have_count(1)
        await page.get_by_role("link", name="Tried").click()
        await expect(page.get_by_test_id("version")).to_have_count(1)
        await page.get_by_test_id("change").click()
        await page.get_by_test_id("rule-watched").fill("vector(2) > 0")
        await form_done(page)
        await expect(page.get_by_test_id("expression")).to_have_text("vector(2) > 0")
        await page.get_by_test_id("restore").click()
        await expect(page.get_by_test_id("expression")).to_have_text("vector(1) > 0")
        await page.get_by_test_id("switch").click()
        await expect(page.get_by_test_id("standing")).to_have_text("disabled")
        (kept,) = [each for each in await harbour.stage.house.alerts.book.all() if each.definition.name == "Tried"]
        assert (kept.enabled, kept.version, kept.updated_by) == (False, 4, "captain")


@pytest.mark.soak
async def test_a_route_is_found_by_labels_and_a_receiver_is_tried(harbour: Harbour) -> None:
    async with harbour.person("routes") as (_, page):
        await harbour.sign_in(page)
        await page.goto(f"{harbour.url}/console/routes")
        await expect(page.get_by_test_id("node")).to_have_count(2)
        await page.get_by_test_id("route-labels").fill('namespace="elsewhere"')
        await expect(page.get_by_test_id("would-go")).to_have_text("It would go to: night")
        await expect(page.locator(".fm-node.taken")).to_contain_text("night")
        await page.get_by_test_id("route-labels").fill("nonsense")
        await expect(page.get_by_test_id("answer")).to_contain_text("not a matcher")
        await page.get_by_test_id("receiver").filter(has_text="night").get_by_test_id("test").click()
        await expect(page.get_by_test_id("outcome")).to_contain_text("the test message failed")


async def test_a_viewer_reads_every_page_and_is_offered_nothing_to_do(harbour: Harbour) -> None:
    alert = (await harbour.stage.firing())[0]
    viewer = Caller(name="vera", role="viewer", via="console")
    async with harbour.person("looker", locale="zh-CN", viewport={"width": 390, "height": 844}) as (_, page):
        await harbour.sign_in(page, viewer)
        acts = (
            "acknowledge",
            "assign",
            "close",
            "silence",
            "new-silence",
            "change",
            "expire",
            "choose",
            "rename",
            "new-rule",
        )
        for path in (
            f"alerts/{alert['fingerprint']}",
            "alerts",
            "silences",
            "incidents",
            "rules",
            "routes",
            "cases",
            "knowledge",
        ):
            await page.goto(f"{harbour.url}/console/{path}")
            await expect(
                page.get_by_test_id("row")
                .or_(page.get_by_test_id("headline"))
                .or_(page.get_by_test_id("empty"))
                .or_(page.get_by_test_id("node"))
                .first
            ).to_be_attached()
            assert [act for act in acts if await page.get_by_test_id(act).count()] == []
            assert await page.evaluate("document.documentElement.scrollWidth") == 390
        await page.get_by_test_id("menu").click()
        await page.get_by_role("link", name="静默").click()
        await expect(page).to_have_url(f"{harbour.url}/console/silences")


async def test_a_page_is_found_read_in_the_other_language_and_printed(harbour: Harbour) -> None:
    async with harbour.person("knowledge") as (_, page):
        await harbour.sign_in(page)
        await page.goto(f"{harbour.url}/console/knowledge?tag=crash")
        await expect(page.get_by_test_id("row").first).to_be_visible()
        for width in (1280, 1024, 1000, 830, 390):
            await page.set_viewport_size({"width": width, "height": 800})
            assert await page.locator(".fm-head").evaluate("head => head.scrollWidth") == width
        await page.set_viewport_size({"width": 1280, "height": 800})
        box = page.get_by_test_id("knowledge-ask")
        await box.fill("quarterly tax return of the bakery")
        await expect(page.get_by_test_id("nothing")).to_contain_text("No page")
        await box.fill("container keeps crashing CrashLoopBackOff")
        hit = page.get_by_test_id("hit").first
        await expect(hit).to_contain_text("CrashLoopBackOff")
        assert "q=container" in page.url
        await hit.get_by_role("link").press("Enter")
        text = page.get_by_test_id("text")
        await expect(text.locator("h2").first).to_have_text("Symptom")
        await expect(page.get_by_test_id("facts")).to_contain_text("runbooks/en/application_crash.md")
        await expect(page.get_by_test_id("checks")).to_contain_text("get_object kind=Pod")
        await page.emulate_media(media="print")
        await expect(page.get_by_test_id("print")).to_be_hidden()
        await expect(page.get_by_test_id("ways")).to_be_hidden()
        await expect(text).to_be_visible()
        await page.emulate_media(media="screen")
        await page.get_by_test_id("other-language").click()
        await expect(text.locator("h2").first).to_have_text("症状")
        await page.goto(f"{harbour.url}/console/knowledge/no_such_page")
        await expect(page.get_by_test_id("problem")).to_contain_text("no page no_such_page")


@pytest.mark.soak
async def test_a_case_is_found_put_right_judged_confirmed_and_rejected(harbour: Harbour) -> None:
    play = harbour.stage
    alert = await play.until_firing("Steady")
    while await play.house.alerts.incidents.tick():
        pass
    incident = await play.house.desk.incidents.of_alert(alert["fingerprint"])
    assert incident is not None
    hostile = Words(en=HOSTILE, zh=HOSTILE)
    sighted = [Sighting(name="Steady", labels={"namespace": "elsewhere", HOSTILE: HOSTILE}, summary=hostile)]
    await play.house.cases.write(lesson("c1", title=hostile, namespace="elsewhere", alerts=sighted), ended=True)
    async with harbour.person("case") as (context, page):
        await harbour.sign_in(page)
        await page.goto(f"{harbour.url}/console/incidents/{incident.id}")
        past = page.get_by_test_id("precedent").first
        await expect(past).to_contain_text("the same alert Steady")
        await past.get_by_role("link").click()
        await expect(page).to_have_url(f"{harbour.url}/console/cases/c1")
        await expect(page.get_by_test_id("standing")).to_contain_text("nobody has confirmed it")
        await page.get_by_test_id("star-4").press("Enter")
        await expect(page.get_by_test_id("rated")).to_have_text("4 of 5, 1 ratings")
        await page.get_by_test_id("edit").click()
        await page.get_by_test_id("title").fill("The steady one")
        await page.get_by_test_id("edit-fix").fill(HOSTILE)
        await page.get_by_test_id("edit-tags").fill("night, steady")
        await form_done(page)
        await expect(page.get_by_test_id("fix")).to_contain_text("<script>pwned()</script>")
        await page.get_by_test_id("confirm").click()
        await expect(page.get_by_test_id("standing")).to_contain_text("Confirmed by captain")
        await expect(page.get_by_test_id("version")).to_have_count(3)
        await page.goto(f"{harbour.url}/console/cases?tag=steady")
        await page.get_by_test_id("row").get_by_role("link", name="The steady one").click()
        await context.clear_cookies(name="firstmate_session")
        await harbour.sign_in(page, Caller(name="vera", role="viewer", via="console"))
        await page.goto(f"{harbour.url}/console/cases/c1")
        await expect(page.get_by_test_id("may-not")).to_be_visible()
        assert await page.get_by_test_id("star-4").count() == await page.get_by_test_id("reject").count() == 0
        await context.clear_cookies(name="firstmate_session")
        await harbour.sign_in(page)
        await page.goto(f"{harbour.url}/console/cases/c1")
        await page.get_by_test_id("reject").click()
        await page.get_by_test_id("do").click()
        await expect(page.get_by_test_id("empty")).to_be_visible()


async def test_signing_out_closes_the_console(harbour: Harbour) -> None:
    async with harbour.person("out") as (_, page):
        await harbour.sign_in(page)
        await page.get_by_test_id("account").click()
        await page.get_by_test_id("logout").click()
        await expect(page.get_by_placeholder("Token")).to_be_visible()
        await page.goto(f"{harbour.url}/console/")
        await expect(page.get_by_placeholder("Token")).to_be_visible()
