"""HTML to Markdown in one pass: no tree, no recursion, nothing fetched and nothing run.

The text is cut into tags and letters by a scanner of our own that looks at each character a bounded number of times, because the standard
parser takes quadratic time over markup that never closes. Open elements are kept on a stack with their count by name, so that an end
tag that closes nothing costs nothing, and a thousand nested lists are a long stack and no deep call. What a reader does not see (script,
style, navigation, hidden elements, comments) is dropped; links keep their text.
"""

import html
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from core.errors import Invalid
from knowledge_base.formats.reading import Facts, Reading, labels, tidy, validated
from knowledge_base.formats.writer import Writer

_ATTRIBUTES = re.compile(r"""(?:=\s*+"[^"]*+"|=\s*+'[^']*+'|[^>=]++|=)*+""")
_ATTRIBUTE = re.compile(r"""([^\s=>"'/]++)(?:\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s>"']++)))?""")
_NAME = re.compile(r"[a-zA-Z][^\s/>\x00]{0,40}")
MAX_TOKENS = 200_000
_MAIN_ENOUGH = 200
_MAX_ATTRIBUTES = 16 * 1024
_CHARSET = re.compile(rb"""(?:charset|encoding)\s{0,4}=\s{0,4}["']?\s{0,4}([a-zA-Z0-9_:-]{1,40})""")
_INVISIBLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_LANGUAGE = re.compile(r"(?:language|lang|brush:)[-\s]?\s?([a-zA-Z0-9+#]{1,20})")
_DIGITS = re.compile(r"&#(?:[0-9]{9,}|[xX][0-9a-fA-F]{9,});?")

_ENCODINGS = {
    **dict.fromkeys(("utf-8", "utf8", "us-ascii", "ascii"), "utf-8"),
    **dict.fromkeys(("gb2312", "gbk", "gb18030", "x-gbk", "gb_2312-80"), "gb18030"),
    **dict.fromkeys(("big5", "big5-hkscs"), "big5hkscs"),
    **dict.fromkeys(("iso-8859-1", "latin1", "windows-1252", "cp1252"), "cp1252"),
    **dict.fromkeys(("shift_jis", "shift-jis", "x-sjis"), "cp932"),
    "euc-jp": "euc_jp",
    "euc-kr": "cp949",
    **dict.fromkeys(("utf-16", "utf-16le"), "utf-8"),  # it could not be read in bytes if it were true
}
"""What a page may call its letters: the registry of the language would also take zips and riddles for encodings."""
_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"}
)
_RAW = frozenset({"script", "style", "title", "textarea", "xmp", "iframe", "noembed", "noframes", "noscript"})
_DROPPED = frozenset(
    {
        "nav",
        "template",
        "svg",
        "math",
        "object",
        "applet",
        "audio",
        "video",
        "canvas",
        "select",
        "datalist",
        "button",
        "dialog",
    }
)
_CLOSED_BY = {
    "li": frozenset({"li"}),
    "dt": frozenset({"dt", "dd"}),
    "dd": frozenset({"dt", "dd"}),
    "tr": frozenset({"tr", "td", "th"}),
    "td": frozenset({"td", "th"}),
    "th": frozenset({"td", "th"}),
    "tbody": frozenset({"tr", "td", "th", "thead", "tbody", "tfoot"}),
    "option": frozenset({"option"}),
}
_CLOSED_BY.update(dict.fromkeys(("thead", "tfoot"), _CLOSED_BY["tbody"]))
_SCOPES = frozenset({"ul", "ol", "dl", "table"})
_ENDS_PARAGRAPH = frozenset(
    {
        "address",
        "article",
        "aside",
        "blockquote",
        "details",
        "div",
        "dl",
        "fieldset",
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "main",
        "ol",
        "p",
        "pre",
        "section",
        "table",
        "ul",
    }
)


@dataclass(frozen=True, slots=True)
class _Tag:
    name: str
    attributes: dict[str, str]
    closes: bool = False


