"""What a search needs of an index, whichever it is.

An index does not rank: it names the passages that may answer a question and says, for each, what it measured. Fusion, the floor and
diversity are `search`'s and work on these figures alike, so that two indexes over the same pages answer alike. The best passages of every
view, in each language by itself, are among them, and every figure is exact for every one of them.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from core.language import Language, detect
from knowledge_base.segment import Unit
from knowledge_base.store import StoredPassage

Scores = NDArray[np.float32]
Flags = NDArray[np.bool_]
LANGUAGES: tuple[Language, ...] = ("en", "zh")


@dataclass(frozen=True, slots=True)
class Entry:
    """One passage as it is shown, with the page it stands on."""

    page: str
    title: str
    heading: str
    text: str
    language: Language
    path: str
    document: str = ""
    position: int = 0
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Shown:
    """A document as it has to stand in the index; another revision means other passages, and no two documents share one."""

    id: str
    revision: str
    page: str
    title: str
    language: Language
    path: str
    tags: tuple[str, ...] = ()
    compared: bool = True
    """Whether its vectors are of the embedder that questions are asked with; else its words alone are looked at."""


Passages = Callable[[Sequence[str]], AsyncIterator[Mapping[str, Sequence[StoredPassage]]]]
"""Reads passages by the revisions of their documents, those of some at a time."""


@dataclass(frozen=True, slots=True)
class Question:
    text: str
    language: Language
    """The language to answer in; the question itself may be in the other."""
    units: tuple[Unit, ...]
    vector: Scores

    @property
    def terms(self) -> list[str]:
        return [term for unit in self.units for term in unit.terms]

    @property
    def asked_in(self) -> Language:
        return detect(self.text)


@dataclass(frozen=True, slots=True)
class Filters:
    """What may be found at all; `tags` must all stand on the page."""

    language: Language | None = None
    tags: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return self.language is not None or bool(self.tags)


@dataclass(frozen=True, slots=True)
class Candidates:
    """Passages in the fixed order of the store, and row for row what was measured of them."""

    entries: tuple[Entry, ...]
    keywords: Scores
    """BM25."""
    similarity: Scores
    """Cosine of the vectors."""
    passage: Scores
    """Coverage: the share of what was asked, weighted by rarity, that the passage answers to (0..1)."""
    page: Scores
    """The same of its whole page."""
    technical: Flags
    """Whether its page answers to a technical term of the question."""
    among: int
    """Passages that the filters let through."""

    def __len__(self) -> int:
        return len(self.entries)

    def of_language(self, language: Language) -> Flags:
        return np.array([entry.language == language for entry in self.entries], dtype=np.bool_)


class Index(Protocol):
    @property
    def name(self) -> str: ...

    def __len__(self) -> int:
        """Passages held."""
        ...

    async def update(self, shown: Sequence[Shown], read: Passages) -> None:
        """Hold these documents in this order, and no others; only those of a new revision are read.

        Searches meanwhile find what was held before, and after it what is held now.
        """
        ...

    async def candidates(self, question: Question, filters: Filters, count: int) -> Candidates:
        """At least the `count` best passages of each view in each language; does not hold up the loop."""
        ...

    async def keep_up(self) -> None:
        """Called now and then: what can wait."""
        ...

    async def close(self) -> None: ...


def entry(shown: Shown, position: int, passage: StoredPassage) -> Entry:
    return Entry(
        page=shown.page,
        title=shown.title,
        heading=passage.heading,
        text=passage.text,
        language=shown.language,
        path=shown.path,
        document=shown.id,
        position=position,
        tags=shown.tags,
    )


def none_of(among: int) -> Candidates:
    nothing = np.zeros(0, np.float32)
    return Candidates((), nothing, nothing, nothing, nothing, np.zeros(0, np.bool_), among)


def view_of_pages(page: Scores, passage: Scores) -> Scores:
    """Orders by whole pages: a question may use words of two sections of one page; within it, the passage that answers most."""
    return np.asarray(page + 0.5 * passage, dtype=np.float32)


def best_first(scores: Scores, count: int) -> NDArray[np.intp]:
    """Places of the best scores above nothing, of a large store only those that can be among them.

    The sort is stable: passages that are equal keep their order, and the same question twice has the same answer.
    """
    some = np.flatnonzero(scores > 0)
    if len(some) > count:
        least = np.partition(scores[some], -count)[-count]
        some = some[scores[some] >= least]
    return some[np.argsort(-scores[some], kind="stable")][:count]
