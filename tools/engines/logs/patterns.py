"""A log as a few patterns with counts, instead of thousands of lines.

Patterns that look like trouble come first, the frequent before the rare; of what looks harmless the rare comes first: what happened once
is worth more to a reader than what happens always.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from tools.engines.logs.entries import Entry, entries, moment
from tools.engines.logs.miner import Cluster, Miner, mask

__all__ = ["LEVELS", "Entry", "Pattern", "entries", "is_quiet", "level", "mask", "ordered", "patterns", "rarest"]

_FATAL = re.compile(r"(?i)\b(?:fatal|panic|critical|emerg|oom|out of memory|segfault|segmentation fault)\b|\bF\d{4} ")
_ERROR = re.compile(
    r"(?i)\b(?:error|err|severe|exception|traceback|failed|failure|refused|denied|unauthorized|forbidden|timed out|timeout|unreachable|"
    r"no such host|reset by peer|broken pipe|cannot|could not|unable to|killed)\b|[a-z](?:Error|Exception)\b|\bE\d{4} |\b50[0234]\b|"
    r"错误|失败|异常|拒绝"
)
# MySQL's servers say so in brackets, of harmless things that are worded like errors.
_BY_ITS_OWN_WORD = re.compile(r"\[Warning\]")
_WARNING = re.compile(
    r"(?i)\b(?:warn|warning|retry|retrying|deprecated|slow|degraded|throttl\w{1,8})\b|\bW\d{4} |警告|重试|超时"
)
_QUIET = re.compile(
    r"(?i)\blevel[\"']?\s{0,3}[=:]\s{0,3}[\"']?(?:info|debug|trace)\b|^\W{0,3}(?:INFO|DEBUG|TRACE|NOTICE)\b"
    r"|[\s\[(](?-i:INFO|DEBUG|TRACE|Note|LOG)[\s:\])]|^I\d{4} "
)

LEVELS = ("fatal", "error", "warning", "info")


@dataclass(slots=True)
class Pattern:
    template: str
    level: str
    example: str
    count: int = 0
    first: datetime | None = None
    last: datetime | None = None
    where: set[str] = field(default_factory=set)
    latest: str = ""


def patterns(said: Iterable[Entry]) -> list[Pattern]:
    miner = Miner()
    for entry in said:
        cluster = miner.cluster(entry.text)
        cluster.level = cluster.level or level(entry.text)
        cluster.take(entry.text, entry.stamp, entry.where)
    return ordered(miner.clusters())


def ordered(clusters: Iterable[Cluster]) -> list[Pattern]:
    """Trouble first and there the frequent before the rare; then what looks harmless, the rare before the frequent."""
    found = [
        Pattern(
            one.template, one.level, one.example, one.count, moment(one.first), moment(one.last), one.where, one.latest
        )
        for one in clusters
    ]
    return sorted(found, key=_order)


def level(text: str) -> str:
    """How bad a line looks: by its own level where it names one that is quiet, else by its words."""
    if _FATAL.search(text):
        return "fatal"
    if is_quiet(text):
        return "info"
    if _ERROR.search(text) and not _BY_ITS_OWN_WORD.search(text):
        return "error"
    return "warning" if _WARNING.search(text) else "info"


def is_quiet(text: str) -> bool:
    """Whether it calls itself information, or less."""
    return _QUIET.search(text.partition("\n")[0]) is not None


def rarest(said: Sequence[Entry], found: Sequence[Pattern], limit: int) -> Iterator[str]:
    """The last line of each of the harmless patterns that hardly ever occur; those of trouble are shown anyhow."""
    most = max(1, len(said) // 50)
    rare = sorted((one for one in found if one.level == "info" and one.count <= most), key=lambda one: one.count)
    return (one.latest for one in rare[:limit])


def _order(pattern: Pattern) -> tuple[int, int]:
    harmless = pattern.level == "info"
    return LEVELS.index(pattern.level), pattern.count if harmless else -pattern.count
