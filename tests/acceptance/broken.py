"""Servers that misbehave on purpose, on loopback: they refuse, hang, fail or talk nonsense."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from tests.services import free_port

KUBECONFIG = """apiVersion: v1
kind: Config
clusters: [{{name: c, cluster: {{server: "{url}"}}}}]
users: [{{name: u, user: {{token: t}}}}]
contexts: [{{name: broken, context: {{cluster: c, user: u, namespace: default}}}}]
current-context: broken
"""


@asynccontextmanager
async def answering(status: int, body: str, content_type: str = "application/json") -> AsyncIterator[str]:
    """Every request gets this answer."""
    head = f"HTTP/1.1 {status} X\r\nContent-Type: {content_type}\r\nContent-Length: {len(body.encode())}\r\nConnection: close\r\n\r\n"

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write((head + body).encode())
            await writer.drain()
        writer.close()

    async with _listening(serve) as url:
        yield url


@asynccontextmanager
async def hanging() -> AsyncIterator[str]:
    """Takes the connection and never says a word."""
    quiet: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        quiet.append(writer)
        await reader.read()

    async with _listening(serve) as url:
        yield url
        for writer in quiet:
            writer.close()


@asynccontextmanager
async def refusing() -> AsyncIterator[str]:
    """A port where nobody listens."""
    yield f"http://127.0.0.1:{free_port()}"


@asynccontextmanager
async def _listening(serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], object]) -> AsyncIterator[str]:
    server = await asyncio.start_server(serve, "127.0.0.1", 0)  # type: ignore[arg-type]
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.close()


def kubeconfig(folder: Path, url: str) -> Path:
    path = folder / "broken-kubeconfig"
    path.write_text(KUBECONFIG.format(url=url))
    return path
