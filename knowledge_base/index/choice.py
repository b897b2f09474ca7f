"""Which index the settings mean, and what a Redis server can do.

`auto` takes Redis where one is configured and has the Query Engine, and else the index in memory; `redis` insists. A server that does not
answer at the start is taken at its word later: the knowledge base searches in memory until it comes back.
"""

from dataclasses import dataclass
from typing import Any, Literal

from core.errors import NotConfigured, Upstream
from core.logs import get
from knowledge_base.index.redis import RedisIndex

Choice = Literal["auto", "local", "redis"]
OLDEST = 21_000
"""Query Engine 2.10, which came with Redis Stack 7.4: the first that adds scores to an aggregation."""
CONNECT_SECONDS = 2.0
CALL_SECONDS = 10.0
_log = get(__name__)


@dataclass(frozen=True, slots=True)
class Wish:
    choice: Choice = "auto"
    url: str = ""
    host: str = ""
    port: int = 6379
    db: int = 0
    password: str = ""
    owner: str = ""
    """Replicas of one installation share it, and with it their index."""

    @property
    def configured(self) -> bool:
        return bool(self.url or self.host)

    @property
    def root(self) -> str:
        return f"firstmate:kb:{self.owner}" if self.owner else "firstmate:kb"


async def chosen(wish: Wish) -> RedisIndex | None:
    """Nothing where the index in memory is meant."""
    if wish.choice == "local" or (wish.choice == "auto" and not wish.configured):
        return None
    if not wish.configured:
        raise NotConfigured("The knowledge index in Redis", "set REDIS_URL or REDIS_HOST")
    client = connected(wish)
    if client is None:
        return None
    why_not = await lacking(client)
    if not why_not:
        return RedisIndex(client, wish.root)
    await client.aclose()
    if wish.choice == "redis":
        raise NotConfigured("The knowledge index in Redis", f"this server {why_not}")
    _log.info("the knowledge index stays in memory", why=f"Redis {why_not}")
    return None


async def lacking(client: Any) -> str:
    """What keeps this server from holding the index; nothing, too, where it does not answer just now."""
    from redis.exceptions import RedisError

    if client.connection_pool.connection_kwargs.get("db"):
        return "is used by a database other than 0, and its Query Engine works in database 0 only"
    try:
        version = await engine(client)
    except (RedisError, OSError, Upstream) as error:
        _log.warning("Redis does not answer; the knowledge is searched in memory", why=type(error).__name__)
        return ""
    if version is None:
        return "has no Query Engine (Redis 8, or Redis Stack 7.4, has)"
    return f"has Query Engine {version}, and 2.10 is the first that serves" if version < OLDEST else ""


async def engine(client: Any) -> int | None:
    """The Query Engine's version as a number (21005 is 2.10.5), or nothing where there is none."""
    from redis.exceptions import ResponseError

    try:
        modules = await client.execute_command("MODULE", "LIST")
    except ResponseError as error:
        raise Upstream("Redis", "does not say which modules it has", retryable=False) from error
    for module in modules:
        facts = dict(zip(module[::2], module[1::2], strict=True)) if isinstance(module, list) else module
        if facts.get(b"name") == b"search":
            return int(facts[b"ver"])
    return None


def connected(wish: Wish) -> Any:
    """A client with an end to every wait; nothing where the extra is not installed."""
    try:
        # At the start: a fifth of a second that no search has to wait for.
        import redisvl.index
        import redisvl.query  # noqa: F401
        from redis.asyncio import Redis
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff
    except ImportError:
        if wish.choice == "redis":
            raise NotConfigured("The knowledge index in Redis", "pip install 'firstmate[redis]'") from None
        return None
    # RESP2, whose answers are alike in every version. One more try, because a connection that lay idle may be dead.
    kept: dict[str, Any] = {
        "protocol": 2,
        "socket_connect_timeout": CONNECT_SECONDS,
        "socket_timeout": CALL_SECONDS,
        "retry": Retry(NoBackoff(), 1),
        "health_check_interval": 30,
    }
    if wish.url:
        return Redis.from_url(wish.url, **kept)
    return Redis(host=wish.host, port=wish.port, db=wish.db, password=wish.password or None, **kept)
