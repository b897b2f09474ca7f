"""Reading files that people write: YAML in, complaints that name the place out.

A key written twice is a mistake somebody made while copying, not a choice, so it is refused; so is a field nobody knows, with the one
that was probably meant. Numbers with colons stay text (`17:00` is an hour, not 1020), as every other reader of these files has it.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, timedelta, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml

from alerts.durations import parse_duration
from core.errors import Invalid, near_misses

MAX_FILE = 4 * 1024 * 1024
NOTHING = timedelta(0)


def read_text(path: Path, what: str) -> str:
    try:
        if path.stat().st_size > MAX_FILE:
            raise Invalid(f"The {what} {path} is larger than {MAX_FILE} bytes.", field=str(path))
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise Invalid(f"The {what} {path} cannot be read: {error.strerror}.", field=str(path)) from error
    except UnicodeDecodeError as error:
        raise Invalid(f"The {what} {path} is not UTF-8 text.", field=str(path)) from error


def read_yaml(text: str, source: str) -> Any:
    try:
        return yaml.load(text, _StrictLoader)  # noqa: S506 - a SafeLoader that is stricter still
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise Invalid(f"{source}{line}: not valid YAML: {error.problem}.") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise Invalid(f"{source}: not valid YAML: {error}.") from None


def mapping(value: Any, where: str, wanted: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Invalid(f"{where} expected {wanted}.")
    return value


def listed(value: Any, where: str, name: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise Invalid(f"{where} {name} must be a list.", field=name)
    return value


def texts(value: Any, where: str, name: str) -> list[str]:
    found = listed(value, where, name)
    if not all(isinstance(each, str) for each in found):
        raise Invalid(f"{where} {name} must be a list of texts.", field=name)
    return found


def text(value: Any, where: str, name: str) -> str:
    if not isinstance(value, str) or not value:
        raise Invalid(f"{where} {name} must be a text that is not empty.", field=name)
    return value


def duration(entry: Mapping[str, Any], name: str, where: str, default: timedelta = NOTHING) -> timedelta:
    value = entry.get(name)
    if value is None:
        return default
    try:
        return parse_duration(str(value), name)
    except Invalid as error:
        raise Invalid(f"{where} {name}: {error.sentence}", field=name) from None


def zone(name: Any, where: str, field: str = "location") -> tzinfo:
    if name in (None, "", "UTC"):
        return UTC
    try:
        return ZoneInfo(str(name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Invalid(
            f"{where} {str(name)[:60]!r} is no time zone that this machine knows.".strip(), field=field
        ) from None


def expect_fields(entry: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    for name in entry:
        if name not in known:
            near = near_misses(str(name), known, 1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise Invalid(f"{where} unknown field {name}.{hint}", field=str(name), allowed=known)


class _StrictLoader(yaml.SafeLoader):
    """Its own table of resolvers, so that no other reader of YAML is changed by it."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        doubled = [key for key, count in Counter(map(str, keys)).items() if count > 1]
        if doubled:
            raise yaml.constructor.ConstructorError(None, None, f"{doubled[0]} is there twice", node.start_mark)
        return super().construct_mapping(node, deep)


def _without_sexagesimals() -> dict[str, list[tuple[str, re.Pattern[str]]]]:
    numbers = {"tag:yaml.org,2002:int", "tag:yaml.org,2002:float"}
    made = {}
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items():
        made[first] = [(tag, shape if tag not in numbers else _plain(shape)) for tag, shape in resolvers]
    return made


def _plain(shape: re.Pattern[str]) -> re.Pattern[str]:
    return re.compile(rf"(?![^:]*:)(?:{shape.pattern})", shape.flags)


_StrictLoader.yaml_implicit_resolvers = _without_sexagesimals()
