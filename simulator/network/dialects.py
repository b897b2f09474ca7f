"""What databases, caches and brokers say to a client they turn away, and how the client's driver wraps it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from simulator.apps import Engine, Language
from simulator.network.reasons import Facts, Why


class Said(NamedTuple):
    """A server's sentence with its severity and its codes: SQLSTATE, and the vendor's number."""

    text: str
    severity: str = "ERROR"
    state: str = ""
    number: str = ""


_POSTGRES = {
    Why.BAD_LOGIN: Said('password authentication failed for user "{user}"', "FATAL", "28P01"),
    Why.CROWDED: Said("sorry, too many clients already", "FATAL", "53300"),
    Why.READ_ONLY: Said("cannot execute INSERT in a read-only transaction", "ERROR", "25006"),
    Why.NO_PERMISSION: Said("permission denied for table {table}", "ERROR", "42501"),
}
_MYSQL = {
    Why.BAD_LOGIN: Said("Access denied for user '{user}'@'{client}' (using password: YES)", "", "28000", "1045"),
    Why.CROWDED: Said("Too many connections", "", "08004", "1040"),
    Why.READ_ONLY: Said(
        "The MySQL server is running with the --read-only option so it cannot execute this statement",
        "",
        "HY000",
        "1290",
    ),
    Why.NO_PERMISSION: Said(
        "{verb} command denied to user '{user}'@'{client}' for table '{table}'", "", "42000", "1142"
    ),
}
_REDIS = {
    Why.BAD_LOGIN: Said("WRONGPASS invalid username-password pair or user is disabled."),
    Why.NO_LOGIN: Said("NOAUTH Authentication required."),
    Why.NEEDLESS_LOGIN: Said(
        "ERR AUTH <password> called without any password configured for the default user. "
        "Are you sure your configuration is correct?"
    ),
    Why.CROWDED: Said("ERR max number of clients reached"),
    Why.READ_ONLY: Said("READONLY You can't write against a read only replica."),
    Why.NO_PERMISSION: Said("NOPERM this user has no permissions to run the 'get' command"),
}
_REFUSED = (
    "ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN. For details see the broker logfile."
)
_RABBITMQ = {
    Why.BAD_LOGIN: Said(_REFUSED, "", "", "403"),
    Why.CROWDED: Said("NOT_ALLOWED - connection refused: node connection limit is reached", "", "", "530"),
    Why.NO_PERMISSION: Said("ACCESS_REFUSED - access to queue in vhost '/' refused for user '{user}'", "", "", "403"),
}
SENTENCES: Mapping[Engine, Mapping[Why, Said]] = {
    "postgres": _POSTGRES,
    "mysql": _MYSQL,
    "redis": _REDIS,
    "rabbitmq": _RABBITMQ,
}
# Said before the session stands: some drivers tell that from what a statement meets.
_AT_THE_DOOR = (Why.BAD_LOGIN, Why.CROWDED)
_AT_THE_DOOR_OF_POSTGRES: dict[Language, str] = {
    "go": (
        "failed to connect to `user={user} database={database}`: {ip}:{port} ({host}): "
        "server error: {severity}: {text} (SQLSTATE {state})"
    ),
    "java": "org.postgresql.util.PSQLException: {severity}: {text}",
    "python": (
        'psycopg.OperationalError: connection failed: connection to server at "{ip}", port {port} failed: {severity}:  {text}'
    ),
    "node": "error: {text}",
}
_WRAPPED: dict[tuple[Engine, Language], str] = {
    ("postgres", "go"): "{severity}: {text} (SQLSTATE {state})",
    ("postgres", "java"): "org.postgresql.util.PSQLException: {severity}: {text}",
    ("postgres", "python"): "psycopg.errors.{class_}: {text}",
    ("postgres", "node"): "error: {text}",
    ("mysql", "go"): "Error {number} ({state}): {text}",
    ("mysql", "java"): "java.sql.{class_}: {text}",
    ("mysql", "python"): 'pymysql.err.OperationalError: ({number}, "{text}")',
    ("mysql", "node"): "Error: {text} (errno {number}, sqlState {state})",
    ("redis", "go"): "{text}",
    ("redis", "java"): "redis.clients.jedis.exceptions.JedisAccessControlException: {text}",
    ("redis", "python"): "redis.exceptions.AuthenticationError: {text}",
    ("redis", "node"): "ReplyError: {text}",
    ("rabbitmq", "go"): 'Exception ({number}) Reason: "{text}"',
    ("rabbitmq", "java"): "com.rabbitmq.client.AuthenticationFailureException: {text}",
    (
        "rabbitmq",
        "python",
    ): "pika.exceptions.ProbableAuthenticationError: ConnectionClosedByBroker: ({number}) '{text}'",
    ("rabbitmq", "node"): "Error: Handshake terminated by server: {number} ({text})",
}
_OWN_SENTENCES: dict[tuple[Engine, Language, Why], str] = {
    ("mysql", "java", Why.CROWDED): (
        "java.sql.SQLNonTransientConnectionException: Data source rejected establishment of connection,  "
        'message from server: "Too many connections"'
    ),
}
_CLASSES: dict[tuple[Engine, Why], str] = {
    ("postgres", Why.READ_ONLY): "ReadOnlySqlTransaction",
    ("postgres", Why.NO_PERMISSION): "InsufficientPrivilege",
    ("mysql", Why.NO_PERMISSION): "SQLSyntaxErrorException",
}


def server_says(engine: Engine, why: Why, facts: Facts) -> Said | None:
    said = SENTENCES.get(engine, {}).get(why)
    return None if said is None else said._replace(text=said.text.format(**vars(facts)))


def driver_says(language: Language, why: Why, facts: Facts) -> str | None:
    """None when the server did not come to say anything."""
    said = server_says(facts.engine, why, facts)
    if said is None:
        return None
    template = _WRAPPED[facts.engine, "go" if language == "c" else language]
    if facts.engine == "postgres" and why in _AT_THE_DOOR:
        template = _AT_THE_DOOR_OF_POSTGRES["go" if language == "c" else language]
    template = _OWN_SENTENCES.get((facts.engine, language, why), template)
    class_ = _CLASSES.get((facts.engine, why), "SQLException")
    return template.format(**{**vars(facts), **said._asdict(), "class_": class_})


_CONNECTION_JAVA: dict[Engine, str] = {
    "mysql": (
        "com.mysql.cj.jdbc.exceptions.CommunicationsException: Communications link failure; nested exception is {cause}"
    ),
    "postgres": (
        "org.postgresql.util.PSQLException: Connection to {host}:{port} refused. Check that the hostname and port are "
        "correct and that the postmaster is accepting TCP/IP connections.; nested exception is {cause}"
    ),
    "redis": (
        "redis.clients.jedis.exceptions.JedisConnectionException: Failed to connect to {host}:{port}."
        "; nested exception is {cause}"
    ),
}


def connection_failed(language: Language, cause: str, facts: Facts) -> str:
    """The driver's own sentence about a server it never reached, with the network's behind it."""
    template = _CONNECTION_JAVA.get(facts.engine) if language == "java" else None
    if language == "go" and facts.engine == "postgres":
        template = "failed to connect to `user={user} database={database}`: hostname resolving error: {cause}"
        if "lookup" not in cause:
            template = "failed to connect to `user={user} database={database}`: {ip}:{port} ({host}): {cause}"
    return template.format(cause=cause, **vars(facts)) if template else cause
