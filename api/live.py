"""The live cluster diagnosed again and again: through a server where one is named or runs here, else directly by the kubeconfig.

Both roads give the diagnosis as the same JSON, redacted, of all namespaces unless one is named. A cluster that was named for this command
(KUBECONFIG and its like) comes before a server that merely happens to run here: it may watch another one.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from secrets import token_hex
from typing import Any

from api.client import connect, running_server
from api.collecting import collector, has_cluster, names_a_cluster, refuse_nothing
from api.diagnosing import Ask, judged
from core.config import load
from core.errors import NotConfigured
from core.redact import Redactor

Reading = Callable[[], Awaitable[dict[str, Any]]]
NOTHING = (
    "name a bundle, or a server with --server, or a cluster with KUBECONFIG, K8S_CONFIG_PATH or K8S_IN_CLUSTER=true; "
    "no server runs on this machine and there is no ~/.kube/config."
)


@asynccontextmanager
async def live(ask: Ask, server: str, token: str) -> AsyncIterator[Reading]:
    settings = load().settings
    if server or (not names_a_cluster() and await running_server()):
        async with _through_server(ask, server, token) as reading:
            yield reading
        return
    if not has_cluster(settings):
        raise NotConfigured("diagnose", NOTHING)
    redactor = Redactor(token_hex(16))
    async with collector(settings) as made:

        async def read() -> dict[str, Any]:
            snapshot = await made.collect(ask.namespace or None, "", ask.since_seconds)
            refuse_nothing(snapshot)
            found = await asyncio.to_thread(judged, snapshot, ask)
            shown: dict[str, Any] = redactor.value(found.model_dump(mode="json"))
            return shown

        yield read


@asynccontextmanager
async def _through_server(ask: Ask, server: str, token: str) -> AsyncIterator[Reading]:
    arguments = {"namespace": ask.namespace or "*", "name": ask.name, "since_seconds": ask.since_seconds}
    body = {key: value for key, value in arguments.items() if value}
    async with connect(server, token) as client:

        async def read() -> dict[str, Any]:
            found: dict[str, Any] = (await client.post("/tools/diagnose", body, ask.language))["data"]
            return found

        yield read
