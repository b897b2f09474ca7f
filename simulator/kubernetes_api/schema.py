"""The shapes of the built-in types: which fields exist, of which type, and how their lists merge.

One compact table (`types.txt`) serves three readers. Decoding uses it to refuse a string where a number belongs and to find unknown
fields, so that everything behind it may rely on the shape; strategic merge and server-side apply use the merge keys.
In the table a line is a type and its fields; a field without a type is a string; `[]T` is a list that a patch replaces,
`[]T!key` one merged by that key, `[]string!` a set, `{}T` a map, `T!` a struct with the retainKeys strategy. `any` is
not looked into. A kind without a line is served all the same, unchecked below its metadata.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

SCALARS = frozenset({"string", "int", "bool", "quantity", "intstr", "time", "any"})


@dataclass(frozen=True, slots=True)
class Field:
    """`shape` is one of: value, list, map. `key` is None for an atomic list, "" for a set, else the merge key."""

    type: str
    shape: str = "value"
    key: str | None = None
    retain_keys: bool = False


ANY = Field("any")


def _fields(words: list[str]) -> Iterator[tuple[str, Field]]:
    for word in words:
        name, _, type_name = word.partition(":")
        yield name, _field(type_name or "string")


def _field(text: str) -> Field:
    if text.startswith("{}"):
        return Field(text[2:], "map")
    if text.startswith("[]"):
        item, marked, key = text[2:].partition("!")
        return Field(item, "list", key if marked else None, retain_keys=item == "Volume")
    return Field(text.removesuffix("!"), retain_keys=text.endswith("!"))


def _read(table: str) -> dict[str, dict[str, Field]]:
    types: dict[str, dict[str, Field]] = {}
    for line in table.splitlines():
        if line.strip():
            name, *words = line.split()
            types.setdefault(name, {}).update(_fields(words))
    return types


TYPES = _read(resources.files("simulator.kubernetes_api").joinpath("types.txt").read_text())
_ROOT = {"apiVersion": Field("string"), "kind": Field("string"), "metadata": Field("ObjectMeta")}


@lru_cache(maxsize=256)
def root_fields(kind: str) -> dict[str, Field] | None:
    """The fields of a whole object of this kind; None when the kind's shape is not in the table."""
    own = TYPES.get(kind)
    return None if own is None else {**_ROOT, **own}


def fields_of(type_name: str) -> dict[str, Field] | None:
    """The fields of a struct; None for a scalar and for `any`. A kind used inside another is a whole object."""
    if type_name in SCALARS:
        return None
    return root_fields(type_name) if type_name == "PersistentVolumeClaim" else TYPES[type_name]
