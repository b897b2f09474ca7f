"""XML as events, from a parser that refuses what XML can be turned into a weapon with: declarations of types and entities, and depth.

Names come without their namespace, attributes too: the parts of an office document use one word for one thing.
"""

from collections.abc import Callable
from typing import Any
from xml.parsers import expat

from core.errors import Invalid

MAX_DEPTH = 200
MAX_ELEMENTS = 1_500_000
Start = Callable[[str, dict[str, str]], None]
End = Callable[[str], None]
Letters = Callable[[str], None]


def events(raw: bytes, where: str, start: Start, end: End, letters: Letters) -> None:
    if not raw:
        return
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    counted = _Counted(start, end)
    parser.StartElementHandler = counted.start
    parser.EndElementHandler = counted.end
    parser.CharacterDataHandler = letters
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = _refused
    try:
        parser.Parse(raw, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise Invalid(f"The document's {where} is broken: {' '.join(str(error).split())[:120]}.") from None


class _Counted:
    def __init__(self, start: Start, end: End) -> None:
        self._start = start
        self._end = end
        self._depth = 0
        self._elements = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        self._elements += 1
        if self._depth > MAX_DEPTH:
            raise Invalid(f"The document's XML is nested deeper than {MAX_DEPTH} levels.")
        if self._elements > MAX_ELEMENTS:
            raise Invalid(f"The document's XML holds more than {MAX_ELEMENTS} elements.")
        self._start(_local(name), {_local(key): value for key, value in attributes.items()})

    def end(self, name: str) -> None:
        self._depth -= 1
        self._end(_local(name))


def _local(name: str) -> str:
    return name.rpartition(" ")[2]


def _refused(*_: Any) -> None:
    raise Invalid("The document's XML declares types or entities, which no office program writes.")
