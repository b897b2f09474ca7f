"""Files out of a multipart body, one at a time while it arrives.

Nothing is spooled and no more than one file is held: a part is counted as it comes, and what is past the limit of a file is thrown away
and told, so that the files beside it still go in. A body that ends before its last boundary is no upload.
"""

from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request

from core.errors import Invalid

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks  # there for the types alone

MAX_FIELD = 4_096


@dataclass(slots=True)
class Part:
    data: bytearray
    name: str = ""
    """Of the form's field."""
    file: str | None = None
    """None: a plain field."""
    is_too_large: bool = False

    @property
    def text(self) -> str:
        return self.data.decode("utf-8", "replace")


async def parts(request: Request, *, max_file: int, max_parts: int) -> AsyncIterator[Part]:
    reading = _Reading(max_file)
    parser = MultipartParser(_boundary(request), reading.callbacks())
    count = 0
    try:
        async for chunk in request.stream():
            parser.write(chunk)
            while reading.done:
                count += 1
                if count > max_parts:
                    raise Invalid(f"An upload has no more than {max_parts} parts; send the rest in another.")
                yield reading.done.popleft()
    except (FormParserError, UnicodeDecodeError) as error:
        raise Invalid(f"The body is not well-formed multipart: {error}. Nothing was taken.") from None
    except ClientDisconnect:
        raise Invalid("The upload broke off or is too large. Nothing was taken.") from None
    if not reading.is_whole:
        raise Invalid("The upload broke off before its end. Nothing was taken.")


def _boundary(request: Request) -> bytes:
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    boundary = options.get(b"boundary", b"")
    if kind != b"multipart/form-data" or not boundary:
        raise Invalid("Send the files as multipart/form-data.", field="Content-Type")
    return boundary


class _Reading:
    def __init__(self, max_file: int) -> None:
        self._max_file = max_file
        self._part = Part(bytearray())
        self._name, self._value = bytearray(), bytearray()
        self.done: deque[Part] = deque()
        self.is_whole = False

    def callbacks(self) -> "MultipartCallbacks":
        return {
            "on_part_begin": self._begin,
            "on_header_field": lambda data, start, end: self._name.extend(data[start:end]),
            "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
            "on_header_end": self._header,
            "on_part_data": self._data,
            "on_part_end": lambda: self.done.append(self._part),
            "on_end": self._end,
        }

    def _begin(self) -> None:
        self._part = Part(bytearray())

    def _header(self) -> None:
        if self._name.lower() == b"content-disposition":
            _, options = parse_options_header(bytes(self._value))
            self._part.name = options.get(b"name", b"").decode()
            name = options.get(b"filename")
            self._part.file = None if name is None else name.decode()
        self._name.clear()
        self._value.clear()

    def _data(self, data: bytes, start: int, end: int) -> None:
        part = self._part
        limit = MAX_FIELD if part.file is None else self._max_file
        part.is_too_large = part.is_too_large or len(part.data) + end - start > limit
        if part.is_too_large:
            part.data.clear()
        else:
            part.data += data[start:end]

    def _end(self) -> None:
        self.is_whole = True
