"""Values out of JSON of any length, one at a time: a List's items, an array's, or values one after the other.

A file of a few megabytes is parsed at once, which is fastest. A longer one, and one that is broken somewhere, is read through a window
that holds little more than the item at hand, so a list of a million events takes no more memory than one of a hundred, and of a file that
breaks off everything before the break is still there.
"""

import codecs
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from tools.bundle.folder import text_of
from tools.bundle.limits import MAX_ITEM, MAX_WHOLE_FILE
from tools.engines.objects import dig

CHUNK = 1024 * 1024
HEAD = 64 * 1024
_ITEMS = re.compile(r'"items"\s*:\s*\[')
_KIND = re.compile(r'"kind"\s*:\s*"(\w{1,100})"')
_BETWEEN = re.compile(r"[\s,]*")
_HALF = re.compile(r"\\u[dD][89a-fA-F]")
_decoder = json.JSONDecoder()


@dataclass(slots=True)
class Reading:
    """What became known of a file while its values were taken from it."""

    kind: str = ""
    """The kind that a list says it is of."""
    is_list: bool = False
    goes_on: bool = False
    """Whether it is a page of a list that is longer."""
    broken: str = ""
    """Why it was not read to its end."""
    taken: int = 0
    """Of a file that is read through a window: how long the latest value was."""


def whole(path: Path) -> Any:
    """A file's one value. ValueError says what is wrong with it."""
    raw = path.read_bytes()
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        pass
    try:
        return _in_whole_characters(json.loads(text_of(raw)))
    except RecursionError:
        raise ValueError("nested too deep") from None


def _in_whole_characters(value: Any) -> Any:
    """Without halves of characters, which JSON can spell and nothing can write down again."""
    return json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", errors="replace"))


def values(path: Path, size: int, reading: Reading) -> Iterator[Any]:
    """The objects of a file: of a List its items, of an array its members, else the value itself."""
    if size <= MAX_WHOLE_FILE:
        try:
            value = whole(path)
        except ValueError:
            pass
        else:
            yield from _members(value, reading)
            return
    with path.open("rb") as file:
        yield from _streamed(file, reading)


def _members(value: Any, reading: Reading) -> Iterator[Any]:
    if isinstance(value, list):
        reading.is_list = True
        yield from value
    elif isinstance(value, dict) and isinstance(value.get("items"), list):
        reading.is_list, reading.kind = True, str(value.get("kind") or "")
        reading.goes_on = bool(dig(value, "metadata", "continue"))
        yield from value["items"]
    elif isinstance(value, dict) and str(value.get("kind") or "").endswith("List"):
        reading.is_list, reading.kind = True, str(value["kind"])
    else:
        yield value


class _Window:
    """The part of a file that is being looked at."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._decode = codecs.getincrementaldecoder("utf-8-sig")(errors="replace").decode
        self.text, self.at, self.ended = "", 0, False

    def more(self) -> bool:
        chunk = self._file.read(CHUNK)
        self.ended = not chunk
        self.text, self.at = self.text[self.at :] + self._decode(chunk, self.ended), 0
        return not self.ended

    def skip(self) -> None:
        found = _BETWEEN.match(self.text, self.at)
        self.at = found.end() if found else self.at

    @property
    def left(self) -> int:
        return len(self.text) - self.at


def _streamed(file: BinaryIO, reading: Reading) -> Iterator[Any]:
    window = _Window(file)
    window.more()
    _enter(window, reading)
    taken = 0
    while True:
        window.skip()
        if window.left and window.text[window.at] in "]}":
            return
        if not window.left and not window.more():
            break
        began = window.at
        try:
            value, window.at = _decoder.raw_decode(window.text, began)
        except RecursionError:
            reading.broken = f"nested too deep after {taken} items"
            return
        except ValueError as error:
            if window.left <= MAX_ITEM and window.more():
                continue
            reading.broken = _said(error, taken, window.ended)
            return
        taken, reading.taken = taken + 1, window.at - began
        yield _in_whole_characters(value) if _HALF.search(window.text, began, window.at) else value
    if reading.is_list or not taken:
        reading.broken = f"it breaks off after {taken} items" if reading.is_list else "it is empty"


def _enter(window: _Window, reading: Reading) -> None:
    """Go to where the first item begins."""
    window.skip()
    head = window.text[:HEAD]
    if head[window.at : window.at + 1] == "[":
        window.at, reading.is_list = window.at + 1, True
        return
    items = _ITEMS.search(head)
    kind = _KIND.search(head, 0, items.start()) if items else None
    if items and (kind is None or kind[1].endswith("List")):
        window.at, reading.is_list, reading.kind = items.end(), True, kind[1] if kind else ""


def _said(error: ValueError, taken: int, ended: bool) -> str:
    if taken and ended:
        return f"it breaks off after {taken} items"
    what = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
    return f"no JSON after {taken} items" if taken else f"no JSON: {what}"
