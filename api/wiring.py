"""The composition root: everything is built here, in one straight line, from the settings and a clock.

Each thing that must be closed says so as soon as it exists, by name; at the end they are closed in reverse, and one that fails to close is
logged and does not keep the others open. Background loops are started last, when all that they use is there, and stopped first.
"""

import asyncio
import os
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version
from secrets import token_hex
from typing import Any, cast
from uuid import uuid4

from mcp.server import Server as McpServer

from agent.run import Agent
from alerts.board import Board
from alerts.desk import AlertDesk
from alerts.escalation.afterwards import Afterwards
from alerts.escalation.escalator import Escalator, build_escalation
from alerts.evaluator import Evaluator
from alerts.feed import Feed
from alerts.incidents.book import IncidentBook
from alerts.incidents.servicemap import ServiceMap, Surroundings, service_map
from alerts.intake import Intake
from alerts.keeping.keeper import Keeper, Terms
from alerts.keeping.removals import removals
from alerts.notify import pipeline
from alerts.notify.channels import Shared
from alerts.notify.outbox import Outbox
from alerts.notify.pipeline import Notifier, Routing
from alerts.notify.posted import PostedMessages
from alerts.notify.records import Records
from alerts.notify.workshop import build_channels, limits_of
from alerts.patience import survive
from alerts.pictures.asking import Asker
from alerts.pictures.gallery import Gallery
from alerts.pictures.links import Links
from alerts.reloading import Reloader
from alerts.rulebook.book import RuleBook
from alerts.rulebook.forests import Forests
from alerts.rulebook.shelf import Shelf
from alerts.rulebook.unittests import UnitTests
from alerts.rules import load_rules
from alerts.silences import Silences
from alerts.store import AlertStore
from alerts.tools import AlertTools
from api.auth.doorkeeper import Doorkeeper
from api.checks import checks, redis_of
from api.doors import McpApprovals, McpResources, agent_for
from api.files import read_alert_config, read_escalations, sources
from api.health import Health
from api.lease import RENEW, Lease
from api.lessons.finding import examiner
from api.lessons.watch import Lessons
from api.rootcause import RootCauses
from core.clock import Clock, SystemClock
from core.config import Settings
from core.database import Database, migrate
from core.errors import FirstmateError
from core.logs import get
from core.metrics import Metrics
from core.redact import Redactor
from core.secrets import load_or_create_key, resolve
from knowledge_base.cases.book import CaseBook
from knowledge_base.cases.tools import CaseTools
from knowledge_base.embedders.choice import Wish, chosen
from knowledge_base.index.choice import chosen as index_chosen
from knowledge_base.knowledge import SHIPPED, Knowledge
from knowledge_base.sources.web import Web
from knowledge_base.tools import KnowledgeTools
from mcp_server import server as mcp_server
from mcp_server.guard import Guard
from tools.autofix.guard import Policy
from tools.autofix.plan import AlertFacts
from tools.autofix.run import Repairs
from tools.catalog import Services, catalog
from tools.catalog.pages import Pages
from tools.clients.kubernetes import Clusters, KubernetesAccess
from tools.clients.prometheus import Prometheus
from tools.collect import Collector
from tools.collect.topology import read_topology
from tools.spec import Toolbox

SWEEP_SECONDS = 600.0
Loop = Callable[[], Awaitable[None]]
_log = get(__name__)


