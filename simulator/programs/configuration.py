"""What a program reads at its start: typed variables and the file with its settings.

Nothing here knows what a file should say, only whether it can be read: the parser of the format finds the line, as it would in the program.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import yaml

from simulator.apps import App, VariableType

LEVELS = ("trace", "debug", "info", "warn", "warning", "error", "fatal")
SWITCHES = ("on", "off", "true", "false", "0", "1", "yes", "no")
_DURATION = re.compile(r"^\d+(ms|s|m|h)$")


@dataclass(frozen=True)
class Wrong:
    """What cannot be read: a variable with its value, or a line of a file."""

    source: str  # the variable, or the path of the file
    problem: str
    value: str = ""
    line: int = 0


def wrong(app: App, env: Mapping[str, str], files: Mapping[str, str]) -> Wrong | None:
    for variable, kind in app.typed:
        value = env.get(variable)
        if value is not None and not _READERS[kind](value):
            return Wrong(variable, kind, value)
    if not app.config_file:
        return None
    text = files.get(app.config_path)
    return _unreadable(app.config_path, text) if text is not None else None


_READERS: dict[VariableType, Callable[[str], object]] = {
    "whole number": str.isdigit,
    "log level": lambda text: text.lower() in LEVELS,
    "switch": lambda text: text.lower() in SWITCHES,
    "duration": _DURATION.match,
    "currency": lambda text: len(text) == 3 and text.isupper(),
}


def _unreadable(path: str, text: str) -> Wrong | None:
    if path.endswith(".json"):
        return _bad_json(path, text)
    if path.endswith((".yaml", ".yml")):
        return _bad_yaml(path, text)
    return _bad_properties(path, text)


def _bad_json(path: str, text: str) -> Wrong | None:
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return Wrong(path, error.msg, line=error.lineno)
    return None


def _bad_yaml(path: str, text: str) -> Wrong | None:
    try:
        yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        return Wrong(path, str(error.problem), line=mark.line + 1 if mark else 1)
    except (yaml.YAMLError, ValueError) as error:
        return Wrong(path, str(error).partition("\n")[0], line=1)
    return None


def _bad_properties(path: str, text: str) -> Wrong | None:
    for number, line in enumerate(text.splitlines(), 1):
        bare = line.strip()
        if bare and not bare.startswith(("#", "[")) and "=" not in bare and " " not in bare:
            return Wrong(path, f"syntax error near '{bare}'", line=number)
    return None
