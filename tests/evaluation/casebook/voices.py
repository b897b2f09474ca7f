"""How programs speak: the form of a line in each logger, what a start looks like, healthy chatter, and how a caller complains.

Four functions are the seam. `line` gives the form of a program's logger to a text, always the same logger for one program; `start`
and `chatter` are what it says when all is well; `complaint` (complaints.py) is a victim's error about one call.
"""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from zlib import crc32

from tests.evaluation.casebook.complaints import complaint, is_chinese
from tests.evaluation.casebook.model import Object, Program, fine, stamp

__all__ = ["chatter", "complaint", "is_chinese", "line", "start"]
Form = Callable[[Program, datetime, str, list[str], Random], list[str]]


def line(program: Program, at: datetime, level: str, lines: list[str], dice: Random, zone: int) -> list[str]:
    """The first of `lines` gets the head of the program's logger, the rest follow it. RAW lines are as they are."""
    if level == "RAW":
        return list(lines)
    forms = _FORMS.get(program.language, _FORMS["go"])
    return forms[_fixed(program, len(forms))](program, at + timedelta(hours=zone), level, lines, dice)


def _fixed(program: Program, choices: int, salt: str = "") -> int:
    return crc32(f"{salt}{program.namespace}/{program.name}".encode()) % choices


def _clock(at: datetime, comma: str = ",") -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}{comma}{at.microsecond // 1000:03d}"


# --- Go ---------------------------------------------------------------------------------------------------------------------------


def _zap(program: Program, at: datetime, level: str, lines: list[str], dice: Random) -> list[str]:
    body: Object = {"level": level.lower(), "ts": round(at.timestamp(), 4)}
    body["caller"] = (
        f"{dice.choice(['server', 'handler', 'store', 'client'])}/{program.name[:6]}.go:{dice.randrange(20, 300)}"
    )
    body["msg"] = "request failed" if level == "ERROR" else lines[0]
    if level == "ERROR":
        body["error"] = lines[0]
    if len(lines) > 1:
        body["stacktrace"] = "\n".join(lines[1:])
    return [json.dumps(body, ensure_ascii=False)]


def _logrus(program: Program, at: datetime, level: str, lines: list[str], dice: Random) -> list[str]:  # noqa: ARG001
    named = {"WARN": "warning"}.get(level, level.lower())
    return [
        f"time={json.dumps(stamp(at))} level={named} msg={json.dumps(lines[0], ensure_ascii=False)} app={program.name}",
        *lines[1:],
    ]


def _slog(program: Program, at: datetime, level: str, lines: list[str], dice: Random) -> list[str]:  # noqa: ARG001
    if level == "ERROR":
        return [
            f'time={fine(at)} level=ERROR msg="call failed" err={json.dumps(lines[0], ensure_ascii=False)}',
            *lines[1:],
        ]
    return [f"time={fine(at)} level={level} msg={json.dumps(lines[0], ensure_ascii=False)}", *lines[1:]]


def _std(program: Program, at: datetime, level: str, lines: list[str], dice: Random) -> list[str]:  # noqa: ARG001
    return [f"{at:%Y/%m/%d %H:%M:%S} {'' if level == 'INFO' else level + ': '}{lines[0]}", *lines[1:]]


# --- Java -------------------------------------------------------------------------------------------------------------------------


def _class(program: Program, dice: Random) -> str:
    stem = "".join(part.title() for part in program.name.split("-"))
    return f"{stem}{dice.choice(['Service', 'Controller', 'Client', 'Repository'])}"


def _spring(program: Program, at: datetime, level: str, lines: list[str], dice: Random) -> list[str]:
    thread = f"nio-{program.listens}-exec-{dice.randrange(1, 10)}"
    named = f"c.{program.namespace[:1]}.{program.name.split('-')[0]}.{_class(program, dice)}"
    when = f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"
    return [f"{when} {level:>5} 1 --- [{thread:>15.15}] {named:<40.40} : {lines[0]}", *lines[1:]]


def _logback_json(program: Program, at: datetime, level: str, lines: list[str], dice: Random) -> list[str]:
    body: Object = {"@timestamp": fine(at), "@version": "1", "message": lines[0], "level": level}
    body["logger_name"] = f"com.{program.name.split('-')[0]}.{_class(program, dice)}"
    body["thread_name"] = f"http-nio-{program.listens}-exec-{dice.randrange(1, 10)}"
    if len(lines) > 1:
        body["stack_trace"] = "\n".join(lines[1:]) + "\n"
    return [json.dumps(body, ensure_ascii=False)]


def _log4j(program: Program, at: datetime, level: str, lines: list[str], dice: Random) -> list[str]:
    return [
        f"{_clock(at)} {level:<5} [{dice.choice(['main', 'worker-3', 'qtp1423-27'])}] {_class(program, dice)} - {lines[0]}",
        *lines[1:],
    ]


# --- Python, Node, .NET -----------------------------------------------------------------------------------------------------------


def _py_logging(program: Program, at: datetime, level: str, lines: list[str], dice: Random) -> list[str]:  # noqa: ARG001
    named = {"WARN": "WARNING"}.get(level, level)
    return [f"{_clock(at)} {named:<8} {program.name.replace('-', '_')}.views: {lines[0]}", *lines[1:]]


def _gunicorn(program: Program, at: datetime, level: str, lines: list[str], dice: Random) -> list[str]:  # noqa: ARG001
    named = {"WARN": "WARNING"}.get(level, level)
    return [f"[{at:%Y-%m-%d %H:%M:%S} +0000] [{dice.choice([1, 7, 8, 9])}] [{named}] {lines[0]}", *lines[1:]]


def _uvicorn(program: Program, at: datetime, level: str, lines: list[str], dice: Random) -> list[str]:  # noqa: ARG001
    return [f"{({'WARN': 'WARNING'}.get(level, level)) + ':':<9} {lines[0]}", *lines[1:]]


def _structlog(program: Program, at: datetime, level: str, lines: list[str], dice: Random) -> list[str]:  # noqa: ARG001
    body: Object = {"event": lines[0], "level": {"WARN": "warning"}.get(level, level.lower()), "timestamp": fine(at)}
    if len(lines) > 1:
        body["exception"] = "\n".join(lines[1:])
    return [json.dumps(body, ensure_ascii=False)]


def _pino(program: Program, at: datetime, level: str, lines: list[str], dice: Random) -> list[str]:  # noqa: ARG001
    numbers = {"DEBUG": 20, "INFO": 30, "WARN": 40, "ERROR": 50, "FATAL": 60}
    body: Object = {
        "level": numbers.get(level, 30),
        "time": int(at.timestamp() * 1000),
        "pid": 1,
        "hostname": program.name,
    }
    if level in ("ERROR", "FATAL"):
        body["err"] = {"type": "Error", "message": lines[0], "stack": "\n".join(lines)}
        body["msg"] = "request errored"
    else:
        body["msg"] = "\n".join(lines)
    return [json.dumps(body, ensure_ascii=False)]


def _winston(program: Program, at: datetime, level: str, lines: list[str], dice: Random) -> list[str]:  # noqa: ARG001
    body: Object = {"level": level.lower(), "message": lines[0], "service": program.name, "timestamp": fine(at)}
    if len(lines) > 1:
        body["stack"] = "\n".join(lines)
    return [json.dumps(body, ensure_ascii=False)]


def _console(program: Program, at: datetime, level: str, lines: list[str], dice: Random) -> list[str]:  # noqa: ARG001
    return list(lines) if level in ("ERROR", "FATAL") else [f"[{fine(at)}] {lines[0]}", *lines[1:]]


def _dotnet(program: Program, at: datetime, level: str, lines: list[str], dice: Random) -> list[str]:  # noqa: ARG001
    short = {"INFO": "info", "WARN": "warn", "ERROR": "fail", "FATAL": "crit"}.get(level, "info")
    stem = "".join(part.title() for part in program.name.split("-"))
    return [
        f"{short}: {stem}.{dice.choice(['Api', 'Services', 'Worker'])}.Handler[0]",
        *(f"      {one}" for one in lines),
    ]


def _serilog(program: Program, at: datetime, level: str, lines: list[str], dice: Random) -> list[str]:  # noqa: ARG001
    short = {"INFO": "INF", "WARN": "WRN", "ERROR": "ERR", "FATAL": "FTL"}.get(level, "INF")
    return [f"[{at:%H:%M:%S} {short}] {lines[0]}", *lines[1:]]


# --- servers ----------------------------------------------------------------------------------------------------------------------


def _nginx(program: Program, at: datetime, level: str, lines: list[str], dice: Random) -> list[str]:  # noqa: ARG001
    if level == "INFO":
        return [
            f"10.244.{dice.randrange(9)}.{dice.randrange(2, 250)} - - [{at:%d/%b/%Y:%H:%M:%S} +0000] {lines[0]}",
            *lines[1:],
        ]
    named = {"ERROR": "error", "WARN": "warn", "FATAL": "emerg"}.get(level, "notice")
    number = "" if named in ("emerg", "notice") else f" *{dice.randrange(100, 99999)}"
    return [
        f"{at:%Y/%m/%d %H:%M:%S} [{named}] {29 if number else 1}#{29 if number else 1}:{number} {lines[0]}",
        *lines[1:],
    ]


def _mysql(program: Program, at: datetime, level: str, lines: list[str], dice: Random) -> list[str]:  # noqa: ARG001
    named = {"INFO": "Note", "WARN": "Warning", "FATAL": "ERROR"}.get(
        level, level.title() if level == "System" else level
    )
    return [f"{fine(at)} {dice.choice([0, 0, dice.randrange(8, 900)])} [{named}] {one}" for one in lines]


def _postgres(program: Program, at: datetime, level: str, lines: list[str], dice: Random) -> list[str]:  # noqa: ARG001
    named = {"INFO": "LOG", "WARN": "WARNING"}.get(level, level)
    pid = dice.randrange(30, 9000)
    return [
        f"{_clock(at, '.')} UTC [{pid}] {named}:  {lines[0]}",
        *(f"{_clock(at, '.')} UTC [{pid}] {one}" for one in lines[1:]),
    ]


def _mongo(program: Program, at: datetime, level: str, lines: list[str], dice: Random) -> list[str]:  # noqa: ARG001
    when = f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}+00:00"
    body: Object = {
        "t": {"$date": when},
        "s": {"WARN": "W", "ERROR": "E", "FATAL": "F"}.get(level, "I"),
        "c": "NETWORK",
    }
    body |= {"id": dice.randrange(20000, 60000), "ctx": f"conn{dice.randrange(10, 999)}", "msg": lines[0]}
    if len(lines) > 1:
        body["attr"] = {"error": lines[1]}
    return [json.dumps(body)]


