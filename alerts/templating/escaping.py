"""HTML that values cannot break out of: each value is escaped for the place that it lands in.

Go's html/template works the places out beforehand; here the sink reads along while the page is written, so it always knows whether it is
in text, in a tag, in an attribute (and of which kind), in a script, a style or a comment. What the author wrote passes as it is, without
comments; what alerts say becomes text, or part of an address, or a quoted string, and nothing else. `safeHtml` is the way around, in
text only.
"""

import re
from collections.abc import Callable, Mapping
from html import unescape
from typing import ClassVar

import orjson

from alerts.templating.printing import show
from alerts.templating.values import Address, Markup, Value, plain

_TEXT = str.maketrans(
    {"\0": "\ufffd", '"': "&#34;", "&": "&amp;", "'": "&#39;", "+": "&#43;", "<": "&lt;", ">": "&gt;"}
)
_QUOTE_ONLY = str.maketrans({"\0": "\ufffd", '"': "&#34;", "'": "&#39;", "+": "&#43;", "<": "&lt;", ">": "&gt;"})
_UNQUOTED = str.maketrans(
    {char: f"&#{ord(char)};" for char in "\t\n\v\f\r \"'+=`"}
    | {"\0": "&#65533;", "&": "&amp;", "<": "&lt;", ">": "&gt;"}
)
_URLS = frozenset(
    {"action", "archive", "background", "cite", "classid", "codebase", "data", "formaction", "href", "icon", "longdesc"}
    | {"manifest", "poster", "profile", "src", "usemap", "xmlns"}
)
_RAW = frozenset({"script", "style", "title", "textarea"})
_TAG = re.compile(r"</?([a-zA-Z][^\s/>]*)")
_ATTRIBUTE = re.compile(r"[^\s\"'<>/=\0]+")
_CSS_REFUSED = re.compile(r"[\0\"'()/;@\[\\\]`{}<>]|--|expression|mozbinding", re.IGNORECASE)
_SAFE_SCHEMES = ("http", "https", "mailto")
_FAILSAFE = "ZgotmplZ"
_KEPT = "-._~!*;:@&=+$,/?#[]"