@dataclass(frozen=True, slots=True)
class House:
    """Everything that a door may use; built once, never changed."""

    settings: Settings
    version: str
    clock: Clock
    metrics: Metrics
    redactor: Redactor
    database: Database
    prometheus: Prometheus
    clusters: Clusters
    repairs: Repairs
    alerts: "AlertSide"
    knowledge: Knowledge
    cases: CaseBook
    lessons: Lessons
    toolbox: Toolbox
    root_causes: RootCauses
    doorkeeper: Doorkeeper
    health: Health
    guard: Guard
    mcp: McpServer[Any]
    agent: Agent
    admin_token: str
    started_at: datetime
    lease: Lease | None
    """Where several replicas share the records; None where they are this process's own."""

    @property
    def desk(self) -> AlertDesk:
        return self.alerts.desk

    def watch(self) -> dict[str, Loop]:
        """What one of several replicas does for all, in the order of starting."""
        return {
            "outbox": self.alerts.outbox.run,
            "intake": self.alerts.intake.run,
            "notifier": self.alerts.notifier.run,
            "surroundings": self.alerts.incidents.around.run,
            "incidents": self.alerts.incidents.run,
            "escalator": self.alerts.escalator.run,
            "evaluator": self.alerts.evaluator.run,
            "keeper": self.alerts.keeper.run,
            "repairs": self.repairs.run,
            "lessons": self.lessons.run,
            "vectors": self.knowledge.complete,
        }

    def chores(self) -> dict[str, Loop]:
        """What every process does for itself."""
        return {
            "reloader": self.alerts.reloader.run,
            "agent": self.sweep,
            "tokens": self.doorkeeper.run,
            "knowledge": self.knowledge.run,
            "health": self.health.run,
        }

    async def recover(self) -> None:
        """Take up what the last process left: only for the one that owns the data folder."""
        await self.take_over()
        await self.agent.recover()

    async def take_over(self) -> None:
        """What whoever kept the watch before has left in the records that all replicas share."""
        await self.alerts.restore()
        await self.repairs.resume()

    async def sweep(self) -> None:
        while True:
            try:
                await self.agent.sweep()
            except FirstmateError as error:
                _log.warning("old conversations could not be swept", reason=error.sentence)
            await self.clock.sleep(SWEEP_SECONDS)


@dataclass(frozen=True, slots=True)
class AlertSide:
    """From a number to one message: what decides, what tells, and the desk in front of both."""

    evaluator: Evaluator
    routing: Routing
    notifier: Notifier
    intake: Intake
    outbox: Outbox
    desk: AlertDesk
    board: Board
    silences: Silences
    shelf: Shelf
    book: RuleBook
    incidents: IncidentBook
    escalator: Escalator
    reloader: Reloader
    keeper: Keeper
    gallery: Gallery
    unit_tests: UnitTests = field(default_factory=UnitTests)

    async def restore(self) -> None:
        # Before the first turn, in this order: all rules, so that no alert is let go of for want of its own; then states, then what
        # receivers believe of them, then what still waits to be sent.
        await self.shelf.refresh()
        await self.evaluator.restore()
        await self.intake.restore()
        await self.notifier.restore()
        await self.escalator.restore()
        await self.incidents.restore()
        await self.outbox.restore()


@asynccontextmanager
async def build(settings: Settings, clock: Clock | None = None) -> AsyncIterator[House]:
    """The whole house, closed in reverse when the block ends."""
    async with AsyncExitStack() as closing:
        yield await _build(settings, clock or SystemClock(), closing)


