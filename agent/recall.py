"""Answers from pages that were given before, for a question that asks the same.

Alike is not the same: "cart" is not "payment", "not ready" is not "ready", 8443 is not 8080. So a question is only taken for an earlier
one if its vector is near and, beside that, everything it can be told apart by is equal: concepts, names, codes and numbers, its plain
words but for those that every question has, what it negates, whether it asks to raise or to lower, and which part of a page it wants.
An answer is kept for one scope (role, language, mode, pages, models, embedder), for some hours, in memory, and only if it is nothing
but pages: never what was read of the live estate. It is forgotten when a page that it cites changes or goes, and, once any page has
changed, when another page would now come first.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from fnmatch import fnmatchcase
from hashlib import sha256
from typing import Any, Protocol

from agent.claims import numbers_in
from agent.grounding import Unit, Units
from agent.passages import asked_for
from agent.polarity import acts, negates
from core.clock import Clock
from core.language import Language

MOST = 500
KEEP = timedelta(hours=6)
NEAR = 0.72
"""Least cosine; the lexical vectors of a question and its shorter form differ by so much."""
_EVERY_TEXT = """
what how when which who why where should do does did can could would handle deal happen mean help tell me please my our we i you it is are
be the a an of for in on with to and or if there any some get got go show explain say know want need thing way best good right now
怎么 怎么办 如何 怎样 怎么样 处理 办 应该 应当 请 请问 一下 我们 我 你 该 什么 是 吗 呢 的 了 时 时候 情况 问题 出现 遇到 发生 有 要
能 可以 需要 想 意思 知道 告诉 帮 帮忙 一个 这种 这样 怎 么
"""
_EVERY = frozenset(_EVERY_TEXT.split())
"""Words that any question may have."""


class Library(Protocol):
    """What is asked of the pages, beside the search."""

    def edition(self) -> str:
        """Another one once any page has changed, come or gone."""
        ...

    def digest(self, page: str, language: Language) -> str:
        """Of the page's content; empty where there is none."""
        ...

    def vector(self, text: str) -> Any:
        """A row of length one; empty where the embedder does not answer. May block."""
        ...

    @property
    def embedder(self) -> str: ...

    async def first(self, question: str, language: Language) -> str:
        """The page that now comes first; empty where none answers."""
        ...


@dataclass(frozen=True, slots=True)
class Asked:
    """A question by everything that it can be told apart by."""

    technical: frozenset[str]
    plain: frozenset[str]
    numbers: frozenset[str]
    acts: frozenset[str]
    wanted: frozenset[str]
    negates: bool


@dataclass(slots=True)
class Kept:
    question: str
    asked: Asked
    vector: Any
    answer: dict[str, Any]
    pages: dict[tuple[str, Language], str]
    edition: str
    made_at: datetime
    ends_at: datetime
    used: int = 0


@dataclass(slots=True)
class Counts:
    asked: int = 0
    found: int = 0
    kept: int = 0
    outdated: int = 0
    seconds: list[float] = field(default_factory=list)