def read(raw: bytes) -> Reading:
    reader = _Reader()
    for number, token in enumerate(_tokens(tidy(_decoded(raw)))):
        if number > MAX_TOKENS:
            raise Invalid(f"The page holds more than {MAX_TOKENS} tags and texts.")
        if isinstance(token, str):
            reader.letters(token)
        elif token.closes:
            reader.end(token.name)
        else:
            reader.start(token)
    return Reading(reader.text(), " ".join(reader.title.split())[:200], _facts(reader.said))


def _decoded(raw: bytes) -> str:
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if raw.startswith(mark):
            return _in(raw, encoding, encoding.upper()[:6])
    declared = _CHARSET.search(raw[:4096].lower())
    name = declared[1].decode("ascii") if declared else "utf-8"
    if name not in _ENCODINGS:
        raise Invalid(f"The page says that its letters are {name}, which is not known here; save it as UTF-8.")
    return _in(raw, _ENCODINGS[name], name.upper())


def _in(raw: bytes, encoding: str, shown: str) -> str:
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        raise Invalid(f"The file is not {shown} text (byte {error.start}).") from None
    if "\x00" in text:
        raise Invalid("The file holds NUL characters; it is not text.")
    return text


def _tokens(text: str) -> Iterator[str | _Tag]:
    at = 0
    while at < len(text):
        mark = text.find("<", at)
        if mark < 0:
            break
        if mark > at:
            yield text[at:mark]
        found, at = _markup(text, mark)
        yield from found
    yield text[at:]


def _markup(text: str, mark: int) -> tuple[tuple[str | _Tag, ...], int]:
    """What begins with the < at `mark`, and where it ends; what never ends swallows the rest, as it does in a browser."""
    if text.startswith("<!--", mark):
        return (), _past(text, "-->", mark + 4)
    if text.startswith("<![CDATA[", mark):
        end = _past(text, "]]>", mark)
        return (text[mark + 9 : end].removesuffix("]]>"),), end
    if text[mark + 1 : mark + 2] in ("!", "?"):
        return (), _past(text, ">", mark)
    closes = text.startswith("</", mark)
    name = _NAME.match(text, mark + 1 + closes)
    if name is None:
        return ("&lt;",), mark + 1
    attributes = _ATTRIBUTES.match(text, name.end())
    end = attributes.end() if attributes else name.end()
    if end >= len(text):
        return (), len(text)
    tag = _Tag(name[0].lower(), {} if closes else _attributes(text[name.end() : end]), closes)
    if tag.name in _RAW and not closes:
        return _raw(text, tag, end + 1)
    return (tag,), end + 1


def _raw(text: str, tag: _Tag, start: int) -> tuple[tuple[str | _Tag, ...], int]:
    """An element whose inside is no markup: it ends at its own end tag, or never."""
    close = re.compile(f"</{re.escape(tag.name)}", re.IGNORECASE).search(text, start)
    if close is None:
        return (), len(text)
    end = _past(text, ">", close.start())
    return (tag, text[start : close.start()], _Tag(tag.name, {}, closes=True)), end


def _past(text: str, what: str, start: int) -> int:
    found = text.find(what, start)
    return len(text) if found < 0 else found + len(what)


def _attributes(source: str) -> dict[str, str]:
    if len(source) > _MAX_ATTRIBUTES:
        return {}
    found = _ATTRIBUTE.finditer(source)
    return {match[1].lower(): _unescaped(match[2] or match[3] or match[4] or "") for match in found}


def _unescaped(text: str) -> str:
    # Numbers of thousands of digits are refused by int itself, and mean no letter anyway.
    return html.unescape(_DIGITS.sub("\ufffd", text)) if "&" in text else text


