"""What the health page asks of each part, as short questions whose answer is a sentence."""

from collections.abc import Mapping
from urllib.parse import urlsplit

import httpx

from agent.run import Agent
from alerts.desk import AlertDesk
from alerts.reloading import Reloader
from api.health import Check
from core.config import Settings
from core.database import Database
from core.errors import NotConfigured, Upstream
from knowledge_base.index.choice import Wish as IndexWish
from knowledge_base.index.choice import connected
from knowledge_base.knowledge import Knowledge
from tools.clients.kubernetes import Clusters
from tools.clients.prometheus import Prometheus


def checks(
    settings: Settings,
    database: Database,
    prometheus: Prometheus,
    clusters: Clusters,
    agent: Agent,
    knowledge: Knowledge,
    desk: AlertDesk,
    reloader: Reloader,
) -> Mapping[str, Check]:
    return {
        "database": lambda: _database(database),
        "prometheus": lambda: _prometheus(prometheus),
        "kubernetes": lambda: _kubernetes(clusters),
        "llm_service": lambda: _model(settings),
        "tools": lambda: _tools(agent),
        "vector_store": lambda: _knowledge(knowledge),
        "evaluator": lambda: _evaluator(desk),
        "alert_files": lambda: _files(reloader),
        "redis": lambda: _redis(settings, knowledge),
    }


async def _database(database: Database) -> str:
    await database.ping()
    return f"{database.engine.dialect.name} answers"


async def _prometheus(prometheus: Prometheus) -> str:
    return f"version {await prometheus.ready()}"


async def _kubernetes(clusters: Clusters) -> str:
    cluster = await clusters.get()
    return f"context {cluster.context}, version {await cluster.version()}"


async def _model(settings: Settings) -> str:
    """Asks for the list of models: that costs nothing, and shows whether endpoint and key are good."""
    if not settings.llm_base_url or not settings.llm_model:
        return "the offline planner answers; set LLM_BASE_URL and LLM_MODEL for a model"
    url = f"{settings.llm_base_url.rstrip('/')}/models"
    headers = {"Authorization": f"Bearer {settings.llm_api_key.get_secret_value()}"}
    try:
        async with httpx.AsyncClient(timeout=4.0) as http:
            answer = await http.get(url, headers=headers)
    except httpx.HTTPError as error:
        raise Upstream("The model endpoint", f"did not answer: {type(error).__name__}", retryable=True) from error
    if answer.status_code in {401, 403}:
        raise Upstream("The model endpoint", f"refuses the key ({answer.status_code})", retryable=False)
    if answer.status_code >= 500:
        raise Upstream("The model endpoint", f"answered {answer.status_code}", retryable=True)
    return f"{settings.llm_model} at {urlsplit(url).hostname}"


async def _tools(agent: Agent) -> str:
    state = str(agent.describe()["hands"])
    if state != "up":
        raise Upstream("The tool server", f"is {state}", retryable=True)
    return "connected"


async def _knowledge(knowledge: Knowledge) -> str:
    if not knowledge.pages():
        raise Upstream("The knowledge index", "holds no page", retryable=False)
    return f"{len(knowledge.pages())} pages; index: {knowledge.index}"


async def _evaluator(desk: AlertDesk) -> str:
    if desk.trouble:
        raise Upstream("The evaluator", f"has no answers: {desk.trouble}", retryable=True)
    failing = [rule["name"] for rule in desk.rules() if rule["health"] == "failing"]
    if failing:
        raise Upstream("The evaluator", f"cannot evaluate {', '.join(failing[:5])}", retryable=True)
    return f"{len(desk.rules())} rules"


async def _files(reloader: Reloader) -> str:
    for complaint in reloader.complaints.values():
        raise Upstream(
            "A changed file", f"cannot be used, what was read before stays in force: {complaint}", retryable=False
        )
    return "rules and routes are as their files say"


async def _redis(settings: Settings, knowledge: Knowledge) -> str:
    wish = redis_of(settings)
    if not wish.configured:
        raise NotConfigured("Redis", "set REDIS_URL or REDIS_HOST; the knowledge is indexed in memory without it")
    client = connected(wish)
    if client is None:
        raise NotConfigured("Redis", "its client is not installed (extra redis)")
    from redis.exceptions import RedisError

    try:
        info = await client.info("server")
    except (RedisError, OSError) as error:
        raise Upstream("Redis", f"did not answer: {type(error).__name__}", retryable=True) from error
    finally:
        await client.aclose()
    held = "holds the knowledge index" if knowledge.index == "redis" else "the knowledge index is in memory"
    return f"version {info['redis_version']}; {held}"


def redis_of(settings: Settings, owner: str = "") -> IndexWish:
    return IndexWish(
        choice=settings.knowledge_index,
        url=settings.redis_url.get_secret_value(),
        host=settings.redis_host,
        port=settings.redis_port,
        db=settings.redis_db,
        password=settings.redis_password.get_secret_value(),
        owner=owner,
    )
