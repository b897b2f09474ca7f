"""What a database, a cache or a broker makes of a client that has reached it.

The server goes by what it read when it started: its user and password, how many clients it takes, whether it takes changes, what it lets
the user do. The client goes by what it read when it started. Each looks at its own side alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from simulator.apps import Call, Engine, Route
from simulator.network.address import Address
from simulator.network.groups import Group
from simulator.network.reasons import Why
from simulator.servers import VARIABLES

ON = ("on", "true", "yes", "1")
# Connections that are kept for administrators.
RESERVED: dict[Engine, int] = {"postgres": 3}
MOST: dict[Engine, tuple[str, int]] = {
    "postgres": ("max_connections", 100),
    "mysql": ("max_connections", 151),
    "redis": ("maxclients", 10_000),
    "rabbitmq": ("connection_max", 100_000),
}
READ_ONLY: dict[Engine, tuple[str, ...]] = {
    "postgres": ("default_transaction_read_only",),
    "mysql": ("read_only", "super_read_only"),
    "redis": ("replica-read-only-forced",),
}
_GRANT = re.compile(r"^\s*GRANT\s+(?P<what>.+?)\s+ON\b", re.IGNORECASE)
_REVOKE = re.compile(r"^\s*REVOKE\s+(?P<what>.+?)\s+ON\b", re.IGNORECASE)


@dataclass(frozen=True)
class Server:
    """A server as it was started."""

    engine: Engine
    user: str
    password: str
    most: int
    is_read_only: bool
    privileges: frozenset[str]

    @property
    def places(self) -> int:
        """Connections that clients can have."""
        return max(self.most - RESERVED.get(self.engine, 0), 0)


@dataclass(frozen=True)
class Login:
    user: str
    password: str


def server_of(group: Group) -> Server:
    engine = group.app.engine
    options = settings(group.files)
    user, password, _ = VARIABLES[engine]
    name, usual = MOST[engine]
    most = options.get(name, "")
    return Server(
        engine,
        group.env.get(user, "default") if user else "default",
        options.get("requirepass", group.env.get(password, "")),
        int(most) if most.isdigit() else usual,
        any(options.get(each, "").lower() in ON for each in READ_ONLY.get(engine, ())),
        _privileges(group.files),
    )


def settings(files: Mapping[str, str]) -> dict[str, str]:
    """Every `name = value` or `name value` of the files with settings."""
    found: dict[str, str] = {}
    for path in sorted(files):
        if path.endswith((".conf", ".cnf")):
            for line in files[path].splitlines():
                words = re.split(r"[=\s]+", line.partition("#")[0].strip(), maxsplit=1)
                if len(words) == 2:
                    found[words[0]] = words[1].strip().strip("'\"")
    return found


def _privileges(files: Mapping[str, str]) -> frozenset[str]:
    """What the statements leave the user with; a server without such a file lets its user do everything."""
    texts = [files[path] for path in sorted(files) if path.endswith(".sql")]
    if not texts:
        return frozenset({"ALL"})
    granted: set[str] = set()
    for line in "\n".join(texts).splitlines():
        if match := _GRANT.match(line):
            granted |= _words(match["what"])
        elif match := _REVOKE.match(line):
            revoked = _words(match["what"])
            granted = set() if "ALL" in revoked else granted - revoked
    return frozenset(granted)


def _words(listed: str) -> set[str]:
    return {"ALL" if word.strip().upper().startswith("ALL") else word.strip().upper() for word in listed.split(",")}


def login_of(caller: Group, call: Call, address: Address) -> Login:
    prefix = call.env.rpartition("_")[0]
    user = address.user or caller.env.get(f"{prefix}_USER", "") or "default"
    return Login(user, address.password or caller.env.get(f"{prefix}_PASSWORD", ""))


def refusal(server: Server, login: Login, route: Route) -> Why | None:
    """Why the server does not do what is asked of it; None when it does."""
    if (login.user, login.password) != (server.user, server.password):
        return _bad_login(server, login)
    if route.writes and server.is_read_only:
        return Why.READ_ONLY
    needed = {"INSERT", "ALL"} if route.writes else {"SELECT", "ALL"}
    return None if needed & server.privileges else Why.NO_PERMISSION


def _bad_login(server: Server, login: Login) -> Why | None:
    if server.engine == "redis" and not server.password:
        return Why.NEEDLESS_LOGIN if login.password else None
    if server.engine == "redis" and not login.password:
        return Why.NO_LOGIN
    return Why.BAD_LOGIN


def crowd(groups: list[Group], server: str) -> int:
    """Connections that all clients of a server together want to keep open."""
    return sum(len(group.members) * pool_of(group) for group in groups if _calls(group, server))


def pool_of(group: Group) -> int:
    text = group.env.get("DB_POOL_SIZE", "")
    return int(text) if text.isdigit() else group.app.pool


def _calls(group: Group, server: str) -> bool:
    return any(call.app == server for route in group.app.routes for call in route.calls)
