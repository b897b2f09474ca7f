"""Templates out of entries, one by one, in bounded memory: a tree of fixed depth whose leaves are lists of templates that look alike.

What varies in form (numbers, ids, addresses, times) is masked first; what varies in words is found by comparing an entry with the
templates of the same length and the same first words, and where few words differ, they become a gap. There is one configuration for every
system. An entry that differs from an earlier one in its digits alone is known by them and never compared: that is most of them, and what
makes it fast.
"""

import re
from dataclasses import dataclass, field

MAX_TEMPLATES = 2_000
MAX_LEAF = 50
MAX_REMEMBERED = 8_000_000
SHOWN_TEMPLATE = 300
GAP = "<*>"
# Of how many words one may differ.
ALIKE = 4

# A status or exit code is not a detail: it stays.
_CODE = re.compile(r"(?i)(?:status|code)\W{0,3}\d|^\d{3}$|^HTTP/")
_DIGITS = re.compile(r"\d+(?:[.,:]\d+)*")
_STATUS = re.compile(r"(?i)(?:status|code)(?:\"?[:=] ?\"?| )(\d+)|\" ([1-5]\d\d) ")
_MASKS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?"), "<time>"),
    (re.compile(r"\b\d\d:\d\d:\d\d(?:[.,]\d{1,9})?\b"), "<time>"),
    (re.compile(r"\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b"), "<id>"),
    (re.compile(r"\b[a-z0-9]{1,40}(?:-[a-z0-9]{1,40}){0,6}-(?=[a-z]*\d)[a-z0-9]{8,10}-[a-z0-9]{5}\b"), "<pod>"),
    (re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?\b"), "<addr>"),
    (re.compile(r"\b0x[0-9a-fA-F]{1,64}\b"), "<id>"),
    (re.compile(r"\b(?=[0-9a-fA-F]{0,64}\d)(?=[0-9a-fA-F]{0,64}[a-fA-F])[0-9a-fA-F]{8,64}\b"), "<id>"),
    (
        re.compile(
            r"(?i)(?<!status=)(?<!status\":)(?<!status )(?<!code=)(?<!code\":)(?<!code )(?<!http/1\.)"
            r"(?<!\" (?=[1-5]\d\d ))(?<![a-z_\d.])[-+]?\d+(?:[.,]\d+)*"
        ),
        "<n>",
    ),
)


@dataclass(slots=True, eq=False)
class Cluster:
    """The entries of one template: how many, the first and the last."""

    words: list[str]
    example: str
    level: str = ""
    count: int = 0
    first: str = ""
    last: str = ""
    latest: str = ""
    where: set[str] = field(default_factory=set)

    @property
    def template(self) -> str:
        return " ".join(self.words)[:SHOWN_TEMPLATE]

    def take(self, text: str, stamp: str, where: str = "") -> None:
        self.count += 1
        self.first = self.first or stamp
        self.last = stamp or self.last
        self.latest = text
        if where and len(self.where) < MAX_LEAF:
            self.where.add(where)


def mask(line: str) -> str:
    if not _DIGITS.search(line):
        return line[:SHOWN_TEMPLATE]
    for pattern, name in _MASKS:
        line = pattern.sub(name, line)
    return line[:SHOWN_TEMPLATE]


def outline(text: str) -> str:
    """The text with its digits told by one: entries with the same outline are of one template, whatever it is."""
    codes = (
        "".join(found[0] for found in _STATUS.finditer(text))
        if "status" in text or "code" in text or '" ' in text
        else ""
    )
    return _DIGITS.sub("0", text) + codes


class Miner:
    def __init__(self) -> None:
        self._leaves: dict[tuple[int, str, str], list[Cluster]] = {}
        self._size = 0

    def cluster(self, text: str) -> Cluster:
        """The cluster that an entry belongs to, made or widened for it."""
        words = mask(text.partition("\n")[0]).split()
        leaf = self._leaves.setdefault(_leaf(words), [])
        for one in leaf[-MAX_LEAF:]:
            if _alike(one.words, words):
                one.words = [mine if mine == its else GAP for mine, its in zip(one.words, words, strict=True)]
                return one
        made = Cluster(words, text)
        if self._size >= MAX_TEMPLATES:
            self._forget()
            leaf = self._leaves.setdefault(_leaf(words), [])
        leaf.append(made)
        self._size += 1
        return made

    def clusters(self) -> list[Cluster]:
        return [one for leaf in self._leaves.values() for one in leaf]

    def _forget(self) -> None:
        """Make room for what is new: of the harmless the rarest go first."""
        kept = sorted(self.clusters(), key=lambda one: (one.level in {"", "info"}, -one.count))[
            : MAX_TEMPLATES * 9 // 10
        ]
        self._leaves, self._size = {}, len(kept)
        for one in kept:
            self._leaves.setdefault(_leaf(one.words), []).append(one)


def _leaf(words: list[str]) -> tuple[int, str, str]:
    first = words[0] if words else ""
    second = words[1] if len(words) > 1 else ""
    return len(words), first if "<" not in first else GAP, second if "<" not in second else GAP


def _alike(template: list[str], words: list[str]) -> bool:
    allowed = len(words) // ALIKE
    for mine, its in zip(template, words, strict=True):
        if mine not in (its, GAP):
            allowed -= 1
            if allowed < 0 or _CODE.search(mine) or _CODE.search(its):
                return False
    return True
