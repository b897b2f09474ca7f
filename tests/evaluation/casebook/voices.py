"""How programs speak: the form of a line in each language, healthy chatter, what a start looks like, and how a caller complains.

Four functions are the seam; scene.py and writing.py call nothing else. `line` gives the form of a language's logger to a text; `start`
and `chatter` are what a program says when all is well; `complaint` is a victim's error about one call.
"""

from datetime import datetime, timedelta
from random import Random

from tests.evaluation.casebook.model import Call, Program


def line(language: str, at: datetime, level: str, lines: list[str], dice: Random, zone: int) -> list[str]:  # noqa: ARG001
    local = at + timedelta(hours=zone)
    return [f"{local:%Y-%m-%d %H:%M:%S},{local.microsecond // 1000:03d} {level:<5} {lines[0]}", *lines[1:]]


def start(program: Program, dice: Random) -> list[tuple[str, str]]:  # noqa: ARG001
    """Lines from its start, as (level, text), in order."""
    return [("INFO", f"starting {program.name}"), ("INFO", f"listening on :{program.listens}")]


def chatter(program: Program, dice: Random) -> tuple[str, str]:
    """One ordinary line, as (level, text)."""
    return (
        "INFO",
        f"GET /api/v1/{dice.choice('abcdef')}/{dice.randrange(1000)} 200 {dice.randrange(3, 90)}ms program={program.name}",
    )


_HOW = {
    "refused": "dial tcp {ip}:{port}: connect: connection refused",
    "timed_out": "dial tcp {ip}:{port}: i/o timeout",
    "no_such_host": "dial tcp: lookup {host}: no such host",
    "unavailable": "upstream {host}:{port} returned 503 Service Unavailable",
    "failed": "upstream {host}:{port} returned 500 Internal Server Error",
    "slow": "context deadline exceeded calling {host}:{port}",
}


def complaint(caller: Program, call: Call, how: str, dice: Random) -> tuple[str, list[str]]:  # noqa: ARG001
    """A caller's error about one call, as (level, lines). `how`: refused, timed_out, no_such_host, unavailable, failed, slow."""
    service = call.callee.service
    ip = service.cluster_ip if service else call.host
    return "ERROR", [_HOW[how].format(ip=ip, host=call.host, port=call.port)]