def _redis(program: Program, at: datetime, level: str, lines: list[str], dice: Random) -> list[str]:  # noqa: ARG001
    mark = {"WARN": "#", "ERROR": "#", "FATAL": "#"}.get(level, "*")
    return [f"1:M {at:%d %b %Y %H:%M:%S}.{at.microsecond // 1000:03d} {mark} {one}" for one in lines]


def _rabbitmq(program: Program, at: datetime, level: str, lines: list[str], dice: Random) -> list[str]:  # noqa: ARG001
    named = {"WARN": "warning"}.get(level, level.lower())
    return [f"{at:%Y-%m-%d %H:%M:%S.%f}+00:00 [{named}] <0.{dice.randrange(200, 9000)}.0> {one}" for one in lines]


def _kafka(program: Program, at: datetime, level: str, lines: list[str], dice: Random) -> list[str]:  # noqa: ARG001
    return [f"[{_clock(at)}] {level} {lines[0]}", *lines[1:]]


def _nats(program: Program, at: datetime, level: str, lines: list[str], dice: Random) -> list[str]:  # noqa: ARG001
    return [
        f"[1] {at:%Y/%m/%d %H:%M:%S.%f} [{ {'WARN': 'WRN', 'ERROR': 'ERR'}.get(level, 'INF') }] {one}" for one in lines
    ]


