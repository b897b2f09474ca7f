"""Running the house: as a server, for the length of one command, or as MCP on standard input and output.

A server that listens on this machine writes its address and token into its data folder, readable by its owner alone, so that the command
line finds it; the note is removed when it stops.
"""

import asyncio
import contextlib
import gc
import os
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import orjson
import uvicorn

from api.auth.doorkeeper import Doorkeeper
from api.client import RUNNING
from api.ownership import owned
from core import logs
from core.clock import SystemClock
from core.config import Loaded, Settings
from core.database import Database, migrate
from core.errors import Upstream
from core.redact import Redactor
from core.secrets import load_or_create_key, new_key
from tools.spec import Caller, Role

START_SECONDS = 30.0
NEW_OBJECTS_AT_START = 50_000
"""After so many, new objects are looked through for garbage; Python's own figure is 700."""


class Server(uvicorn.Server):
    """Uvicorn that ends when it is told to, and leaves the rest of the process its time to close.

    Uvicorn's own way is to raise the signal again once it has stopped serving, which ends the process before anything else is closed.
    """

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        caught = (signal.SIGINT, signal.SIGTERM) if threading.current_thread() is threading.main_thread() else ()
        for one in caught:
            loop.add_signal_handler(one, self._told_to_end)
        try:
            yield
        finally:
            for one in caught:
                loop.remove_signal_handler(one)

    def _told_to_end(self) -> None:
        # Told twice, it waits for nobody's request any more.
        self.force_exit, self.should_exit = self.should_exit, True

    def __init__(self, app: object, host: str, port: int) -> None:
        super().__init__(
            uvicorn.Config(
                app,  # type: ignore[arg-type]
                host=host,
                port=port,
                log_config=None,
                access_log=False,
                timeout_graceful_shutdown=5,
                timeout_keep_alive=30,
                ws_max_size=256 * 1024,
            )
        )

    async def wait_until_started(self) -> None:
        async with asyncio.timeout(START_SECONDS):
            # Uvicorn has a flag and no event for this.
            while not self.started:  # noqa: ASYNC110
                await asyncio.sleep(0.02)


async def run_server(loaded: Loaded) -> None:
    settings = loaded.settings
    configure_logs(settings)
    say_what_is_not_used(settings)
    _say_what_is_missing(settings)
    # The watch is taken before anything of the folder is touched: a second server leaves the first one's notes alone.
    with owned(settings.data_dir), starting() as started:
        from api.app import create_app
        from api.wiring import build

        async with build(settings) as house:
            server = Server(create_app(house), settings.host, settings.port)
            started()
            with announced(settings, house.admin_token):
                await server.serve()


@contextmanager
def starting() -> Iterator[Callable[[], None]]:
    """Look for garbage seldom until the given function is called, and never again among what was made until then.

    A start makes half a million objects, and nearly all stay. Python would look through them over and over while they are made, and later
    every now and then for a tenth of a second in which nothing is answered.
    """
    usual = gc.get_threshold()

    def started() -> None:
        gc.freeze()
        gc.set_threshold(*usual)

    gc.set_threshold(NEW_OBJECTS_AT_START, *usual[1:])
    try:
        yield started
    finally:
        gc.set_threshold(*usual)
        gc.unfreeze()


@asynccontextmanager
async def temporary_server(loaded: Loaded) -> AsyncIterator[tuple[str, str]]:
    """A server for the length of one command, on a free loopback port; nothing is evaluated or sent while it lives."""
    from api.app import create_app
    from api.wiring import build

    settings = loaded.settings.model_copy(update={"host": "127.0.0.1", "port": free_port(), "log_level": "ERROR"})
    configure_logs(settings)
    async with build(settings) as house:
        server = Server(create_app(house, background=False, console=False), settings.host, settings.port)
        serving = asyncio.create_task(server.serve())
        await server.wait_until_started()
        try:
            yield f"http://127.0.0.1:{settings.port}", house.admin_token
        finally:
            await house.repairs.settle()  # a repair that was begun here is seen through before the process goes
            server.should_exit = True
            await serving


async def run_mcp_stdio(loaded: Loaded, role: Role) -> None:
    """Standard output belongs to the protocol; everything that is logged goes to standard error."""
    from mcp.server.stdio import stdio_server

    from api.wiring import build, mcp_for
    from mcp_server.guard import Guard

    configure_logs(loaded.settings.model_copy(update={"log_level": "WARNING"}))
    local = Caller(name=os.environ.get("USER", "local"), role=role, via="stdio")
    async with build(loaded.settings) as house:
        guard = Guard(clock=house.clock, key=new_key(), local=local, language=house.settings.language)
        server = mcp_for(house, guard)
        async with stdio_server() as (reading, writing):
            await server.run(reading, writing, server.create_initialization_options())
        await house.repairs.settle()  # an IDE that closes in the middle of a repair does not leave it half done


async def run_migrations(settings: Settings) -> None:
    await migrate(settings.records_url)
    sys.stdout.write("The database has this version's tables.\n")


@asynccontextmanager
async def with_doorkeeper(settings: Settings) -> AsyncIterator[Doorkeeper]:
    url = settings.records_url
    key = settings.secret_key.get_secret_value() or load_or_create_key(settings.data_dir / "key")
    await migrate(url)
    database = Database(url)
    try:
        yield Doorkeeper(admin_token=new_key(), key=key, database=database, clock=SystemClock())
    finally:
        await database.close()


def configure_logs(settings: Settings) -> None:
    level = "DEBUG" if settings.debug else settings.log_level
    key = settings.secret_key.get_secret_value() or load_or_create_key(settings.data_dir / "key")
    logs.configure(level, json=settings.log_format == "json", redactor=Redactor(key))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def port_is_free(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


@contextmanager
def announced(settings: Settings, token: str) -> Iterator[None]:
    if not port_is_free(settings.host, settings.port):
        raise Upstream(
            "The port", f"{settings.port} on {settings.host} is in use; choose another with --port", retryable=False
        )
    host = "127.0.0.1" if settings.host in {"0.0.0.0", "::"} else settings.host  # noqa: S104 - compared, not bound
    note = settings.data_dir / RUNNING
    _write_private(note, orjson.dumps({"url": f"http://{host}:{settings.port}", "token": token}))
    try:
        yield
    finally:
        note.unlink(missing_ok=True)


def _write_private(path: Path, content: bytes) -> None:
    # Written beside and moved over: a reader never sees half a note, and it is never readable by others.
    handle, name = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    Path(name).replace(path)


def say_what_is_not_used(settings: Settings) -> None:
    log = logs.get(__name__)
    if settings.alert_config and settings.feishu_webhook.get_secret_value():
        log.warning(
            "FEISHU_WEBHOOK is not used: ALERTMANAGER_CONFIG names a file, and it decides who is told"
            " (write the address there as feishu_configs: [{url: ...}])"
        )
    if settings.alert_config and settings.webhook_urls:
        log.warning("WEBHOOK_URLS is not used: ALERTMANAGER_CONFIG names a file, and it decides who is told")


def _say_what_is_missing(settings: Settings) -> None:
    log = logs.get(__name__)
    if not settings.llm_base_url:
        log.info(
            "no model endpoint is configured; the offline planner answers (set LLM_BASE_URL, LLM_API_KEY, LLM_MODEL)"
        )
