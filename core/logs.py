"""Structured logs: one JSON object a line (or colours on a terminal), with the ids that tie lines together.

`bind` puts request_id, run_id and the like into a context that follows the task, so that every line written below carries them.
Every line passes the redactor before it is written: a secret that slips into a message does not reach the disk.
"""

import logging
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any, TextIO

import structlog

from core.redact import Redactor

Logger = structlog.stdlib.BoundLogger


def configure(level: str, *, json: bool, redactor: Redactor, stream: TextIO | None = None) -> None:
    # Called before anything else logs: some libraries call logging.basicConfig on import and must find it done.
    # Standard error, because standard output belongs to the answer (and, over stdio, to MCP).
    stream = stream or sys.stderr

    def redact(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        shown: dict[str, Any] = redactor.value(dict(line))
        return shown

    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    last: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if json
        else structlog.dev.ConsoleRenderer(colors=stream.isatty())
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, redact, last],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for noisy in (
        "httpx",
        "httpcore",
        "httpx2",
        "httpcore2",
        "urllib3",
        "mcp",
        "asyncio",
        "jieba",
        "nicegui",
        "watchfiles",
        "uvicorn.access",
        "alembic",
    ):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, root.level))


def get(name: str) -> Logger:
    logger: Logger = structlog.stdlib.get_logger(name)
    return logger


@contextmanager
def bind(**ids: str) -> Iterator[None]:
    with structlog.contextvars.bound_contextvars(**ids):
        yield