_FORMS: dict[str, list[Form]] = {
    "go": [_zap, _logrus, _slog, _std],
    "java": [_spring, _spring, _logback_json, _log4j],
    "python": [_py_logging, _gunicorn, _uvicorn, _structlog],
    "node": [_pino, _winston, _console],
    "dotnet": [_dotnet, _dotnet, _serilog],
    "nginx": [_nginx],
    "mysql": [_mysql],
    "postgres": [_postgres],
    "mongo": [_mongo],
    "redis": [_redis],
    "rabbitmq": [_rabbitmq],
    "kafka": [_kafka],
    "nats": [_nats],
}


# --- when all is well -------------------------------------------------------------------------------------------------------------


def start(program: Program, dice: Random) -> list[tuple[str, str]]:
    """Lines from its start, as (level, text), in order."""
    took = f"{dice.uniform(4, 19):.3f}"
    port = program.listens
    if program.role == "worker":
        return _worker_start(program, took)
    said = _STARTS.get(program.language, _STARTS["go"])
    return [(level, text.format(name=program.name, port=port, took=took)) for level, text in said]


def _worker_start(program: Program, took: str) -> list[tuple[str, str]]:
    told = "消费者已启动" if is_chinese(program) else "worker started, waiting for jobs"
    if program.language == "java":
        told = f"Started {_class(program, Random(1))} in {took} seconds (process running for {took})"
    return [("INFO", f"starting {program.name}"), ("INFO", told)]