async def _build(settings: Settings, clock: Clock, closing: AsyncExitStack) -> House:
    # Straight down, each thing from those above it; the length is the length of the list of parts.
    data = settings.data_dir
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = settings.secret_key.get_secret_value() or load_or_create_key(data / "key")
    admin_token = settings.api_token.get_secret_value() or load_or_create_key(data / "token")
    metrics, redactor = Metrics(), Redactor(key)

    await migrate(settings.records_url)
    database = Database(settings.records_url, failed=metrics.database_failures.inc)
    _closes(closing, "database", database.close)
    prometheus = Prometheus(
        settings.prometheus_url, settings.prometheus_token.get_secret_value(), settings.prometheus_timeout, clock=clock
    )
    _closes(closing, "prometheus", prometheus.close)
    clusters = Clusters(_access(settings), clock=clock)
    _closes(closing, "clusters", clusters.close)
    collector = Collector(clusters, prometheus, clock)
    alerts = _alert_side(settings, database, prometheus, clusters, clock, metrics, redactor, key, closing)

    repairs = Repairs(
        database=database,
        clusters=clusters,
        prometheus=prometheus,
        collector=collector,
        clock=clock,
        policy=_policy(settings),
        key=key,
        metrics=metrics,
        lookup=_lookup(alerts.desk),
    )
    _closes(closing, "repairs", repairs.close)
    knowledge = Knowledge(
        database=database,
        clock=clock,
        folders=(SHIPPED, *settings.knowledge_dirs),
        metrics=metrics,
        embedder=chosen(_embeddings(settings), settings.data_dir),
        web=Web(hosts=settings.knowledge_hosts),
        index=await index_chosen(redis_of(settings, owner=_owner(key))),
    )
    _closes(closing, "knowledge", knowledge.close)
    await knowledge.load()
    services = Services(
        clusters=clusters, prometheus=prometheus, pages=Pages(clock), collector=collector, repairs=repairs
    )
    cases = CaseBook(database=database, clock=clock, terms=knowledge.terms, redact=redactor.value)
    lessons = Lessons(cases, alerts.desk, repairs, examiner(collector.collect), clock)
    written = [*KnowledgeTools(knowledge).all(), *CaseTools(cases).all()]
    declared = [*catalog(services), *AlertTools(alerts.desk).all(), *written]
    toolbox = Toolbox(declared, clock=clock, redactor=redactor, metrics=metrics)

    doorkeeper = Doorkeeper(admin_token=admin_token, key=key, database=database, clock=clock)
    guard = Guard(clock=clock, key=key, verify_token=doorkeeper.for_mcp, language=settings.language)
    mcp = _mcp(toolbox, alerts.desk, knowledge, repairs, redactor, guard)
    agent = agent_for(settings, mcp, database, clock, metrics, redactor, key, knowledge)
    _closes(closing, "agent", agent.close)
    await agent.start()
    health = Health(
        checks(settings, database, prometheus, clusters, agent, knowledge, alerts.desk, alerts.reloader),
        clock,
        version(),
    )
    return House(
        settings=settings,
        version=version(),
        clock=clock,
        metrics=metrics,
        redactor=redactor,
        database=database,
        prometheus=prometheus,
        clusters=clusters,
        repairs=repairs,
        alerts=alerts,
        knowledge=knowledge,
        cases=cases,
        lessons=lessons,
        toolbox=toolbox,
        root_causes=RootCauses(toolbox, collector, prometheus, clock, redactor, settings.k8s_namespace),
        doorkeeper=doorkeeper,
        health=health,
        guard=guard,
        mcp=mcp,
        agent=agent,
        admin_token=admin_token,
        started_at=clock.now(),
        lease=Lease(database, "watch", token_hex(8), clock) if _is_shared(database) else None,
    )


def _owner(key: str) -> str:
    """Replicas share the key, and so the index; another installation on the same Redis has its own."""
    return blake2b(b"knowledge index", key=key.encode()[:64], digest_size=6).hexdigest()