class Recall:
    def __init__(
        self, library: Library, units: Units, clock: Clock, *, keep: timedelta = KEEP, most: int = MOST
    ) -> None:
        self._library = library
        self._units = units
        self._clock = clock
        self._keep = keep
        self._most = most
        self._kept: OrderedDict[tuple[str, str], Kept] = OrderedDict()
        self.counts = Counts()

    def scope(self, *parts: object) -> str:
        return sha256("\0".join(str(part) for part in (*parts, self._library.embedder)).encode()).hexdigest()[:16]

    def edition(self) -> str:
        return self._library.edition()

    async def find(self, question: str, scope: str, language: Language) -> Kept | None:
        started = self._clock.monotonic()
        self.counts.asked += 1
        near = [kept for (where, _), kept in self._kept.items() if where == scope]
        found = await self._same(question, near) if near else None
        if found is not None and not await self._holds(found, question, language):
            self._forget(found)
            self.counts.outdated += 1
            found = None
        if found is not None:
            found.used += 1
            self.counts.found += 1
            self.counts.seconds = [*self.counts.seconds[-999:], self._clock.monotonic() - started]
        return found

    async def keep(self, question: str, scope: str, answer: Mapping[str, Any], edition: str) -> bool:
        """False where the answer is not one to keep, or its pages changed while it was made."""
        citations: Sequence[Mapping[str, Any]] = answer.get("citations") or []
        pages = {
            (str(one["page"]), _language(one)): self._library.digest(str(one["page"]), _language(one))
            for one in citations
        }
        if not pages or not all(pages.values()) or edition != self._library.edition():
            return False
        vector = await asyncio.to_thread(self._library.vector, question)
        if not len(vector):
            return False
        now = self._clock.now()
        ends = min([now + self._keep, *(end for one in citations if (end := _end(one)) and end > now)])
        kept = Kept(question, asked(question, self._units), vector, dict(answer), pages, edition, now, ends)
        self._kept[scope, question] = kept
        self._kept.move_to_end((scope, question))
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
        self.counts.kept += 1
        return True

    def clear(self, pattern: str = "") -> int:
        """Forget all, or what was asked in words that fit the pattern (`*oom*`, or a part of the words)."""
        wished = pattern if not pattern or any(sign in pattern for sign in "*?[") else f"*{pattern}*"
        gone = [key for key in self._kept if not wished or fnmatchcase(key[1].lower(), wished.lower())]
        for key in gone:
            del self._kept[key]
        return len(gone)

    def stats(self) -> dict[str, Any]:
        counts = self.counts
        return {
            "entries": len(self._kept),
            "most": self._most,
            "keep_seconds": self._keep.total_seconds(),
            "asked": counts.asked,
            "found": counts.found,
            "hit_rate": round(counts.found / counts.asked, 4) if counts.asked else 0.0,
            "kept": counts.kept,
            "outdated": counts.outdated,
            "near": NEAR,
            "embedder": self._library.embedder,
            "oldest": min((kept.made_at for kept in self._kept.values()), default=None),
        }

    def seconds(self) -> list[float]:
        """How long the last answers took that were found."""
        return list(self.counts.seconds)

    async def _same(self, question: str, near: Sequence[Kept]) -> Kept | None:
        vector = await asyncio.to_thread(self._library.vector, question)
        if not len(vector):
            return None
        mine = asked(question, self._units)
        rated = [
            (float(kept.vector @ vector), kept)
            for kept in near
            if len(kept.vector) == len(vector) and kept.asked == mine
        ]
        best = max(rated, key=lambda one: one[0], default=(0.0, None))
        return best[1] if best[0] >= NEAR else None

    async def _holds(self, kept: Kept, question: str, language: Language) -> bool:
        if self._clock.now() >= kept.ends_at:
            return False
        edition = self._library.edition()
        if edition == kept.edition:
            return True
        if any(self._library.digest(page, spoken) != digest for (page, spoken), digest in kept.pages.items()):
            return False
        first = await self._library.first(question, language)
        if first not in {page for page, _ in kept.pages}:
            return False
        kept.edition = edition
        return True

    def _forget(self, gone: Kept) -> None:
        self._kept = OrderedDict((key, kept) for key, kept in self._kept.items() if kept is not gone)


def asked(question: str, units: Units) -> Asked:
    found = units(question)
    plain = frozenset(
        term for unit in found if unit.kind != "technical" for term in unit.terms[:1] if term not in _EVERY
    )
    return Asked(
        technical=frozenset(term for unit in found if unit.kind == "technical" for term in _names(unit)),
        plain=plain,
        numbers=frozenset(numbers_in(question)),
        acts=acts(question),
        wanted=frozenset(asked_for(question)) - {"what"},
        negates=negates(question),
    )


def _names(unit: Unit) -> list[str]:
    """With the wider concepts in it: a failing probe is a liveness or a readiness probe."""
    return [unit.terms[0], *(term for term in unit.terms[1:] if term.startswith("~"))]


def _language(citation: Mapping[str, Any]) -> Language:
    return "zh" if citation.get("language") == "zh" else "en"


def _end(citation: Mapping[str, Any]) -> datetime | None:
    """From when on the page has expired: the answer would then have to say so."""
    until = str(citation.get("valid_until") or "")[:10]
    try:
        return datetime.combine(date.fromisoformat(until) + timedelta(days=1), time(), UTC) if until else None
    except ValueError:
        return None
