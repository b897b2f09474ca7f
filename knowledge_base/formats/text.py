"""Plain text: which letters the bytes mean, and which of its lines are headings.

A byte order mark decides; then UTF-8, which hardly any other text passes for; then UTF-16 without a mark, told by its zero bytes; then
GB18030, which nearly any bytes pass for, so that it is believed only where what comes out is Chinese as it is really written.

A line is taken for a heading only where it can hardly be anything else: underlined, numbered and standing alone, in capitals with
nothing above it, or the first of all, alone and no sentence, as a title stands. A heading missed costs a little; a sentence taken for
one costs its passage.
"""

import re
from collections.abc import Iterator

from core.errors import Invalid
from knowledge_base.formats.reading import MAX_LINE, Reading, plain, tidy

_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_LOOKED_AT = 64 * 1024
_KNOWN_ENOUGH = 0.9
_DAILY_ENOUGH = 0.1
_DAILY = frozenset(
    "的一是不了在人有我他这中大来上个国到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可她里后小么心多天而能好都然没日于起还发成事只作当想看文无开手"
    "用主行方又如前所本见经头面公同三已老从动两长知民样现分将外但身些与高意进把法此实回二理美点月明其种声全工己话儿者向情部正名定女问力机给等几很业最间新什打"
    "便位因重被走电四第门相次东政海口使教西再平真听世气信北少关并内加化由却代军产入先山五太水万市八即务器数据库服应请求错误失败重启重置查看日志告警，。、：；（）"
)
_UNDERLINE = re.compile(r"^(?:={3,}|-{3,}|\*{3,})\s*$")
_DOUBLE = re.compile(r"^={3,}\s*$")
_NUMBERED = re.compile(
    r"^(?:(?P<arabic>\d{1,3}(?:\.\d{1,3}){0,4})[.、]?\s+|(?P<chinese>第[一二三四五六七八九十百\d]{1,5}[章节部分篇]|[一二三四五六七八九十]{1,3}、)\s*)"
    r"(?P<name>\S.{0,78})$"
)
_SENTENCE = re.compile(r"[.,;:!?。，；：！？]$")
_NO_TITLE = re.compile(r"[.,;:!?。，；：！？>|=]$|^[-*+>#|`~$]|://")
MAX_NAME = 80
_FENCE = re.compile(r"^\s{0,3}(```|~~~)")


def read(raw: bytes) -> Reading:
    lines = tidy(decoded(raw)).split("\n")
    if any(len(line) > MAX_LINE for line in lines):
        raise Invalid(f"A line is longer than {MAX_LINE} characters.")
    text = "\n".join(_headed([line.rstrip() for line in lines]))
    first = re.search(r"^#{1,6} (.+)$", text, re.MULTILINE)
    return Reading(text, first[1] if first else "")


def decoded(raw: bytes) -> str:
    for mark, encoding in _MARKS:
        if raw.startswith(mark):
            return _with_mark(raw, encoding)
    if raw.count(0) == 0:
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError as error:
            return _chinese(raw, error.start)
    guessed = _two_bytes_each(raw[:_LOOKED_AT])
    if guessed is None or len(raw) % 2:
        raise Invalid("The file holds NUL characters; it is not text.")
    return _with_mark(raw, guessed)


def _with_mark(raw: bytes, encoding: str) -> str:
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        raise Invalid(
            f"The file is no {encoding.upper()[:6]} text, as its first bytes say (byte {error.start})."
        ) from None
    if "\x00" in text:
        raise Invalid("The file holds NUL characters; it is not text.")
    return text


def _two_bytes_each(sample: bytes) -> str | None:
    half = max(1, len(sample) // 2)
    if sample[1::2].count(0) > half * 0.4 and sample[0::2].count(0) < half * 0.05:
        return "utf-16-le"
    if sample[0::2].count(0) > half * 0.4 and sample[1::2].count(0) < half * 0.05:
        return "utf-16-be"
    return None


def _chinese(raw: bytes, wrong: int) -> str:
    why = f"The file is neither UTF-8 (byte {wrong}) nor UTF-16 nor GB18030 text; save it as UTF-8."
    try:
        text = raw.decode("gb18030")
    except UnicodeDecodeError:
        raise Invalid(why) from None
    letters = [char for char in text[:_LOOKED_AT] if char > "\x7f"]
    # What GB 2312 holds is what people write, and some of it in every sentence; the rest is what wrong bytes come out as.
    known = sum(1 for char in letters if char.encode("gb2312", "ignore"))
    daily = sum(1 for char in letters if char in _DAILY)
    if known < len(letters) * _KNOWN_ENOUGH or daily < max(2, len(letters) * _DAILY_ENOUGH):
        raise Invalid(why)
    return text


def _headed(lines: list[str]) -> Iterator[str]:
    fence = False
    skip = False
    for number, line in enumerate(lines):
        if _FENCE.match(line):
            fence = not fence
        elif skip:
            skip = False
            continue
        above = lines[number - 1] if number else ""
        first = not any(line.strip() for line in lines[:number])
        below = lines[number + 1] if number + 1 < len(lines) else ""
        level = 0 if fence or not line.strip() else _level(line, above, below, lines[number + 2 : number + 3])
        if first and not level and not fence and _is_title(line, below, lines[number + 2 :]):
            level = 1
        skip = bool(level) and bool(_UNDERLINE.match(below))
        yield f"{'#' * level} {line.strip()}" if level else (line if fence or _FENCE.match(line) else plain(line))


def _level(line: str, above: str, below: str, after: list[str]) -> int:
    """1 to 6, or 0 for a line that is no heading."""
    name = line.strip()
    if above.strip() or line[:1].isspace() or len(name) > 120 or _UNDERLINE.match(line):
        return 0
    if _UNDERLINE.match(below) and _about_as_long(name, below.strip()):
        return 1 if _DOUBLE.match(below) else 2
    if _SENTENCE.search(name):
        return 0
    if not below.strip():
        return _numbered(name, after) or (2 if _shouted(name) else 0)
    return 2 if below[:1].isspace() and _shouted(name) else 0


def _is_title(line: str, below: str, rest: list[str]) -> bool:
    name = line.strip()
    alone = not below.strip() and any(later.strip() for later in rest)
    words = any(char.isalpha() for char in name)
    return alone and words and len(name) <= MAX_NAME and not line[:1].isspace() and not _NO_TITLE.search(name)


def _about_as_long(name: str, line: str) -> bool:
    return len(line) >= min(len(name), 8) // 2 and len(line) <= len(name) * 4 + 8


def _numbered(name: str, after: list[str]) -> int:
    found = _NUMBERED.match(name)
    # A numbered line after a numbered line is a list that is set wide.
    if not found or (after and _NUMBERED.match(after[0].strip())):
        return 0
    return min(2 + (found["arabic"] or "").count("."), 6)


def _shouted(name: str) -> bool:
    letters = [char for char in name if char.isalpha()]
    return len(letters) >= 4 and len(name) <= 80 and all("A" <= char <= "Z" for char in letters)
