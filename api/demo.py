"""The demo: the simulated cluster in a process of its own, and the whole product against it.

The product side is exactly `serve`, with settings that point at the simulator's addresses. What is particular to the demo is only this: it
starts and stops that process, prints where to look and what to try, and later asks the simulator, over HTTP, to let something break.
"""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
from rich.console import Console

from api.app import create_app
from api.ownership import owned
from api.server import Server, announced, configure_logs, free_port
from api.wiring import House, build
from core.config import Settings, load
from core.errors import Upstream
from core.logs import get
from tools.spec import Caller

START_SECONDS = 60.0
OWN = (
    *("FIRSTMATE_RULES", "ALERTMANAGER_CONFIG", "FIRSTMATE_ESCALATIONS", "WEBHOOK_URLS", "FEISHU_WEBHOOK"),
    *("PROMETHEUS_URL", "K8S_CONFIG_PATH", "LLM_BASE_URL", "LLM_MODEL", "DATABASE_URL"),
    *(
        "FIRSTMATE_KNOWLEDGE_DIRS",
        "FIRSTMATE_KNOWLEDGE_HOSTS",
        "EMBEDDING_MODEL",
        "EMBEDDING_BASE_URL",
        "REDIS_URL",
        "REDIS_HOST",
    ),
)
"""Settings that somebody may believe to be in force in the demo: it leaves them alone, so that practice reaches nobody's phone."""
ANY = "any"
STOP_SECONDS = 5.0
_log = get(__name__)


async def run_demo(*, port: int, incident_after: float, fault: str, folder: Path) -> None:
    out = Console(highlight=False)
    kubeconfig = folder / "kubeconfig"
    with owned(folder):
        if await asyncio.to_thread(begin_anew, folder):
            out.print(
                "What the last demo had, alerts, pages and cases too, is gone. 上次演示的内容已清除。", style="dim"
            )
        out.print("Starting the simulated cluster…", style="dim")
        await _run(out, folder, kubeconfig, port, incident_after, fault)


async def _run(out: Console, folder: Path, kubeconfig: Path, port: int, incident_after: float, fault: str) -> None:
    async with simulator(kubeconfig) as world:
        settings = demo_settings(port, world, kubeconfig, folder)
        configure_logs(settings)
        async with build(settings) as house:
            server = Server(create_app(house), settings.host, settings.port)
            with announced(settings, house.admin_token):
                serving = asyncio.create_task(server.serve())
                await server.wait_until_started()
                # Never wrapped: a link broken over two lines cannot be clicked.
                said = welcome(house, settings, world, kubeconfig, incident_after) + left_alone(os.environ)
                out.print(said, soft_wrap=True, markup=False)
                trouble = asyncio.create_task(incident(world, incident_after, fault)) if incident_after else None
                await serving
                if trouble:
                    trouble.cancel()


def begin_anew(folder: Path) -> bool:
    """A new world has no memory of the last one's alerts; keys and tokens are kept. Says whether there was anything."""
    found = [*folder.glob("firstmate.db*"), *folder.glob("checkpoints.db*")]
    for left in found:
        left.unlink()
    return bool(found)


def demo_settings(port: int, world: str, kubeconfig: Path, folder: Path) -> Settings:
    return load(
        environ={},
        env="demo",
        port=port,
        data_dir=folder,
        prometheus_url=f"{world}/prometheus",
        k8s_config_path=str(kubeconfig),
        log_level="WARNING",
        log_format="text",
    ).settings


@asynccontextmanager
async def simulator(kubeconfig: Path) -> AsyncIterator[str]:
    """The world as a process of its own; stopped by the id of that process."""
    port = free_port()
    command = [sys.executable, "-m", "simulator", "--port", str(port), "--kubeconfig", str(kubeconfig), "--until-eof"]
    # Its input is a pipe that we hold: it ends with us, even where we are killed and can no longer stop it.
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL
    )
    url = f"http://127.0.0.1:{port}"
    try:
        await _ready(url, process)
        yield url
    finally:
        if process.returncode is None:
            process.terminate()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), STOP_SECONDS)
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _ready(url: str, process: asyncio.subprocess.Process) -> None:
    async with httpx.AsyncClient(timeout=2.0) as http, asyncio.timeout(START_SECONDS):
        while process.returncode is None:
            with contextlib.suppress(httpx.HTTPError):
                if (await http.get(f"{url}/-/healthy")).status_code == 200:
                    return
            await asyncio.sleep(0.1)
    raise Upstream("The simulator", f"ended at its start with code {process.returncode}", retryable=False)


async def incident(world: str, after: float, fault: str) -> None:
    """Let something break; where is the simulator's own choice, and with `any` the fault too."""
    await asyncio.sleep(after)
    async with httpx.AsyncClient(timeout=10.0) as http:
        try:
            answer = await http.post(f"{world}/-/faults", json={} if fault == ANY else {"fault": fault})
        except httpx.HTTPError as error:
            _log.error("the incident could not begin", reason=str(error))
            return
    if answer.status_code >= 400:
        _log.error("the incident could not begin", said=answer.text[:300])


def left_alone(environ: Mapping[str, str]) -> str:
    names = [name for name in OWN if environ.get(name)]
    if not names:
        return ""
    return (
        f"\nThe demo brings its own settings and does not use your {', '.join(names)}; `firstmate serve` does.\n"
        "演示使用自带的设置，不使用上述环境变量；`firstmate serve` 会使用。\n"
    )


def welcome(house: House, settings: Settings, world: str, kubeconfig: Path, incident_after: float) -> str:
    code = house.doorkeeper.one_time_code(Caller(name="captain", role="admin", via="console"))
    base = f"http://{settings.host}:{settings.port}"
    lines = [
        "",
        f"⚓ Firstmate {house.version} keeps the watch over a simulated cluster. 正在值守模拟集群。",
        "",
        f"  Console  {base}/login?code={code}",
        "           (this link works once; 此链接仅可使用一次)",
        f"  API      {base}/docs",
        f"  Token    {house.admin_token}",
        f"  MCP      {base}/mcp",
        f"  World    {world}/-/    kubectl --kubeconfig {kubeconfig} get pods -A",
        "",
    ]
    if incident_after:
        lines += [f"An incident begins by itself in {incident_after:.0f} s; its alert follows within two minutes.", ""]
    lines += [
        "Try, here or in a second terminal:",
        '  .venv/bin/firstmate ask "How is the cluster?"',
        '  .venv/bin/firstmate ask "现在有哪些告警？解释并给出修复方案"',
        "  .venv/bin/firstmate tool cluster_overview",
        "Ctrl-C ends it.",
        "",
    ]
    return "\n".join(lines)