def _alert_side(
    settings: Settings,
    database: Database,
    prometheus: Prometheus,
    clusters: Clusters,
    clock: Clock,
    metrics: Metrics,
    redactor: Redactor,
    key: str,
    closing: AsyncExitStack,
) -> AlertSide:
    store, records, feed = AlertStore(database), Records(database), Feed()
    incidents = IncidentBook(database, store, clock, around=Surroundings(_map_of(clusters, prometheus, clock), clock))
    silences = Silences(database, clock, lambda: str(uuid4()))
    gallery = Gallery(
        database=database,
        prometheus=prometheus,
        clock=clock,
        links=Links(key, settings.public_url),
        redact=redactor.value,
    )
    _closes(closing, "gallery", gallery.close)
    asks = Asker(lambda rule_id: evaluator.rule(rule_id), prometheus.url)
    shared = Shared(
        clock=clock,
        language=settings.language,
        timeout=settings.webhook_timeout,
        redact=redactor.value,
        secret=lambda written: resolve(written, os.environ, settings.secret_key.get_secret_value()),
        memory=PostedMessages(database, clock),
        pictures=gallery,
    )
    config = read_alert_config(settings)
    receivers, channels = build_channels(config, shared)
    outbox = Outbox(
        channels=channels,
        records=records,
        clock=clock,
        metrics=metrics,
        random=random.random,
        limits=limits_of(config),
    )
    _closes(closing, "channels", outbox.close)
    routing = Routing(config, receivers)
    stages = pipeline.build(
        store=store,
        records=records,
        routing=routing,
        silences=silences,
        external_url=settings.public_url,
        written=outbox.wake,
        asks=asks,
    )
    notifier = Notifier(pipeline=stages, routing=routing, store=store, records=records, clock=clock)
    afterwards = Afterwards(
        store=store,
        records=records,
        routing=routing,
        database=database,
        clock=clock,
        external_url=settings.public_url,
        written=outbox.wake,
        changed=feed.publish,
    )
    escalator = Escalator(
        afterwards=afterwards,
        escalations=read_escalations(settings, receivers),
        pipeline=build_escalation(
            store=store,
            records=records,
            routing=routing,
            silences=silences,
            external_url=settings.public_url,
            written=outbox.wake,
            asks=asks,
        ),
        routing=routing,
        database=database,
        clock=clock,
    )
    files = load_rules(settings.rules_files, interval=settings.evaluation_interval)
    forests = Forests(prometheus, clock, metrics)
    _closes(closing, "forests", forests.close)
    evaluator = Evaluator(
        groups=files,
        prometheus=prometheus,
        store=store,
        clock=clock,
        metrics=metrics,
        listeners=(notifier.put, incidents.put, feed.put),
        timeout=settings.prometheus_timeout,
        external_url=settings.public_url,
        forests=forests,
    )
    intake = Intake(
        store=store,
        clock=clock,
        patience=lambda: routing.config.resolve_timeout,
        listeners=(notifier.put, incidents.put, feed.put),
    )
    desk = AlertDesk(store=store, records=records, evaluator=evaluator, feed=feed, clock=clock, incidents=incidents)
    shelf = Shelf(files, timedelta(seconds=settings.evaluation_interval), evaluator.reload)
    book = RuleBook(database, clock, lambda: f"rule-{token_hex(6)}", shelf.refresh)
    shelf.keep(book)
    reloader = Reloader(sources(settings, shared, shelf, notifier, outbox, escalator), clock)
    return AlertSide(
        evaluator=evaluator,
        routing=routing,
        notifier=notifier,
        intake=intake,
        outbox=outbox,
        desk=desk,
        board=Board(routing, silences, clock),
        silences=silences,
        shelf=shelf,
        book=book,
        incidents=incidents,
        escalator=escalator,
        reloader=reloader,
        keeper=Keeper(removals=removals(database, _terms(settings)), clock=clock, metrics=metrics),
        gallery=gallery,
    )


def _terms(settings: Settings) -> Terms:
    return Terms(
        history=timedelta(days=settings.alert_history_days),
        bodies=timedelta(days=settings.message_days),
        silences=timedelta(hours=settings.silence_hours),
    )


def _map_of(clusters: Clusters, prometheus: Prometheus, clock: Clock) -> Callable[[], Awaitable[ServiceMap]]:
    async def read() -> ServiceMap:
        found = await read_topology(clusters, prometheus, clock)
        return service_map(found.calls, found.runs_on, found.makers, found.behind, found.missing)

    return read


def _is_shared(database: Database) -> bool:
    return database.engine.dialect.name != "sqlite"