_STARTS: dict[str, list[tuple[str, str]]] = {
    "go": [("INFO", "starting {name}"), ("INFO", "configuration loaded"), ("INFO", "HTTP server listening on :{port}")],
    "java": [
        ("RAW", "  .   ____          _            __ _ _"),
        ("RAW", " :: Spring Boot ::                (v3.2.4)"),
        ("INFO", 'No active profile set, falling back to 1 default profile: "default"'),
        ("INFO", "Tomcat initialized with port {port} (http)"),
        ("INFO", "HikariPool-1 - Start completed."),
        ("INFO", "Tomcat started on port {port} (http) with context path ''"),
        ("INFO", "Started Application in {took} seconds (process running for {took})"),
    ],
    "python": [
        ("INFO", "Started server process [1]"),
        ("INFO", "Waiting for application startup."),
        ("INFO", "Application startup complete."),
        ("INFO", "Uvicorn running on http://0.0.0.0:{port} (Press CTRL+C to quit)"),
    ],
    "node": [
        ("RAW", "> {name}@1.4.0 start"),
        ("RAW", "> node dist/main.js"),
        ("INFO", "Server listening at http://0.0.0.0:{port}"),
    ],
    "dotnet": [
        ("INFO", "Now listening on: http://[::]:{port}"),
        ("INFO", "Application started. Press Ctrl+C to shut down."),
        ("INFO", "Hosting environment: Production"),
    ],
    "nginx": [
        ("RAW", "/docker-entrypoint.sh: Configuration complete; ready for start up"),
        ("NOTICE", "nginx/1.25.4"),
        ("NOTICE", "start worker processes"),
    ],
    "mysql": [
        ("System", "[MY-010116] [Server] /usr/sbin/mysqld (mysqld 8.0.36) starting as process 1"),
        ("System", "[MY-013577] [InnoDB] InnoDB initialization has ended."),
        (
            "System",
            "[MY-010931] [Server] /usr/sbin/mysqld: ready for connections. Version: '8.0.36'  socket: '/tmp/mysql.sock'  port: {port}",
        ),
    ],
    "postgres": [
        ("INFO", "starting PostgreSQL 15.6 (Debian 15.6-1.pgdg120+2) on x86_64-pc-linux-gnu"),
        ("INFO", 'listening on IPv4 address "0.0.0.0", port {port}'),
        ("INFO", "database system is ready to accept connections"),
    ],
    "mongo": [("INFO", "Listening on 0.0.0.0"), ("INFO", "Waiting for connections")],
    "redis": [("WARN", "oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo"), ("INFO", "Ready to accept connections tcp")],
    "rabbitmq": [
        ("INFO", "started TCP listener on [::]:{port}"),
        ("INFO", "Server startup complete; 4 plugins started."),
    ],
    "kafka": [
        ("INFO", "Awaiting socket connections on 0.0.0.0:{port}. (kafka.network.DataPlaneAcceptor)"),
        ("INFO", "[KafkaRaftServer nodeId=0] Kafka Server started (kafka.server.KafkaRaftServer)"),
    ],
    "nats": [
        ("INFO", "Starting nats-server"),
        ("INFO", "Listening for client connections on 0.0.0.0:{port}"),
        ("INFO", "Server is ready"),
    ],
}


