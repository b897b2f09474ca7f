"""Reads request parameters as Prometheus does: from the query string and from a form, with its sentences when they are wrong."""

import math
import re
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qsl

from starlette.requests import Request

from simulator.promql.errors import BadData

LARGEST_FORM = 1_000_000
MOST_FIELDS = 1_000
MOST_POINTS = 11_000
FARTHEST_SECOND = 9_000_000_000.0

_DURATION = re.compile(r"(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?", re.ASCII)
_UNITS_MS = (31_536_000_000, 604_800_000, 86_400_000, 3_600_000, 60_000, 1_000, 1)
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_FLOAT = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_LARGEST_SECONDS = 2.0**63 / 1e9


@dataclass(frozen=True, slots=True)
class Parameters:
    fields: list[tuple[str, str]]

    def first(self, name: str) -> str:
        return next((value for key, value in self.fields if key == name), "")

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.fields if key == name]

    def time_ms(self, name: str, default: int | None = None) -> int:
        text = self.first(name)
        if not text and default is not None:
            return default
        moment = _timestamp_ms(text)
        if moment is None:
            optional = "" if default is None else f"Invalid time value for '{name}': "
            raise invalid(name, f'{optional}cannot parse "{text}" to a valid timestamp')
        return moment

    def duration_ms(self, name: str) -> float:
        text = self.first(name)
        seconds = _float(text)
        if seconds is not None:
            if abs(seconds) > _LARGEST_SECONDS:
                raise invalid(name, f'cannot parse "{text}" to a valid duration. It overflows int64')
            return seconds * 1000
        parts = _DURATION.fullmatch(text)
        if not text or (parts is None and text != "0"):
            raise invalid(name, f'cannot parse "{text}" to a valid duration')
        groups = parts.groups() if parts is not None else ()
        return float(sum(int(group) * unit for group, unit in zip(groups, _UNITS_MS, strict=True) if group))

    def whole(self, name: str, sentence: str) -> int | None:
        text = self.first(name)
        if not text:
            return None
        if not re.fullmatch(r"[+-]?\d{1,18}", text, re.ASCII):
            raise BadData(sentence)
        return int(text)


def invalid(name: str, problem: str) -> BadData:
    return BadData(f'invalid parameter "{name}": {problem}')


async def read_parameters(request: Request) -> Parameters:
    """The fields of a form come before those of the query string."""
    form = await _form(request) if request.method == "POST" else []
    return Parameters(form + list(request.query_params.multi_items()))


async def _form(request: Request) -> list[tuple[str, str]]:
    body = await read_body(request, LARGEST_FORM)
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return []
    try:
        return parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError as problem:
        raise BadData(f"error parsing form values: {problem}") from problem


async def read_body(request: Request, largest: int) -> bytes:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > largest:
            raise BadData(f"request body is larger than {largest} bytes")
    return bytes(body)


def _float(text: str) -> float | None:
    return float(text) if _FLOAT.fullmatch(text) else None


def _timestamp_ms(text: str) -> int | None:
    seconds = _float(text)
    if seconds is None and _RFC3339.fullmatch(text):
        seconds = _rfc3339_seconds(text)
    if seconds is None or not math.isfinite(seconds) or abs(seconds) > FARTHEST_SECOND:
        return None
    return math.floor(seconds * 1000 + 0.5)


def _rfc3339_seconds(text: str) -> float | None:
    try:
        return datetime.fromisoformat(text.upper()).timestamp()
    except ValueError:
        return None
