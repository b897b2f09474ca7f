"""How each kind of program words a line. A style renders a level, a message and fields; nothing else differs between programs."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from simulator.apps import LogStyle
from simulator.logs import stacks

Fields = dict[str, str | int | float]
Render = Callable[[datetime, str, str, Fields], str]


def render(style: LogStyle, at: datetime, level: str, message: str, fields: Fields) -> str:
    return _STYLES[style](at, level, message, fields)


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _logfmt(at: datetime, level: str, message: str, fields: Fields) -> str:
    pairs = "".join(f" {key}={_quoted(value)}" for key, value in fields.items())
    return f'time={_iso(at)} level={level} msg="{message}"{pairs}'


def _quoted(value: str | float) -> str:
    text = str(value)
    return json.dumps(text) if any(each in text for each in ' "=') else text


def _json(at: datetime, level: str, message: str, fields: Fields) -> str:
    return json.dumps({"ts": _iso(at), "level": level, "message": message, **fields}, ensure_ascii=False)


def _access(at: datetime, level: str, message: str, fields: Fields) -> str:
    if "status" not in fields:
        return f"{at:%Y/%m/%d %H:%M:%S} [{level}] {message}" + "".join(
            f", {key}: {value}" for key, value in fields.items()
        )
    client = fields.get("client", "-")
    request = f"{fields['method']} {fields['path']} HTTP/1.1"
    upstream = f' upstream="{fields["upstream"]}"' if "upstream" in fields else ""
    return f'{client} - - [{at:%d/%b/%Y:%H:%M:%S +0000}] "{request}" {fields["status"]} {fields["duration_ms"]}ms{upstream}'


def _redis(at: datetime, level: str, message: str, _fields: Fields) -> str:
    mark = {"error": "#", "warn": "#"}.get(level, "*")
    return f"1:M {at:%d %b %Y %H:%M:%S}.{at.microsecond // 1000:03d} {mark} {message}"


def _postgres(at: datetime, level: str, message: str, _fields: Fields) -> str:
    severity = {"fatal": "FATAL", "error": "ERROR", "warn": "WARNING"}.get(level, "LOG")
    head = f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03d} UTC [1] "
    return f"{head}{severity}:  " + message.replace("\n", f"\n{head}")


def _mysql(at: datetime, level: str, message: str, fields: Fields) -> str:
    label = {"error": "ERROR", "warn": "Warning"}.get(level, "System" if "mysqld" in message else "Note")
    code = fields.get("code", "MY-000000")
    return f"{at:%Y-%m-%dT%H:%M:%S.%f}Z {at.second + 8} [{label}] [{code}] [Server] {message}"


def _rabbitmq(at: datetime, level: str, message: str, _fields: Fields) -> str:
    severity = {"warn": "warning"}.get(level, level)
    return f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond:06d}+00:00 [{severity}] <0.{at.second + 200}.0> {message}"


def _plain(at: datetime, level: str, message: str, fields: Fields) -> str:
    said = "".join(f" {key}={value}" for key, value in fields.items())
    return f"{at:%Y-%m-%d %H:%M:%S},{at.microsecond // 1000:03d} {level.upper():<7} [worker] {message}{said}"


def _spring(at: datetime, level: str, message: str, fields: Fields) -> str:
    """A Java program's line; an exception follows with its stack on lines of its own."""
    error = str(fields.get("error", ""))
    rest = {key: value for key, value in fields.items() if key != "error" or not stacks.is_exception(error)}
    thread = f"nio-exec-{at.microsecond // 1000 % 10 + 1}"
    logger = "c.e.client.DependencyClient" if "dependency" in fields else "c.e.web.RequestLog"
    said = "".join(f", {key}={value}" for key, value in rest.items())
    line = f"{_iso(at)} {level.upper():>5} 1 --- [{thread:>15}] {logger:<40} : {message}{said}"
    return f"{line}\n{stacks.trace(error)}" if stacks.is_exception(error) else line


_PLACES = {
    "method": ("http", "request", "method"),
    "path": ("url", "path"),
    "status": ("http", "response", "status_code"),
    "duration_ms": ("event", "duration_ms"),
    "dependency": ("destination", "service"),
    "url": ("destination", "address"),
    "error": ("error", "message"),
    "version": ("service", "version"),
}


def _nested(at: datetime, level: str, message: str, fields: Fields) -> str:
    """JSON by the names of a common schema, each field at its place in the tree."""
    tree: dict[str, Any] = {"@timestamp": _iso(at), "log": {"level": level}, "message": message}
    for key, value in fields.items():
        *branches, leaf = _PLACES.get(key, ("labels", key))
        place = tree
        for branch in branches:
            place = place.setdefault(branch, {})
        place[leaf] = value
    return json.dumps(tree, ensure_ascii=False)


_STYLES: dict[LogStyle, Render] = {
    "access": _access,
    "logfmt": _logfmt,
    "json": _json,
    "redis": _redis,
    "postgres": _postgres,
    "mysql": _mysql,
    "rabbitmq": _rabbitmq,
    "plain": _plain,
    "spring": _spring,
    "nested": _nested,
}