def chatter(program: Program, dice: Random) -> tuple[str, str]:
    """One ordinary line, as (level, text)."""
    path = f"/api/v{dice.choice('12')}/{dice.choice(_PATHS)}/{dice.randrange(1, 99999)}"
    spent = dice.randrange(2, 90)
    if program.is_data or program.language in _CHATTER:
        return dice.choice(_CHATTER[program.language])
    if program.language == "nginx":
        return (
            "INFO",
            f'"GET {path} HTTP/1.1" {dice.choice([200, 200, 200, 304, 404])} {dice.randrange(90, 9000)} "-" "Mozilla/5.0"',
        )
    if program.role == "worker":
        job = dice.randrange(10**4, 10**6)
        return "INFO", f"任务 {job} 处理完成，耗时 {spent}ms" if is_chinese(program) else f"job {job} done in {spent}ms"
    return dice.choice(
        [
            ("INFO", f"GET {path} 200 {spent}ms"),
            ("INFO", f"GET {path} 200 {spent}ms"),
            ("INFO", f"POST {path} 201 {spent}ms"),
            (
                "INFO",
                f"请求 {path} 处理成功，耗时 {spent}ms"
                if is_chinese(program)
                else f"handled request path={path} status=200",
            ),
            ("DEBUG", f"cache hit for {dice.choice(_PATHS)}:{dice.randrange(999)}"),
            ("WARN", f"GET {path} 404 {spent}ms"),
        ]
    )


_PATHS = ("items", "accounts", "plans", "sessions", "reports", "slots", "tickets", "entries")
_CHATTER: dict[str, list[tuple[str, str]]] = {
    "mysql": [
        (
            "INFO",
            "[MY-010914] [Server] Aborted connection 318 to db: 'app' user: 'app' (Got timeout reading communication packets).",
        ),
        (
            "WARN",
            "[MY-011068] [Server] The syntax 'expire-logs-days' is deprecated and will be removed in a future release.",
        ),
    ],
    "postgres": [
        ("INFO", "checkpoint starting: time"),
        ("INFO", "checkpoint complete: wrote 41 buffers (0.3%); 0 WAL file(s) added, 0 removed, 0 recycled"),
    ],
    "mongo": [("INFO", "Connection accepted"), ("INFO", "Connection ended"), ("INFO", "client metadata")],
    "redis": [
        ("INFO", "100 changes in 300 seconds. Saving..."),
        ("INFO", "Background saving terminated with success"),
        ("INFO", "DB saved on disk"),
    ],
    "rabbitmq": [
        ("INFO", "accepting AMQP connection (10.244.1.9:41822 -> 10.244.2.4:5672)"),
        ("INFO", "closing AMQP connection (10.244.1.9:41822)"),
    ],
    "kafka": [
        (
            "INFO",
            "[GroupCoordinator 0]: Stabilized group indexer generation 7 (kafka.coordinator.group.GroupCoordinator)",
        )
    ],
    "nats": [("INFO", "10.244.1.4:51244 - cid:31 - Client connection created")],
}