class HtmlSink:
    def __init__(self) -> None:
        self._parts: list[str] = []
        self._state = "text"
        """text, tag, name (an attribute's, or behind it), before (the value), value, raw (inside an element of text), comment."""
        self._element = ""
        self._attribute = ""
        self._quote = ""
        self._seen = ""
        """What the attribute's value holds so far: where an address begins, a scheme may be."""
        self._rest = ""
        """The beginning of a mark that the next literal may complete."""

    def literal(self, text: str) -> int:
        before = len(self._parts)
        at = 0
        while at < len(text):
            at = self._STEPS[self._state](self, text, at)
        return sum(map(len, self._parts[before:]))

    def value(self, value: Value) -> int:
        if self._state == "before":
            self._state, self._quote, self._seen = "value", "", ""
        shown = self._escaped(value)
        if self._state == "value":
            self._seen += shown
        self._parts.append(shown)
        return len(shown)

    def done(self) -> str:
        return "".join(self._parts)

    # Reading along with what the author wrote.

    def _put(self, text: str) -> None:
        self._parts.append(text)

    def _in_text(self, text: str, at: int) -> int:
        begin = text.find("<", at)
        if begin < 0:
            self._put(text[at:])
            return len(text)
        self._put(text[at:begin])
        if text.startswith("<!--", begin):
            self._state = "comment"
            return begin + 4
        match = _TAG.match(text, begin)
        if match is None:
            self._put("<" if text.startswith("<!", begin) else "&lt;")
            return begin + 1
        self._put(match[0])
        self._element = "" if match[0].startswith("</") else match[1].lower()
        self._state = "tag"
        return match.end()

    def _in_comment(self, text: str, at: int) -> int:
        """Left out, as nobody is meant to read it."""
        end = text.find("-->", at)
        if end < 0:
            return len(text)
        self._state = "text"
        return end + 3

    def _in_tag(self, text: str, at: int) -> int:
        if text[at] == ">":
            self._put(">")
            self._state = "raw" if self._element in _RAW else "text"
            return at + 1
        match = _ATTRIBUTE.match(text, at)
        if match:
            self._attribute, self._state = match[0].lower(), "name"
        self._put(match[0] if match else text[at])
        return match.end() if match else at + 1

    def _behind_name(self, text: str, at: int) -> int:
        if text[at].isspace():
            self._put(text[at])
            return at + 1
        if text[at] == "=":
            self._put("=")
            self._state = "before"
            return at + 1
        self._state = "tag"
        return at

    def _before_value(self, text: str, at: int) -> int:
        if text[at].isspace():
            self._put(text[at])
            return at + 1
        self._state, self._seen = "value", ""
        self._quote = text[at] if text[at] in "\"'" else ""
        if text[at] == ">":
            self._state = "tag"
            return at
        self._put(self._quote)
        return at + len(self._quote)

    def _in_value(self, text: str, at: int) -> int:
        ends = re.compile(self._quote or r"[\s>]").search(text, at)
        end = ends.start() if ends else len(text)
        self._put(text[at:end])
        self._seen += text[at:end]
        if ends is None:
            return end
        self._put(self._quote)
        self._state = "tag"
        return end + len(self._quote)

    def _in_raw(self, text: str, at: int) -> int:
        ends = re.compile(f"</{self._element}(?=[\\s/>]|\\Z)", re.IGNORECASE).search(text, at)
        if ends is None:
            self._put(text[at:])
            return len(text)
        self._put(text[at : ends.end()])
        self._element, self._state = "", "tag"
        return ends.end()

    _STEPS: ClassVar[Mapping[str, Callable[["HtmlSink", str, int], int]]] = {
        "text": _in_text,
        "comment": _in_comment,
        "tag": _in_tag,
        "name": _behind_name,
        "before": _before_value,
        "value": _in_value,
        "raw": _in_raw,
    }

    # What a value may become there.

    def _escaped(self, value: Value) -> str:
        if self._state == "text":
            return value if isinstance(value, Markup) else _text(value).translate(_TEXT)
        if self._state == "comment":
            return ""
        if self._state == "raw":
            return self._in_element(value)
        if self._state == "value":
            shown = self._of_attribute(value)
            return shown.translate(_TEXT if self._quote else _UNQUOTED)
        # The name of a tag or an attribute, which nothing that alerts say may choose.
        return _FAILSAFE

    def _in_element(self, value: Value) -> str:
        if self._element == "script":
            return _script(value)
        if self._element == "style":
            return _css(_text(value))
        return _text(value).translate(_QUOTE_ONLY if isinstance(value, Markup) else _TEXT)

    def _of_attribute(self, value: Value) -> str:
        name = self._attribute.rpartition(":")[2].removeprefix("data-")
        if name.startswith("on"):
            return _script(value)
        if name == "style":
            return _css(_text(value))
        if name in _URLS or "src" in name or "uri" in name or "url" in name:
            return self._address(value)
        return re.sub(r"<[^>]*>", "", unescape(value)) if isinstance(value, Markup) else _text(value)

    def _address(self, value: Value) -> str:
        text = _text(value)
        if re.search(r"[?#]", unescape(self._seen)):
            return _percent(text, "-._~")
        if not (self._seen.strip() or isinstance(value, Address) or _is_safe_address(text)):
            return f"#{_FAILSAFE}"
        return _normal(text)


def _text(value: Value) -> str:
    return "" if value is None else show(value)


def _is_safe_address(text: str) -> bool:
    scheme, colon, _ = text.partition(":")
    return not colon or "/" in scheme or scheme.lower() in _SAFE_SCHEMES


def _normal(text: str) -> str:
    """What was escaped already stays; what an address cannot hold is escaped."""
    pieces = re.split(r"(%[0-9a-fA-F]{2})", text)
    return "".join(piece if place % 2 else _percent(piece, _KEPT) for place, piece in enumerate(pieces))


def _percent(text: str, kept: str) -> str:
    return "".join(
        char
        if (char.isascii() and char.isalnum()) or char in kept
        else "".join(f"%{byte:02x}" for byte in char.encode())
        for char in text
    )


def _css(text: str) -> str:
    plainly = unescape(text)
    compact = re.sub(r"[^a-z]", "", plainly.lower())
    return _FAILSAFE if _CSS_REFUSED.search(plainly) or "expression" in compact or "mozbinding" in compact else text


def _script(value: Value) -> str:
    """As JSON, which is a value in a script and nothing more."""
    written = orjson.dumps(plain(value)).decode()
    for char in "<>&\u2028\u2029":
        written = written.replace(char, f"\\u{ord(char):04x}")
    return f" {written} " if isinstance(value, (int, float)) else written
