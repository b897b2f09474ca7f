"""The address of a dependency as it stands in a variable: a URL or host:port, of the kinds that programs use."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SHAPE = re.compile(
    r"^(?:jdbc:)?(?:(?P<scheme>[a-z][a-z0-9+.-]*)://)?(?:(?P<user>[^@/:]*)(?::(?P<password>[^@/]*))?@)?"
    r"(?P<host>[a-z0-9._-]+)(?::(?P<port>\d{1,5}))?(?P<path>/[^\s]*)?$",
    re.IGNORECASE,
)
USUAL_PORTS = {
    "http": 80,
    "https": 443,
    "postgres": 5432,
    "postgresql": 5432,
    "mysql": 3306,
    "redis": 6379,
    "amqp": 5672,
}


@dataclass(frozen=True)
class Address:
    scheme: str
    host: str
    port: int
    user: str = ""
    password: str = ""
    path: str = ""


def read(text: str) -> Address | None:
    """None when no client could make sense of it."""
    match = _SHAPE.match(text.strip())
    if match is None:
        return None
    scheme = (match["scheme"] or "").lower()
    port = int(match["port"] or USUAL_PORTS.get(scheme, 0))
    if not 0 < port < 65_536:
        return None
    return Address(scheme, match["host"], port, match["user"] or "", match["password"] or "", match["path"] or "")