def mcp_for(house: House, local: Guard) -> McpServer[Any]:
    """The same tools behind another guard: for a process on standard input, which its user has started."""
    return _mcp(house.toolbox, house.desk, house.knowledge, house.repairs, house.redactor, local)


def _mcp(
    toolbox: Toolbox, desk: AlertDesk, knowledge: Knowledge, repairs: Repairs, redactor: Redactor, guard: Guard
) -> McpServer[Any]:
    return mcp_server.build(
        toolbox=toolbox,
        resources=McpResources(desk, knowledge, redactor),
        approvals=McpApprovals(repairs),
        guard=guard,
        version=version(),
    )


def _access(settings: Settings) -> KubernetesAccess:
    return KubernetesAccess(
        config_path=settings.k8s_config_path,
        in_cluster=settings.k8s_in_cluster,
        context=settings.k8s_context,
        namespace=settings.k8s_namespace,
        timeout=settings.k8s_timeout,
    )


def _embeddings(settings: Settings) -> Wish:
    return Wish(
        settings.embedding_model,
        settings.embedding_base_url,
        settings.embedding_api_key.get_secret_value(),
        settings.embedding_timeout,
    )


def _policy(settings: Settings) -> Policy:
    return Policy(
        protected_namespaces=settings.protected_namespaces,
        max_replicas=settings.max_replicas,
        approval_seconds=settings.approval_minutes * 60,
        verify_seconds=settings.verify_seconds,
    )


def _lookup(desk: AlertDesk) -> Callable[[str], Awaitable[AlertFacts | None]]:
    """The question that raised an alert, for a repair to ask again when it checks whether it helped."""

    async def lookup(fingerprint: str) -> AlertFacts | None:
        found = await desk.facts(fingerprint)
        return AlertFacts(fingerprint, *found) if found else None

    return lookup


@asynccontextmanager
async def running(house: House) -> AsyncIterator[None]:
    """Everything that goes on in the background, for as long as the block lasts.

    Only for a process that owns its data folder (`api.ownership`). Where the records are shared with other replicas, the watch is kept by
    the one that holds the lease, and the others stand by.
    """
    await house.agent.recover()
    async with _going(house.chores()):
        if house.lease is None:
            await house.take_over()
            async with _going(house.watch()):
                yield
        else:
            house.alerts.intake.is_open = False
            async with _going({"lease": lambda: stand_by(house, cast("Lease", house.lease))}):
                yield
            await house.lease.release()


async def stand_by(house: House, lease: Lease) -> None:
    while True:
        if await lease.look():
            _log.info("this replica keeps the watch now")
            await survive(_keep_watch(house, lease), None, "the watch could not be kept")
            _log.warning("this replica keeps the watch no longer")
        await house.clock.sleep(RENEW)


async def _keep_watch(house: House, lease: Lease) -> None:
    await house.take_over()
    async with _going(house.watch()):
        house.alerts.intake.is_open = True
        try:
            while await lease.look():
                await house.clock.sleep(RENEW)
        finally:
            house.alerts.intake.is_open = False


@asynccontextmanager
async def _going(loops: Mapping[str, Loop]) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(_watched(name, loop), name=name) for name, loop in loops.items()]
    try:
        yield
    finally:
        for task in reversed(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _watched(name: str, loop: Callable[[], Awaitable[None]]) -> None:
    try:
        await loop()
    except asyncio.CancelledError:
        raise
    except Exception:
        # A loop guards its own turns; one that ends all the same is a bug, and must be seen rather than missed.
        _log.exception("background loop ended", loop=name)
        raise


def version() -> str:
    try:
        return installed_version("firstmate")
    except PackageNotFoundError:
        return "0+checkout"


def _closes(closing: AsyncExitStack, name: str, close: Callable[[], Awaitable[None]]) -> None:
    async def guarded() -> None:
        try:
            await close()
        except Exception:  # noqa: BLE001 - one part that fails to close must not keep the others open
            _log.exception("could not close", part=name)

    closing.push_async_callback(guarded)
