"""YAML as Kubernetes tools write it: fast where libyaml is there, times kept as text, and no document that unfolds without end."""

import re
from collections.abc import Iterator
from typing import Any

import yaml

from tools.bundle.items import Reading
from tools.bundle.limits import MAX_UNFOLDED

_ALIAS = re.compile(r"(?m)(?:^|[\s\[,{:-])\*[\w.-]+")
_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):  # type: ignore[misc]
    """Times stay as they are written: an object is the same whether it came as JSON or as YAML."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in rules if tag != "tag:yaml.org,2002:timestamp"]
    for first, rules in _Base.yaml_implicit_resolvers.items()
}


def documents(text: str, reading: Reading) -> Iterator[Any]:
    """The objects of a file; the items of its Lists are unpacked by the caller."""
    taken, has_aliases = 0, bool(_ALIAS.search(text))
    try:
        for document in yaml.load_all(text, Loader=_Loader):
            if document is None:
                continue
            if has_aliases and _unfolded(document, {}) > MAX_UNFOLDED:
                reading.broken = "its aliases unfold it without end"
                return
            taken += 1
            yield from document if isinstance(document, list) else [document]
    except RecursionError:
        reading.broken = "nested too deep"
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        reading.broken = f"no YAML{where}, after {taken} documents"


def _unfolded(value: Any, known: dict[int, float]) -> float:
    """How many values there would be without aliases; endless where one holds itself."""
    if not isinstance(value, dict | list):
        return 1
    if id(value) not in known:
        known[id(value)] = float("inf")
        inner = value.values() if isinstance(value, dict) else value
        known[id(value)] = 1 + sum(_unfolded(one, known) for one in inner)
    return known[id(value)]
