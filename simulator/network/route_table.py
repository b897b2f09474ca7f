"""A gateway's table of routes: which upstream gets a path. It stands in a file; the longest path that fits wins.

An upstream may be written out or name a variable, `${SEARCH_URL}`, as templates of gateways do.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import yaml

TABLE_FILE = "/routes.yaml"
_VARIABLE = re.compile(r"\$\{([A-Za-z0-9_]+)\}")


def table_in(files: Mapping[str, str]) -> str | None:
    return next((files[path] for path in sorted(files) if path.endswith(TABLE_FILE)), None)


def upstream(table: str, path: str, env: Mapping[str, str]) -> str | None:
    """The address that the table has for a path; None when it has none."""
    fitting = [route for route in _read(table) if _fits(str(route.get("path", "")), path)]
    if not fitting:
        return None
    chosen = max(fitting, key=lambda route: len(str(route["path"])))
    return _VARIABLE.sub(lambda match: env.get(match[1], ""), str(chosen.get("upstream", "")))


def routes_in(table: str) -> list[dict[str, Any]]:
    return [dict(route) for route in _read(table)]


@lru_cache(maxsize=64)
def _read(table: str) -> list[dict[str, Any]]:
    try:
        read = yaml.safe_load(table)
    except (yaml.YAMLError, ValueError):
        return []
    routes = read.get("routes") if isinstance(read, dict) else None
    return [route for route in routes if isinstance(route, dict)] if isinstance(routes, list) else []


def _fits(prefix: str, path: str) -> bool:
    bare = prefix.rstrip("/")
    return bool(prefix) and (path == bare or path.startswith(f"{bare}/"))


def written(routes: list[dict[str, Any]]) -> str:
    return str(yaml.safe_dump({"routes": routes}, sort_keys=False))