class _Reader:
    def __init__(self) -> None:
        self.writer = Writer()
        self.title = ""
        self.said: dict[str, str] = {}
        self._open: list[tuple[str, bool]] = []
        self._count: Counter[str] = Counter()
        self._unseen = 0
        self._main: list[int] = []
        """Where the page's main part begins and ends in what is written, and before that how deep it stands."""
        self._depth = -1

    def text(self) -> str:
        """The main part, where a page says which it is and that is more than a frame for something that a script brings."""
        whole = self.writer.finished()
        start, end = (*self._main, None, None)[:2]
        main = "\n".join(self.writer.lines[start:end]).strip("\n")
        return main if self._main and len(main) >= _MAIN_ENOUGH else whole

    def letters(self, text: str) -> None:
        if self._open and self._open[-1][0] == "title":
            self.title = self.title or tidy(_unescaped(text))
        elif not self._unseen:
            self.writer.letters(tidy(_unescaped(text)))

    def start(self, tag: _Tag) -> None:
        self._close_implied(tag.name)
        if tag.name == "meta":
            self._meta(tag.attributes)
        if tag.name in _VOID:
            if not self._unseen and not _is_hidden(tag):
                self.writer.void(tag.name, tag.attributes)
            return
        unseen = _is_hidden(tag)
        if not self._main and not self._unseen and not unseen and _is_main(tag):
            self._main, self._depth = [self.writer.here()], len(self._open)
        self._open.append((tag.name, unseen))
        self._count[tag.name] += 1
        if not self._unseen and not unseen:
            self.writer.start(tag.name, tag.attributes, _language(tag.attributes.get("class", "")))
        self._unseen += unseen

    def end(self, name: str) -> None:
        if not self._count[name]:
            return
        while self._pop() != name:
            pass

    def _pop(self) -> str:
        name, unseen = self._open.pop()
        self._count[name] -= 1
        self._unseen -= unseen
        if not self._unseen and not unseen:
            self.writer.end(name)
        if len(self._open) == self._depth and len(self._main) == 1:
            self._main.append(self.writer.here())
        return name

    def _close_implied(self, name: str) -> None:
        """The end tags that writers may leave out: `<li>` ends the item before it, a block ends a paragraph."""
        if name in _ENDS_PARAGRAPH and self._open and self._open[-1][0] == "p":
            self._pop()
        ended = _CLOSED_BY.get(name)
        if ended is None or not any(self._count[one] for one in ended):
            return
        depth = self._reach(ended)
        while len(self._open) > depth:
            self._pop()

    def _reach(self, ended: frozenset[str]) -> int:
        """How deep the stack stays when the outermost of these that is not in an enclosing list or table is ended."""
        keep = len(self._open)
        for place in range(len(self._open) - 1, max(-1, len(self._open) - 64), -1):
            name = self._open[place][0]
            if name in _SCOPES:
                break
            if name in ended:
                keep = place
        return keep

    def _meta(self, attributes: dict[str, str]) -> None:
        name = (attributes.get("name") or attributes.get("property") or "").lower().replace("-", "_")
        if name in {"keywords", "tags", "alerts", "faults", "valid_from", "valid_until"} and len(self.said) < 8:
            self.said.setdefault(name, attributes.get("content", ""))


def _is_hidden(tag: _Tag) -> bool:
    if tag.name in _DROPPED or (tag.name in _RAW and tag.name not in {"title", "textarea", "xmp"}):
        return True
    attributes = tag.attributes
    if "hidden" in attributes or attributes.get("aria-hidden", "").lower() == "true":
        return True
    return attributes.get("role") == "navigation" or bool(_INVISIBLE.search(attributes.get("style", "")))


def _is_main(tag: _Tag) -> bool:
    return tag.name == "main" or tag.attributes.get("role") == "main"


def _language(classes: str) -> str:
    found = _LANGUAGE.search(classes)
    return found[1] if found else ""


def _facts(said: dict[str, str]) -> Facts:
    found: dict[str, object] = {name: text for name, text in said.items() if name.startswith("valid_") and text.strip()}
    for name in ("alerts", "faults"):
        found[name] = labels(said.get(name, ""))
    found["tags"] = labels(f"{said.get('keywords', '')},{said.get('tags', '')}")
    return validated(found, "page's meta")
